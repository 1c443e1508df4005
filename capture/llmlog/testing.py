"""Test helpers: manual clock, counting ids, records in memory, replay."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, overload

from llmlog._core import Clock as ClockProtocol
from llmlog._core import Core
from llmlog._guard import Guard
from llmlog._optional import import_optional
from llmlog._replay import client_of
from llmlog._session import Session
from llmlog._writer import Target, open_writer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from openai import OpenAI

    from llmlog._content import ContentPolicy
    from llmlog._foreign import Foreign
    from llmlog._redaction.custom import Custom

_C = TypeVar("_C")


class Clock:
    """A clock that is advanced by hand; pass it to `llmlog.session(..., clock=...)`."""

    def __init__(self, start: datetime | None = None) -> None:
        start = start or datetime(2026, 1, 1, tzinfo=UTC)
        # Not start.timestamp() * 1e9: a float cannot hold a year in nanoseconds.
        self._epoch_ns = int(start.timestamp()) * 1_000_000_000 + start.microsecond * 1_000
        self._elapsed_ns = 0

    def advance(self, ms: float) -> None:
        """Move the clock forward by `ms` milliseconds."""
        self._elapsed_ns += round(ms * 1e6)

    def time_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return self._epoch_ns + self._elapsed_ns

    def monotonic_ns(self) -> int:
        """Return nanoseconds since the clock was created."""
        return self._elapsed_ns


class Ids:
    """An id source that counts from 1: the same ids in every run."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self, digits: int) -> str:
        """Return the next id, of `digits` hex digits."""
        with self._lock:
            self._last += 1
            return f"{self._last:0{digits}x}"


class Memory:
    """A target that keeps lines in memory; pass it to `llmlog.session`."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def __call__(self, line: bytes) -> None:
        """Append one line."""
        self.lines.append(line)

    def records(self) -> list[dict[str, Any]]:
        """Return the records written until now."""
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
    starts: bool = False,
) -> Session:
    """Open a session like `llmlog.session`, but deterministic, and with faults raised."""
    return Session(
        Core(
            open_writer(target),
            session_id,
            content=content,
            redact=redact,
            tags=tags,
            clock=clock or Clock(),
            new_id=new_id or Ids(),
            guard=Guard(strict=True),
            starts=starts,
        )
    )


@overload
def replay(
    log: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    in_order: bool = False,
    **options: Foreign,
) -> OpenAI: ...
@overload
def replay(
    log: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    client: type[_C],
    *,
    in_order: bool = False,
    **options: Foreign,
) -> _C: ...
def replay(
    log: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    client: Foreign = None,
    *,
    in_order: bool = False,
    **options: Foreign,
) -> Foreign:
    """Return a client that answers from a recorded log: no key, no network, no cost.

    log       file or files recorded with `content="full"`
    client    class of the client: OpenAI by default, AsyncOpenAI, Anthropic or AsyncAnthropic
    in_order  answer the calls of an endpoint in the log's order, whatever their input; by default
              a call is answered by the record with the same input
    options   arguments of the client, such as `base_url`

    Errors, tool calls and streams are replayed as well; a stream's text comes in one piece. A
    request that was not recorded fails with status 400. Raises ValueError for a log without
    content.
    """
    if client is None:
        client = import_optional("openai", "llmlog[openai]").OpenAI
    return client_of(log, client, in_order=in_order, options=options)
