"""How the files of a log begin, for formats whose files have lines in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from llmlog_tui.formats import Format, Item, LogState, Peeks
from llmlog_tui.formats.detect import HEAD_OBJECTS
from llmlog_tui.formats.registry import FORMATS
from llmlog_tui.formats.shared_state import LOADING
from llmlog_tui.formats.unwrap import Unwrapped, Unwrapper
from llmlog_tui.log.compressed import beginning_of
from llmlog_tui.log.sources import STDIN

_BYTES: Final = 16 * 2**10
_MAX_BYTES: Final = 2**20
"""How much of a file is looked at until it has a whole line."""


def peek(
    files: Sequence[Path], states: dict[str, LogState], formats: Sequence[Format] = FORMATS
) -> None:
    """Pass the first objects of all files to their formats, before reading any."""
    for each in formats:
        states.setdefault(each.name, {}).setdefault(LOADING, True)
    peeking = [each for each in formats if isinstance(each, Peeks)]
    for file in files if peeking else ():
        items = list(_first_objects(file)) if file != STDIN else []
        for each in peeking:
            if items and each.detect(items):
                each.peek(states[each.name], items)


def _first_objects(file: Path) -> Iterator[Item]:
    unwrapper, found = Unwrapper(), 0
    for number, line in enumerate(_first_lines(file)):
        for outcome in unwrapper.feed(number, line) if line.strip() else ():
            if isinstance(outcome, Unwrapped):
                yield from outcome.items
                found += len(outcome.items)
        if found >= HEAD_OBJECTS:
            return


def _first_lines(file: Path) -> list[bytes]:
    """The whole lines among the first bytes, at least one if there is any."""
    data, size = b"", _BYTES
    with contextlib.suppress(OSError):
        while b"\n" not in data and size <= _MAX_BYTES:
            data = beginning_of(file, size)
            if len(data) < size:
                return data.split(b"\n")
            size *= 8
    return data.split(b"\n")[:-1]
