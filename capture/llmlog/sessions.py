"""Sessions, traces and spans: what an application holds, and where every record gets its ids."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, TypeVar, overload

from llmlog import client as clients
from llmlog import scopes
from llmlog.guard import Guard, guarded
from llmlog.record import build, timestamp, to_line
from llmlog.tools import Span, ToolRun, recorded
from llmlog.writer import Target, Writer, open_writer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ContentPolicy: TypeAlias = Literal["none", "hash", "redacted", "full"]

_C = TypeVar("_C")
_F = TypeVar("_F", bound=Callable[..., Any])


class Clock(Protocol):
    """Where every time in a record comes from; the module `time` is one."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970, for `ts`."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that only go forward, for latencies."""
        ...


def session(  # noqa: PLR0913 - options by name
    target: Target,
    session_id: str | None = None,
    *,
    content: ContentPolicy = "none",
    tags: Mapping[str, object] | None = None,
    clock: Clock | None = None,
    new_id: Callable[[int], str] | None = None,
) -> Session:
    """Start recording to `target`: a path, an open file, or a function that takes a line's bytes.

    `session_id` joins a whole conversation; without one it is 8 random hex digits. `tags` go into
    every record as `extra`. `clock` and `new_id` (number of hex digits -> id) replace the system's
    clock and randomness. With LLMLOG_DISABLED=1 in the environment nothing is recorded.
    """
    return Session(
        open_writer(target), session_id, content=content, tags=tags, clock=clock, new_id=new_id
    )


class Session:
    """A conversation whose calls share one session id; made by `llmlog.session`."""

    def __init__(  # noqa: PLR0913 - options by name
        self,
        writer: Writer,
        session_id: str | None,
        *,
        content: ContentPolicy = "none",
        tags: Mapping[str, object] | None = None,
        clock: Clock | None = None,
        new_id: Callable[[int], str] | None = None,
        guard: Guard | None = None,
    ) -> None:
        if content != "none":
            raise ValueError(f"no such content policy: {content!r}")
        self._writer = writer
        self.new_id = new_id or _random_id
        self.session_id = _checked_id(session_id, "session_id") or self.new_id(8)
        self.clock: Clock = clock or time
        self.guard = guard or Guard()
        self.enabled = os.environ.get("LLMLOG_DISABLED", "") in ("", "0")
        self._extra = dict(tags) if tags else None
        self._entered: list[int] = []

    @property
    def faults(self) -> int:
        """How often recording failed; the calls themselves were not affected."""
        return self.guard.faults

    def wrap(self, client: _C, *, stream_usage: bool = False) -> _C:
        """A client of the same class whose calls are recorded under the trace they run in.

        That is the innermost `with session.trace()` of the same thread or task; a call under none
        is a trace of its own. For threads, pools, callbacks and generators use `trace.wrap`.
        `stream_usage` asks the server for token counts on streams that did not ask themselves.
        """
        return self.bind(client, None, stream_usage=stream_usage)

    def trace(self, trace_id: str | None = None, *, first_step: int = 0) -> Trace:
        """One logical operation, such as an agent run: `with session.trace() as trace:`.

        Give `trace_id` and `first_step` to continue one that began elsewhere.
        """
        return Trace(self, trace_id, first_step)

    def bind(self, client: _C, trace: Trace | None, *, stream_usage: bool) -> _C:
        """Wrap `client` for `trace`, or for whichever trace its calls run in."""
        if not self.enabled:
            return client
        return clients.wrap(client, clients.Binding(self, trace, stream_usage=stream_usage))

    def trace_of_call(self, bound: Trace | None) -> Trace:
        """The trace a call starting now belongs to: the bound one, the one around it, a new one."""
        trace = bound or scopes.current_trace(self)
        if trace is not None:
            return trace
        if self._entered and threading.get_ident() not in self._entered:
            self.guard.warn(
                "thread",
                "a call in another thread is not part of the trace that is open: "
                "use trace.wrap(client) there",
            )
        return self.trace()

    def entered(self, thread: int) -> None:
        """Note that a trace was entered in `thread`."""
        self._entered.append(thread)

    def left(self, thread: int) -> None:
        """Note that a trace entered in `thread` was left."""
        if thread in self._entered:
            self._entered.remove(thread)

    def write(self, fields: dict[str, object]) -> None:
        """Write the one record made of `fields`."""
        if not self.enabled:
            return
        if self._extra is not None:
            fields["extra"] = self._extra
        self._writer.write(to_line(build(fields)))


class Trace:
    """One logical operation; its records share a trace id and count their steps from 0."""

    def __init__(self, session: Session, trace_id: str | None, first_step: int) -> None:
        self.session = session
        self.trace_id = _checked_id(trace_id, "trace_id") or session.new_id(8)
        if first_step < 0:
            raise ValueError("steps count from 0")
        self._steps = itertools.count(first_step)
        self._scopes: list[tuple[scopes.Scope, int]] = []
        self._asked: OrderedDict[str, str] = OrderedDict()

    @property
    def guard(self) -> Guard:
        """Where faults in here are counted."""
        return self.session.guard

    def __enter__(self) -> Self:
        thread = threading.get_ident()
        self._scopes.append((scopes.enter(self, None), thread))
        self.session.entered(thread)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        scope, thread = self._scopes.pop()
        scopes.leave(scope)
        self.session.left(thread)

    def wrap(self, client: _C, *, stream_usage: bool = False) -> _C:
        """A client of the same class whose calls all belong to this trace, wherever they run."""
        return self.session.bind(client, self, stream_usage=stream_usage)

    def span(self, name: str) -> Span:
        """A named stretch of work: `with trace.span("plan"):`, one record when it ends."""
        return Span(self, {"event": "span", "name": name})

    @overload
    def tool(self, name: _F) -> _F: ...
    @overload
    def tool(
        self, name: str, arguments: object = None, *, tool_call_id: str | None = None
    ) -> ToolRun: ...
    def tool(
        self, name: str | _F, arguments: object = None, *, tool_call_id: str | None = None
    ) -> ToolRun | _F:
        """Record tool executions: `with trace.tool(name, arguments) as run:` or `@trace.tool`.

        Give `tool_call_id` when a model asked for it: the execution's parent is then that call.
        """
        if isinstance(name, str):
            return ToolRun(self, name, arguments, tool_call_id)
        return recorded(self, name)

    def record(self, **fields: object) -> None:
        """Write one record for something llmlog does not wrap, under this trace's next step.

        `fields` are those of the record; `event` is required, ids and step are the trace's own.
        Raises ValueError for a field that is none.
        """
        stamped = sorted(fields.keys() & _STAMPED)
        if stamped:
            raise ValueError(f"the trace itself sets {', '.join(stamped)}")
        given: dict[str, object] = {
            "ts": timestamp(self.session.clock.time_ns()),
            "span_id": self.session.new_id(16),
            "parent_span_id": scopes.current_span_id(self),
            "status": "error" if fields.get("error_type") else "ok",
            **fields,
            "step": self.next_step(),
        }
        build({**given, "session_id": self.session.session_id, "trace_id": self.trace_id})
        self.emit(given)

    def next_step(self) -> int:
        """The next number in the order of this trace."""
        return next(self._steps)

    @guarded
    def emit(self, fields: dict[str, object]) -> None:
        """Write the one record made of `fields` and this trace's ids."""
        fields["session_id"] = self.session.session_id
        fields["trace_id"] = self.trace_id
        self.session.write(fields)

    def asks(self, tool_call_id: str, span_id: str) -> None:
        """Note which model call asked for a tool execution."""
        self._asked[tool_call_id] = span_id
        if len(self._asked) > _ASKED_AT_MOST:
            self._asked.popitem(last=False)

    def asked_by(self, tool_call_id: str | None) -> str | None:
        """The span of the model call that asked for this tool execution, if it is known."""
        return self._asked.get(tool_call_id) if tool_call_id else None


_STAMPED: Final = frozenset({"v", "session_id", "trace_id", "step"})
_ASKED_AT_MOST: Final = 1024


def _checked_id(given: str | None, name: str) -> str | None:
    if given is not None and (not isinstance(given, str) or not given):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"{name} must be a non-empty string, not {given!r}")
    return given


def _random_id(digits: int) -> str:
    return os.urandom(digits // 2).hex()
