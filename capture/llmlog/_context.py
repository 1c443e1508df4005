"""Which trace and which span the running code is in, for each thread and task on its own."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmlog._session import Session
    from llmlog._trace import Trace


class Scope:
    """Code under `trace`, inside the span `span_id` if there is one; `outer` is around it."""

    __slots__ = ("ended", "outer", "span_id", "token", "trace")

    def __init__(self, trace: Trace, span_id: str | None, outer: Scope | None) -> None:
        self.trace = trace
        self.span_id = span_id
        self.outer = outer
        self.token: Token[Scope | None] = _current.set(self)
        self.ended = False
        """Whether it was left in another context than it was entered in."""


_current: ContextVar[Scope | None] = ContextVar("llmlog_scope", default=None)


def enter(trace: Trace, span_id: str | None) -> Scope:
    """Make (trace, span_id) the scope of the code that follows in this context."""
    return Scope(trace, span_id, _current.get())


def leave(scope: Scope) -> None:
    """End `scope`, and what a generator that goes on has entered inside it.

    A generator may be closed in another context than it was entered in: as that one cannot be
    reached from here, the scope itself then says that it has ended. Otherwise it has not: a task
    that was started inside it and outlives it still belongs to it.
    """
    around = _current.get()
    while around is not None and around is not scope:
        around = around.outer
    try:
        if around is scope:
            _current.reset(scope.token)
        else:
            scope.ended = True
    except ValueError:  # this is a copy of the context it was entered in
        scope.ended = True


def entered(trace: Trace) -> Scope | None:
    """The scope in which the running code entered `trace` itself and has yet to leave it."""
    scope = _current.get()
    while scope is not None and (scope.trace is not trace or scope.span_id or scope.ended):
        scope = scope.outer
    return scope


def current_trace(session: Session) -> Trace | None:
    """The innermost trace of `session` around the running code."""
    scope = _current.get()
    while scope is not None and (scope.trace.session is not session or scope.ended):
        scope = scope.outer
    return scope.trace if scope else None


def current_span_id(trace: Trace) -> str | None:
    """The innermost span of `trace` around the running code."""
    scope = _current.get()
    while scope is not None and (scope.trace is not trace or not scope.span_id or scope.ended):
        scope = scope.outer
    return scope.span_id if scope else None
