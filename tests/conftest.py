"""What all tests share: the samples, and an environment in which they pass on every machine."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.alone import pytest_runtest_logreport, pytest_runtest_protocol
from tests.frozen import freeze
from tests.searches import examples

__all__ = ["pytest_runtest_logreport", "pytest_runtest_protocol"]  # hooks

settings.register_profile("any machine", deadline=None, max_examples=examples())
settings.load_profile("any machine")  # how long an example takes says how busy the machine is

# Each of some 300 processes that tests start would compile what it imports: as long as it runs.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["LLMLOG_NO_CACHE"] = "1"  # the user's own cache is neither read nor written
os.environ.pop("PYTHONUNBUFFERED", None)  # a user has none: what is left to write shows at the end
# A shell's background job ignores Ctrl-C, and so would every process that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent

_MAX_ID_CHARS = 80
"""Maximum length of a parameter's value as its id; some are megabytes."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without garbage collections: they take a third of the time, and find little."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Exempt what imports and the collection made from all garbage collections to come.

    It lives as long as the process: looking through it takes most of a second each time.
    """
    gc.collect()
    freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a long parameter by its beginning and its length; all others as pytest does."""
    if isinstance(val, (str, bytes)) and len(val) > _MAX_ID_CHARS:
        return f"{val[:_MAX_ID_CHARS]!a} of {len(val)}"
    return None


@pytest.fixture(autouse=True)
def _same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show local time as UTC, and let every terminal have the size that a test gives it."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for size in ("COLUMNS", "LINES"):  # pytest-xdist's workers have them, and users export them
        monkeypatch.delenv(size, raising=False)


@pytest.fixture
def root() -> Path:
    """The top of the repository."""
    return ROOT


@pytest.fixture
def sample(root: Path) -> Path:
    """The sample log that the README opens."""
    return root / "sample_logs" / "calls.jsonl"
