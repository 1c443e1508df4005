"""The reader of the log layer, with the user's cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llmlog_tui.log.parse_cache import user_cache
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources


def open_reader(
    files: Sequence[Path] | Sources, window: Retention, stdin: int | None, *, newest_first: bool
) -> Reader:
    return Reader(files, newest_first=newest_first, window=window, stdin=stdin, cache=user_cache())
