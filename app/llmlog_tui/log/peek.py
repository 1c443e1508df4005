"""How the files of a log begin, for formats whose files have lines in common."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, tee
from pathlib import Path
from typing import Final

from llmlog_tui.formats import Format, Item, LogState, Peeks
from llmlog_tui.formats.all_formats import ALL_FORMATS
from llmlog_tui.formats.detect import HEAD_BYTES, HEAD_OBJECTS, head_of
from llmlog_tui.formats.shared_state import LOADING
from llmlog_tui.formats.unwrap import Unwrapped, Unwrapper
from llmlog_tui.log.archive_manifest import is_part
from llmlog_tui.log.compressed import beginning_of
from llmlog_tui.log.sources import STDIN, url_of

_BYTES: Final = 16 * 2**10
_MAX_BYTES: Final = 2**20
"""How much of a file is looked at until it has a whole line."""


def peek(
    files: Sequence[Path], states: dict[str, LogState], formats: Collection[Format] = ALL_FORMATS
) -> list[Hashable | None]:
    """Pass the first objects of files to their formats, before reading any of them.

    Returns a key per file: equal keys for files that begin alike, None without a known beginning.
    """
    for each in formats:
        states.setdefault(each.name, {}).setdefault(LOADING, True)
    peeking = {each.name: each for each in formats if isinstance(each, Peeks)}
    return [_begins_as(file, states, peeking) for file in files]


def has_own_lines(file: Path) -> bool:
    """Return whether a file's own lines are records of llmlog's, as it begins. Raises OSError.

    Standard input is not read for that. A table has no file, and an archive's part no lines: of its
    records some may be in the other files of the log as well.
    """
    if file == STDIN or url_of(file) or is_part(file):
        return False
    return head_of(beginning_of(file, HEAD_BYTES), ALL_FORMATS).is_plain


def _begins_as(
    file: Path, states: dict[str, LogState], peeking: Mapping[str, Peeks]
) -> Hashable | None:
    begins: Hashable | None = None
    given = tee(_first_objects(file), len(peeking))
    for (name, each), objects in zip(peeking.items(), given, strict=True):
        key = each.peek(states[name], objects)
        begins = begins if key is None else (name, key)
    return begins


def _first_objects(file: Path) -> Iterator[Item]:
    """Return the first objects of a file, decoded as they are taken."""
    lines = [] if file == STDIN or is_part(file) else _first_lines(file)
    return islice(_objects(lines), HEAD_OBJECTS)


def _objects(lines: Iterable[bytes]) -> Iterator[Item]:
    unwrapper = Unwrapper()
    for number, line in enumerate(lines):
        for outcome in unwrapper.feed(number, line) if line.strip() else ():
            if isinstance(outcome, Unwrapped):
                yield from outcome.items


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
