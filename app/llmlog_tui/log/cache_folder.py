"""Folder of the cache of parsed logs, and its switch."""

# Without polars: the first frame does not wait for it.

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from llmlog_tui.user_folders import user_folder

NO_CACHE: Final = "LLMLOG_NO_CACHE"
"""Environment variable that turns the cache off, unless it is empty."""


def cache_folder() -> Path:
    """Return the folder of the cache: `llmlog/parsed` in the user's cache folder."""
    return user_folder("XDG_CACHE_HOME", ".cache") / "parsed"


def is_off() -> bool:
    return bool(os.environ.get(NO_CACHE))


@contextlib.contextmanager
def without_cache() -> Iterator[None]:
    """Turn the cache off for this process and those it starts."""
    before = os.environ.get(NO_CACHE)
    os.environ[NO_CACHE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[NO_CACHE]
        else:
            os.environ[NO_CACHE] = before
