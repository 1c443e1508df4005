"""Sessions: the object an application holds to wrap clients and open traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from llmlog import _sdk
from llmlog._core import Clock, Core, TraceCore
from llmlog._trace import Trace
from llmlog._writer import Target, open_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmlog._content import ContentPolicy
    from llmlog._redaction.custom import Custom

_C = TypeVar("_C")


def session(  # noqa: PLR0913 - options by name
    target: Target,
    session_id: str | None = None,
    *,
    content: ContentPolicy = "none",
    redact: Iterable[Custom] = (),
    tags: Mapping[str, object] | None = None,
    clock: Clock | None = None,
    new_id: Callable[[int], str] | None = None,
    fsync: bool = False,
    rotate_bytes: int | None = None,
    starts: bool = False,
) -> Session:
    """Start recording to `target`: a path, an open file, or a function that takes bytes.

    session_id    joins a whole conversation; by default 8 random hex digits
    content       policy for prompts and answers: `none`, `hash`, `redacted` or `full`
    redact        patterns, and functions (text -> text), in addition to the built-in rules
    tags          your own fields, such as a user's tier or a prompt's version: `extra` of every
                  record; traces, clients, tools and records add theirs, the innermost one counts
    clock, new_id replace the system's clock and randomness (new_id: number of hex digits -> id)
    fsync         wait for the disk after each record
    rotate_bytes  rename a path that would grow beyond it to `PATH.TIME`, and start a new file;
                  the full files are yours to keep or delete
    starts        write a line as a call or tool begins, too (event `start`, with the ids of the
                  record that follows), so that calls in flight can be seen

    With LLMLOG_DISABLED=1 in the environment nothing is recorded.
    """
    return Session(
        Core(
            open_writer(target, fsync=fsync, rotate_bytes=rotate_bytes),
            session_id,
            content=content,
            redact=redact,
            tags=tags,
            clock=clock,
            new_id=new_id,
            starts=starts,
        )
    )


class Session:
    """A conversation whose calls share one session id; made by `llmlog.session`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def session_id(self) -> str:
        """The id its records are joined by."""
        return self._core.session_id

    @property
    def faults(self) -> int:
        """Number of times recording failed; the calls themselves were not affected."""
        return self._core.guard.faults

    @property
    def enabled(self) -> bool:
        """Whether calls are recorded: from the start, unless LLMLOG_DISABLED=1 is set."""
        return self._core.enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._core.enabled = enabled

    def wrap(
        self,
        client: _C,
        *,
        stream_usage: bool = False,
        tags: Mapping[str, object] | None = None,
    ) -> _C:
        """Return a client of the same class whose calls are recorded, with `tags` in each.

        A call belongs to the innermost `with session.trace()` of its own thread or task, and is a
        trace of its own outside of any. For threads, pools, callbacks and generators use
        `trace.wrap`. `stream_usage` asks the server for token counts on streams whose caller did
        not.
        """
        return _sdk.wrap(client, self._core, None, stream_usage=stream_usage, tags=tags)

    def trace(
        self,
        trace_id: str | None = None,
        *,
        name: str | None = None,
        tags: Mapping[str, object] | None = None,
        first_step: int = 0,
    ) -> Trace:
        """Open one logical operation, such as an agent run: `with session.trace() as trace:`.

        `name` identifies the operation, the same for each of its runs, and `tags` are written
        into each of its records. `trace_id` and `first_step` continue one that began elsewhere.
        """
        return Trace(TraceCore(self._core, trace_id, first_step, name=name, tags=tags))
