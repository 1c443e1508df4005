"""Traces: one logical operation, such as an agent run, and the steps in it."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from llmlog import _context as scopes
from llmlog._guard import Guard, guarded
from llmlog._span import Span, ToolRun, recorded
from llmlog.record import checked, timestamp, to_line

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from llmlog._session import Session

_C = TypeVar("_C")
_F = TypeVar("_F", bound=Callable[..., Any])


class Trace:
    """One logical operation; its records share a trace id and count their steps from 0."""

    def __init__(self, session: Session, trace_id: str | None, first_step: int) -> None:
        self.session = session
        self.trace_id = checked_id(trace_id, "trace_id") or session.new_id(8)
        if not isinstance(first_step, int) or isinstance(first_step, bool) or first_step < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"steps are integers from 0, not {first_step!r}")
        self._steps = itertools.count(first_step)
        self._scopes: dict[scopes.Scope, int] = {}
        self._asked: OrderedDict[str, str] = OrderedDict()

    @property
    def guard(self) -> Guard:
        """Where faults in here are counted."""
        return self.session.guard

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

    @guarded
    def _enter(self) -> None:
        thread = threading.get_ident()
        self._scopes[scopes.enter(self, None)] = thread
        self.session.entered(thread)

    @guarded
    def _leave(self) -> None:
        if not self._scopes:
            return
        scope = scopes.entered(self)
        if scope is None or scope not in self._scopes:  # it was entered in another context
            scope = next(reversed(self._scopes))
        self.session.left(self._scopes.pop(scope))
        scopes.leave(scope)

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
        self._record(checked({**fields, **self._ids(), "step": 0}))

    @guarded
    def _record(self, fields: dict[str, object]) -> None:
        stamped: dict[str, object] = {
            "ts": timestamp(self.session.clock.time_ns()),
            "span_id": self.session.new_id(16),
            "parent_span_id": scopes.current_span_id(self),
            "status": "error" if fields.get("error_type") else "ok",
        }
        self.emit({**stamped, **fields, "step": self.next_step()})

    def _ids(self) -> dict[str, object]:
        return {"session_id": self.session.session_id, "trace_id": self.trace_id}

    def next_step(self) -> int:
        """The next number in the order of this trace."""
        return next(self._steps)

    def emit(
        self,
        fields: dict[str, object],
        to_line: Callable[[dict[str, object]], bytes] = to_line,
    ) -> None:
        """Write the one record made of `fields` and this trace's ids; whoever calls it guards."""
        fields["session_id"] = self.session.session_id
        fields["trace_id"] = self.trace_id
        self.session.write(fields, to_line)

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


def checked_id(given: str | None, name: str) -> str | None:
    """`given`, an id of the application's own; ValueError if it is no id."""
    if given is not None and (not isinstance(given, str) or not given):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"{name} must be a non-empty string, not {given!r}")
    return given
