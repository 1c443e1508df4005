"""Order in which the files of a log are read: the newest first."""

from __future__ import annotations

import math
import os
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from llmlog_tui.log.archive_manifest import is_part
from llmlog_tui.log.sources import STDIN, url_of

_LEVELS: Final = 2
"""Folders between a session's log and those of its subagents: SESSION/subagents/."""


class Turn(NamedTuple):
    """A file's turn to be polled, for its new or its older lines."""

    turn: int
    file: int
    is_older: bool


def size_and_time(file: Path) -> tuple[int, float]:
    """Return a file's bytes and mtime; a missing file is empty and the newest."""
    try:
        found = os.stat(file)  # noqa: PTH116 - half the cost, for thousands of files
    except OSError:
        return 0, math.inf
    return found.st_size, found.st_mtime


def size_of(file: Path) -> float | None:
    """Return a file's bytes, None if it is missing.

    Standard input and tables are endless, and so is an archive's part: one that is missing or empty
    is not read as nothing.
    """
    if file == STDIN or url_of(file) or is_part(file):
        return math.inf
    with suppress(OSError):
        return file.stat().st_size
    return None


def newest_first(names: Sequence[str], written: Sequence[float]) -> list[int]:
    """Return the indexes of files, the newest first, given when each was `written` to.

    A session is as new as the newest log of its subagents, and comes before them: a subagent's
    records need those of the session that started it.
    """
    index_of = {name: index for index, name in enumerate(names)}
    sessions = [_session_of(name, index_of) for name in names]
    newest = list(written)
    for index, session in enumerate(sessions):
        newest[session] = max(newest[session], written[index])

    def order(index: int) -> tuple[float, int, bool, float]:
        session = sessions[index]
        return -newest[session], session, index != session, -written[index]

    return sorted(range(len(names)), key=order)


def forks_of_newest(order: Sequence[int], begins: Sequence[Hashable | None]) -> list[int]:
    """Return the first file of an order and its forks; [] without forks.

    `begins` are the keys of peek(), by file.
    """
    if not order or begins[order[0]] is None:
        return []
    alike = [index for index in order if begins[index] == begins[order[0]]]
    return alike if len(alike) > 1 else []


def _session_of(name: str, index_of: Mapping[str, int]) -> int:
    """Return the index of a log's session: its own, unless it is a subagent's."""
    folder = name
    for _ in range(_LEVELS):
        folder = os.path.dirname(folder)  # noqa: PTH120 - a Path per file and level costs too much
        session = index_of.get(f"{folder}.jsonl")
        if session is not None:
            return session
    return index_of[name]
