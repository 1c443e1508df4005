"""For tests of applications, and of llmlog: a clock that stands still, ids that count, records."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmlog._guard import Guard
from llmlog._session import Clock as ClockProtocol
from llmlog._session import Session
from llmlog._writer import Target, open_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmlog._content import ContentPolicy
    from llmlog._redact import Custom


class Clock:
    """A clock that only moves when told to; give it to `llmlog.session(..., clock=...)`."""

    def __init__(self, start: datetime | None = None) -> None:
        start = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._epoch_ns = int(start.timestamp()) * 1_000_000_000 + start.microsecond * 1_000
        self._elapsed_ns = 0

    def advance(self, ms: float) -> None:
        """Let `ms` milliseconds pass."""
        self._elapsed_ns += round(ms * 1e6)

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self._epoch_ns + self._elapsed_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds since the clock was made."""
        return self._elapsed_ns


class Ids:
    """Ids that count from 1: the same every time, and none twice."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self, digits: int) -> str:
        """The next id, of `digits` hex digits."""
        with self._lock:
            self._last += 1
            return f"{self._last:0{digits}x}"


class Memory:
    """Keeps lines in memory; give it to `llmlog.session` as the target."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def __call__(self, line: bytes) -> None:
        """Take one line."""
        self.lines.append(line)

    def records(self) -> list[dict[str, Any]]:
        """The records written so far."""
        return [json.loads(line) for line in self.lines]


def session(  # noqa: PLR0913 - the same as llmlog.session
    target: Target,
    session_id: str | None = None,
    *,
    content: ContentPolicy = "none",
    redact: Iterable[Custom] = (),
    tags: Mapping[str, object] | None = None,
    clock: ClockProtocol | None = None,
    new_id: Callable[[int], str] | None = None,
) -> Session:
    """As `llmlog.session`, but deterministic, and a fault in capture is raised."""
    return Session(
        open_writer(target),
        session_id,
        content=content,
        redact=redact,
        tags=tags,
        clock=clock or Clock(),
        new_id=new_id or Ids(),
        guard=Guard(strict=True),
    )
