"""Watch the globs and folders of a log for new files."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from llmlog_tui.errors import reason
from llmlog_tui.log.sources import Sources

SCAN_S: Final = 1.0
"""Seconds between scans of a glob or folder for new files."""

FAST_SCAN_S: Final = 0.005
"""Seconds per scan above which scans become rarer, in proportion."""


class NewFiles:
    """Files that appear under `names`; what cannot be read is noted in `problems`."""

    def __init__(self, names: Sources, problems: dict[Path, str]) -> None:
        self._names = names
        self._problems = problems
        self._scanned, self._took = time.monotonic(), 0.0

    def scan(self, known: Callable[[], Collection[Path]]) -> list[Path]:
        """Return files that are not known, every SCAN_S seconds or more."""
        pause = SCAN_S * max(1.0, self._took / FAST_SCAN_S)
        began = time.monotonic()
        if began - self._scanned < pause:
            return []
        self._scanned = began
        before = set(known())
        for file in self._problems.keys() - before:
            del self._problems[file]
        try:
            new = [file for file in self._names.files() if file not in before]
        except OSError as error:
            self._problems[Path(error.filename)] = reason(error)
            new = []
        self._took = time.monotonic() - began
        return new
