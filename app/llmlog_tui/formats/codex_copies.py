"""Copied beginnings of rollouts: forks and subagents start with their parent's lines.

The copies are written within the first second of the file, with new timestamps. They are
recognised by the ids of their thread and turn; without ids, two token counts in that second make
it a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmlog_tui.formats import Found
from llmlog_tui.formats.vocabulary import mapping, text

_NS_PER_S: Final = 1_000_000_000
_MIN_COPIED_COUNTS: Final = 2
_UUID_LENGTH: Final = 36
_UUID_TIME: Final = 13
"""Characters of a UUID of version 7 that are its time."""


class CopiedStart:
    """State of the beginning of one rollout."""

    def __init__(self) -> None:
        self.is_subagent = False
        self.is_copying = False
        """Whether the turn at hand is one of the parent's."""
        self.has_dropped = False
        """Whether the last released() dropped copied records."""
        self._is_copy = False
        self._session: str | None = None
        self._second: int | None = None
        self._is_over = False
        self._counts = 0
        self._held: list[Found] = []
        self._turns: set[str] = set()

    def note_meta(self, payload: Mapping[str, Any], ns: int | None, session: str | None) -> None:
        """Note a session_meta line: the file's own comes first, then its parent's."""
        if self._session is not None:
            self._is_copy = self._is_copy or session != self._session
            return
        self._session = session
        self._second = None if ns is None else ns // _NS_PER_S
        self.is_subagent = "subagent" in mapping(payload.get("source"))
        self._is_copy = self.is_subagent or text(payload.get("forked_from_id")) is not None

    def note_turn(self, turn: str | None) -> None:
        """Note the beginning of a turn; one older than the session is the parent's."""
        self.is_copying = self._is_copy and turn is not None and self._is_older(turn)
        if turn is not None and not self.is_copying:
            self._turns.add(turn)

    def note_count(self) -> None:
        """Note that tokens were counted."""
        self._counts += 1

    def is_copied(self, payload: Mapping[str, Any], session: str | None) -> bool:
        """Return whether counted tokens are those of a call of the parent's."""
        thread = text(payload.get("thread_id"))
        if thread is not None and session is not None and thread != session:
            return True
        turn = text(payload.get("turn_id"))
        if not self._is_copy or turn is None:
            return self.is_copying
        return self._is_older(turn) or (bool(self._turns) and turn not in self._turns)

    def kept(self, ns: int | None, found: list[Found]) -> list[Found]:
        """Return records at once, or hold them while they may be copies."""
        if not self._is_copy or self._is_over or self._is_past(ns):
            return found
        self._held += found
        return []

    def released(self, ns: int | None) -> list[Found]:
        """Return the records held back once the first second is over; None ends it."""
        self.has_dropped = False
        if not self._is_copy or self._is_over or not (ns is None or self._is_past(ns)):
            return []
        self._is_over = True
        held, self._held = self._held, []
        self.has_dropped = self._counts >= _MIN_COPIED_COUNTS
        return [] if self.has_dropped else held

    def _is_past(self, ns: int | None) -> bool:
        return ns is not None and ns // _NS_PER_S != self._second

    def _is_older(self, turn: str) -> bool:
        own = self._session or ""
        return _has_time(turn) and _has_time(own) and turn[:_UUID_TIME] < own[:_UUID_TIME]


def _has_time(uuid: str) -> bool:
    """Return whether an id is a UUID of version 7, which begins with its time."""
    return len(uuid) == _UUID_LENGTH and uuid[14] == "7"
