"""Which trace and which span the running code is in, for each thread and task on its own."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from llmlog.sessions import Session
    from llmlog.traces import Trace


class Scope(NamedTuple):
    """Code under `trace`, inside the span `span_id` if there is one; `outer` is around it."""

    trace: Trace
    span_id: str | None
    outer: Scope | None


_current: ContextVar[Scope | None] = ContextVar("llmlog_scope", default=None)


def enter(trace: Trace, span_id: str | None) -> Scope:
    """Make (trace, span_id) the scope of the code that follows in this context."""
    scope = Scope(trace, span_id, _current.get())
    _current.set(scope)
    return scope


def leave(scope: Scope) -> None:
    """End `scope`; harmless in a context that never entered it, such as a generator's caller."""
    if _current.get() is scope:
        _current.set(scope.outer)


def current_trace(session: Session) -> Trace | None:
    """The innermost trace of `session` around the running code."""
    scope = _current.get()
    while scope is not None and scope.trace.session is not session:
        scope = scope.outer
    return scope.trace if scope else None


def current_span_id(trace: Trace) -> str | None:
    """The innermost span of `trace` around the running code."""
    scope = _current.get()
    while scope is not None and (scope.trace is not trace or scope.span_id is None):
        scope = scope.outer
    return scope.span_id if scope else None
