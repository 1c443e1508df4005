"""Traces, and the spans and tool executions inside them."""

from __future__ import annotations

import functools
import inspect
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast, overload

from llmlog import _context, _sdk
from llmlog._guard import Guard, guarded
from llmlog.record import checked, timestamp

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from llmlog._core import TraceCore
    from llmlog._foreign import Foreign

_C = TypeVar("_C")
_F = TypeVar("_F", bound=Callable[..., Any])


class _Scoped(ABC):
    """Base of traces and spans as context managers."""

    def __init__(self, core: TraceCore) -> None:
        self._core = core

    @property
    def _guard(self) -> Guard:
        return self._core.core.guard

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave(exc)

    @abstractmethod
    def _enter(self) -> None:
        """Begin: later records are inside."""

    @abstractmethod
    def _leave(self, error: BaseException | None) -> None:
        """End; `error` left the block, if any did."""


class Trace(_Scoped):
    """One logical operation, such as an agent run; made by `session.trace()`.

    Its records share a trace id, and count their steps from 0.
    """

    def __init__(self, core: TraceCore) -> None:
        super().__init__(core)
        self._open_scopes: dict[_context.Scope, int] = {}

    @property
    def trace_id(self) -> str:
        """The id its records are joined by."""
        return self._core.trace_id

    @guarded
    def _enter(self) -> None:
        thread = threading.get_ident()
        self._open_scopes[_context.enter(self._core, None)] = thread
        self._core.core.open_threads.append(thread)

    @guarded
    def _leave(self, error: BaseException | None) -> None:  # noqa: ARG002 - a trace has no status
        if not self._open_scopes:
            return
        scope = _context.trace_scope(self._core)
        # A trace may be open in several contexts. If this is none of them, a generator is being
        # closed elsewhere than it was started, most likely in the scope entered last.
        if scope is None or scope not in self._open_scopes:
            scope = next(reversed(self._open_scopes))
        thread = self._open_scopes.pop(scope)
        if thread in self._core.core.open_threads:
            self._core.core.open_threads.remove(thread)
        _context.leave(scope)

    def wrap(
        self,
        client: _C,
        *,
        stream_usage: bool = False,
        tags: Mapping[str, object] | None = None,
    ) -> _C:
        """Return a client, of the same class, whose calls belong to this trace.

        The calls have `tags`. Unlike those of `session.wrap`, they belong to it in whichever thread
        or task they run.
        """
        return _sdk.wrap(client, self._core.core, self._core, stream_usage=stream_usage, tags=tags)

    def tagged(self, tags: Mapping[str, object] | None = None, /, **more: object) -> Tagged:
        """Tag the records written inside: `with trace.tagged(prompt_version="v3"):`.

        For single calls: nothing is added to their requests. `tags` is for names that are no
        identifiers.
        """
        return Tagged(self._core, {**(tags or {}), **more})

    def span(self, name: str, *, tags: Mapping[str, object] | None = None) -> Span:
        """Record a named stretch of work: `with trace.span("plan"):`."""
        return Span(self._core, {"event": "span", "name": name}, tags)

    @overload
    def tool(self, name: _F, *, tags: Mapping[str, object] | None = None) -> _F: ...
    @overload
    def tool(
        self,
        name: str,
        arguments: object = None,
        *,
        tool_call_id: str | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> ToolRun: ...
    def tool(
        self,
        name: str | _F,
        arguments: object = None,
        *,
        tool_call_id: str | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> ToolRun | _F:
        """Record tool executions: `with trace.tool(name, arguments) as run:` or `@trace.tool`.

        With the `tool_call_id` of a model's request, that call is the execution's parent.
        """
        if isinstance(name, str):
            return ToolRun(self._core, name, arguments, tool_call_id, tags)
        return _recorded(self._core, name, tags)

    def record(self, **fields: object) -> None:
        """Record a call that llmlog does not wrap, as this trace's next step.

        `fields` are fields of the record; `event` is required, ids and step are set by the trace,
        and the tags in `extra` are added to the trace's. Raises ValueError for any other name.
        """
        if not isinstance(fields.get("extra", {}), (Mapping, NoneType)):
            raise ValueError(  # noqa: TRY004 - as for the other fields
                f"extra is a mapping of tags, not {fields['extra']!r}"
            )
        reserved = sorted(fields.keys() & _RESERVED)
        if reserved:
            raise ValueError(f"the trace itself sets {', '.join(reserved)}")
        ids = {"session_id": self._core.core.session_id, "trace_id": self._core.trace_id}
        self._record(checked({**fields, **ids, "step": 0}))

    @guarded
    def _record(self, fields: dict[str, object]) -> None:
        core = self._core.core
        defaults: dict[str, object] = {
            "ts": timestamp(core.clock.time_ns()),
            "span_id": core.new_id(16),
            "parent_span_id": _context.current_span_id(self._core),
            "status": "error" if fields.get("error_type") else "ok",
        }
        own = cast("Mapping[str, object] | None", fields.get("extra"))
        fields["extra"] = _context.current_tags(self._core) | core.content.tags(own)
        # The step is taken last: a call that is refused leaves no gap.
        self._core.write({**defaults, **fields, "step": self._core.next_step()})


_RESERVED: Final = frozenset({"v", "session_id", "trace_id", "step"})


class Tagged(_Scoped):
    """Code whose records of one trace have tags; made by `trace.tagged()`."""

    def __init__(self, core: TraceCore, tags: Mapping[str, object]) -> None:
        super().__init__(core)
        self._tags = core.core.content.tags(tags)
        self._scopes: list[_context.Scope] = []

    @guarded
    def _enter(self) -> None:
        tags = _context.current_tags(self._core) | self._tags
        self._scopes.append(_context.enter(self._core, None, tags))

    @guarded
    def _leave(self, error: BaseException | None) -> None:  # noqa: ARG002 - tags have no status
        if self._scopes:
            _context.leave(self._scopes.pop())


class Span(_Scoped):
    """A stretch of work in a trace, recorded when its `with` block ends.

    Records written inside it have it as their parent. An exception that leaves the block sets
    status `error`, and propagates.
    """

    def __init__(
        self,
        core: TraceCore,
        fields: dict[str, object],
        tags: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(core)
        self.tags: dict[str, object] = dict(tags or {})
        """Tags of its own record; more can be added until it ends."""
        self.arguments: object = None
        """Written as `input`, if the content policy keeps content."""
        self.result: object = None
        """Written as `output`, likewise."""
        self._fields = fields
        self._scope: _context.Scope | None = None
        self._started_ns = 0

        self._outer_tags: dict[str, object] = {}

    def _parent(self) -> str | None:
        return _context.current_span_id(self._core)

    def _announce(self) -> None:
        """Write the line that a tool begins; other stretches of work have none."""

    @guarded
    def _enter(self) -> None:
        core = self._core.core
        span_id = core.new_id(16)
        self._fields |= {
            "ts": timestamp(core.clock.time_ns()),
            "step": self._core.next_step(),
            "span_id": span_id,
            "parent_span_id": self._parent(),
        }
        # Copied now, because the application may change the arguments while it works on them.
        if core.content.keeps_content:
            given = self.arguments
            # Guarded by itself: another thread may change them meanwhile, and the record is worth
            # more than its input.
            with core.guard:
                arguments = given.by_name() if isinstance(given, _Arguments) else given
                self._fields["input"] = core.content.snapshot(arguments)
        self._outer_tags = _context.current_tags(self._core)
        self._fields["extra"] = self._outer_tags | core.content.tags(self.tags)
        self._announce()
        self._scope = _context.enter(self._core, span_id)
        self._started_ns = core.clock.monotonic_ns()

    @guarded
    def _leave(self, error: BaseException | None) -> None:
        elapsed = self._core.core.clock.monotonic_ns() - self._started_ns
        if self._scope is None:
            return
        _context.leave(self._scope)
        # A generator that is closed inside the block has not failed.
        if isinstance(error, GeneratorExit):
            error = None
        self._fields["latency_ms"] = round(elapsed / 1e6)
        self._fields["status"] = "ok" if error is None else "error"
        if error is not None:
            self._fields |= {"error_type": type(error).__name__, "error_message": error}
        self._fields["output"] = self.result
        self._fields["extra"] = self._outer_tags | self._core.core.content.tags(self.tags)
        self._core.write(self._fields)


class ToolRun(Span):
    """One tool execution; set `result` to its return value."""

    def __init__(
        self,
        core: TraceCore,
        name: str,
        arguments: object,
        tool_call_id: str | None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        ids: dict[str, object] = {"tool_name": name, "tool_call_id": tool_call_id}
        super().__init__(core, {"event": "tool_call", **ids}, tags)
        self.arguments = arguments
        self._tool_call_id = tool_call_id

    def _parent(self) -> str | None:
        return self._core.parent_of_tool_call(self._tool_call_id) or super()._parent()

    def _announce(self) -> None:
        self._core.write_start(self._fields)


def _recorded(core: TraceCore, function: _F, tags: Mapping[str, object] | None) -> _F:
    name = getattr(function, "__name__", type(function).__name__)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{name} is a generator: use `with trace.tool({name!r}) as run` around it")

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ToolRun:
        return ToolRun(core, name, _Arguments(function, args, kwargs), None, tags)

    # An object with an async __call__ is as good a tool as an async function.
    called: object = getattr(type(function), "__call__", None)  # noqa: B004
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
    """Arguments of a call, matched to parameter names only if they are written."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def by_name(self) -> dict[str, Any]:
        try:
            signature = inspect.signature(self.function)
            return dict(signature.bind(*self.args, **self.kwargs).arguments)
        # Builtins may have no signature, and a call with wrong arguments is about to fail.
        except (TypeError, ValueError):
            return {"args": self.args, "kwargs": self.kwargs}
