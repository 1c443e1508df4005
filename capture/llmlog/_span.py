"""Stretches of the application's own work, tool executions and spans: same ids, same shape."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from llmlog import _context as scopes
from llmlog._guard import Guard, guarded
from llmlog.record import timestamp

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from llmlog._sdk.fields import Foreign
    from llmlog._trace import Trace


class Span:
    """A stretch of work: `with` starts it and takes its step, leaving it writes its one record.

    What is recorded inside it has it as its parent. An exception that leaves it makes its status
    `error`, and goes on to the caller; that a generator is closed in it is none.
    """

    def __init__(self, trace: Trace, fields: dict[str, object]) -> None:
        self.arguments: object = None
        self.result: object = None
        self._trace = trace
        self._fields = fields
        self._scope: scopes.Scope | None = None
        self._started = 0

    @property
    def guard(self) -> Guard:
        """Where faults in here are counted."""
        return self._trace.session.guard

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(exc)

    def _parent(self) -> str | None:
        return scopes.current_span_id(self._trace)

    @guarded
    def _start(self) -> None:
        session = self._trace.session
        span_id = session.new_id(16)
        self._fields |= {
            "ts": timestamp(session.clock.time_ns()),
            "step": self._trace.next_step(),
            "span_id": span_id,
            "parent_span_id": self._parent(),
        }
        if session.content.keeps:
            given = self.arguments
            arguments = given.bound() if isinstance(given, _Arguments) else given
            self._fields["input"] = session.content.snapshot(arguments)
        self._scope = scopes.enter(self._trace, span_id)
        self._started = session.clock.monotonic_ns()

    @guarded
    def _end(self, error: BaseException | None) -> None:
        error = None if isinstance(error, GeneratorExit) else error
        elapsed = self._trace.session.clock.monotonic_ns() - self._started
        if self._scope is None:
            return
        scopes.leave(self._scope)
        self._fields["latency_ms"] = round(elapsed / 1e6)
        self._fields["status"] = "ok" if error is None else "error"
        if error is not None:
            self._fields |= {"error_type": type(error).__name__, "error_message": error}
        self._fields["output"] = self.result
        self._trace.emit(self._fields)


class ToolRun(Span):
    """One tool execution; set `result` to what it returned."""

    def __init__(
        self, trace: Trace, name: str, arguments: object, tool_call_id: str | None
    ) -> None:
        fields: dict[str, object] = {
            "event": "tool_call",
            "tool_name": name,
            "tool_call_id": tool_call_id,
        }
        super().__init__(trace, fields)
        self.arguments = arguments
        self._tool_call_id = tool_call_id

    def _parent(self) -> str | None:
        return self._trace.asked_by(self._tool_call_id) or super()._parent()


_F = TypeVar("_F", bound=Callable[..., Any])


def recorded(trace: Trace, function: _F) -> _F:
    """`function` with one tool execution recorded for each call, under the function's name."""
    name = getattr(function, "__name__", type(function).__name__)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{name} is a generator: use `with trace.tool({name!r}) as run` around it")

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ToolRun:
        return ToolRun(trace, name, _Arguments(function, args, kwargs), None)

    called: object = getattr(type(function), "__call__", None)  # noqa: B004 - it is looked at
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):

        @functools.wraps(function)
        async def run_async(*args: Foreign, **kwargs: Foreign) -> Foreign:
            with start(args, kwargs) as run:
                run.result = await function(*args, **kwargs)
            return run.result

        return cast("_F", run_async)

    @functools.wraps(function)
    def run_sync(*args: Foreign, **kwargs: Foreign) -> Foreign:
        with start(args, kwargs) as run:
            run.result = function(*args, **kwargs)
        return run.result

    return cast("_F", run_sync)


class _Arguments(NamedTuple):
    """The arguments of a call, to be put to their names only if they are written."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def bound(self) -> dict[str, Any]:
        try:
            signature = inspect.signature(self.function)
            return dict(signature.bind(*self.args, **self.kwargs).arguments)
        except (TypeError, ValueError):  # it does not take them, or does not say what it takes
            return {"args": self.args, "kwargs": self.kwargs}
