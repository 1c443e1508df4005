"""Forked and resumed sessions: which of several files counts the lines they have in common.

A fork begins with a copy of its origin's lines: the same uuids under a new sessionId. Each line
counts once, for the session whose own lines (those no other file has) begin first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from llmlog_tui.formats import LogState
from llmlog_tui.formats.claude_code_lines import Line

_ORIGINS: Final = "origins"
_GROUPS: Final = "forks"
_NEVER: Final = 2**63


class Fork:
    """One file of a group; its lines are held until the whole group was read."""

    def __init__(self, group: list[Fork]) -> None:
        self.lines: list[Line] = []
        self._group = group
        self._owned: set[str] | None = None
        group.append(self)

    def own_lines(self) -> list[Line]:
        """Return the lines that count for this file, and forget all."""
        if self._owned is None:
            files = [fork.lines for fork in self._group]
            for fork, owned in zip(self._group, owned_uuids(files), strict=True):
                fork._owned = owned  # noqa: SLF001 - of the same class
        owned = self._owned or set()
        lines, self.lines = self.lines, []
        return [line for line in lines if not line.uuid or line.uuid in owned]


def note_origin(log: LogState, first_uuid: str) -> int:
    """Note how a file begins, and return its group: files that begin alike are forks."""
    origin = hash(first_uuid)
    log.setdefault(_ORIGINS, Counter())[origin] += 1
    return origin


def fork_of(log: LogState, first_uuid: str) -> Fork | None:
    """Return a file's place in its group; None if no other file begins alike."""
    origin, origins = hash(first_uuid), log.get(_ORIGINS, Counter[int]())
    if origins[origin] < 2:  # noqa: PLR2004 - itself, and another
        return None
    groups: dict[int, list[Fork]] = log.setdefault(_GROUPS, {})
    return Fork(groups.setdefault(origin, []))


def owned_uuids(files: Sequence[Sequence[Line]]) -> list[set[str]]:
    """Return the uuids that count for each file, independent of the files' order."""
    uuids = [{line.uuid for line in file} for file in files]
    count = Counter(uuid for file in uuids for uuid in file)

    def begins(index: int) -> tuple[int, str]:
        own = (line.ns for line in files[index] if count[line.uuid] == 1 and line.ns is not None)
        session = files[index][0].lane.session if files[index] else ""
        return min(own, default=_NEVER), session

    taken: set[str] = set()
    owned: list[set[str]] = [set() for _ in files]
    for index in sorted(range(len(files)), key=begins):
        owned[index] = uuids[index] - taken
        taken |= uuids[index]
    return owned
