"""The trace and span of the running code, per thread and per task."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar, Token

from llmlog._core import Core, TraceCore
from llmlog._foreign import Fields


class Scope:
    """Context of code under `trace`, in span `span_id` or under `tags`, if any."""

    __slots__ = ("ended", "outer", "span_id", "tags", "token", "trace")

    def __init__(
        self, trace: TraceCore, span_id: str | None, tags: Fields | None, outer: Scope | None
    ) -> None:
        self.trace = trace
        self.span_id = span_id
        self.tags = tags
        self.outer = outer
        self.token: Token[Scope | None] = _current.set(self)
        self.ended = False
        """Whether the scope was left in another context than it was entered in."""


_current: ContextVar[Scope | None] = ContextVar("llmlog_scope", default=None)


def enter(trace: TraceCore, span_id: str | None, tags: Fields | None = None) -> Scope:
    """Make (trace, span_id, tags) the scope of the code that follows in this context."""
    return Scope(trace, span_id, tags, _current.get())


def leave(scope: Scope) -> None:
    """End `scope`, and any scope that a suspended generator has entered inside it."""
    around = _current.get()
    while around is not None and around is not scope:
        around = around.outer
    # A generator may be closed in another context than it was entered in. That context cannot be
    # changed from here, so the scope itself is marked. In its own context it is not: a task that
    # was started inside the scope and outlives it still belongs to it.
    try:
        if around is scope:
            _current.reset(scope.token)
        else:
            scope.ended = True
    except ValueError:  # the current context is a copy of the one it was entered in
        scope.ended = True


def _innermost(matches: Callable[[Scope], bool]) -> Scope | None:
    scope = _current.get()
    while scope is not None and (scope.ended or not matches(scope)):
        scope = scope.outer
    return scope


def trace_scope(trace: TraceCore) -> Scope | None:
    """Return the innermost scope in which `trace` itself, not a span or tags, was entered."""
    return _innermost(
        lambda scope: scope.trace is trace and scope.span_id is None and scope.tags is None
    )


def current_span_id(trace: TraceCore) -> str | None:
    """Return the innermost span of `trace` around the running code."""
    scope = _innermost(lambda scope: scope.trace is trace and bool(scope.span_id))
    return scope.span_id if scope else None


def current_tags(trace: TraceCore) -> Fields:
    """Return the tags of `trace` around the running code, those of outer scopes included."""
    scope = _innermost(lambda scope: scope.trace is trace and scope.tags is not None)
    return (scope.tags if scope else None) or {}


def current_or_new_trace(core: Core) -> TraceCore:
    """Return the session's innermost trace around the running code, or a new one."""
    scope = _innermost(lambda scope: scope.trace.core is core)
    if scope is not None:
        return scope.trace
    if core.open_threads and threading.get_ident() not in core.open_threads:
        core.guard.warn(
            "thread",
            "a call in another thread is not part of the trace that is open: "
            "use trace.wrap(client) there",
        )
    return TraceCore(core)
