"""State of a session and a trace: ids, clock, policies, path to the writer.

`llmlog.Session` and `llmlog.Trace` are the public faces of these; the SDK's wrappers use them
directly.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol, cast

from llmlog._content import Content, ContentPolicy
from llmlog._credentials import CredentialFilter
from llmlog._guard import Guard
from llmlog._steps import StepCounter
from llmlog.record import to_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmlog._foreign import Fields
    from llmlog._redaction.custom import Custom
    from llmlog._writer import Writer


class Clock(Protocol):
    """Source of every time in a record; the module `time` is one."""

    def time_ns(self) -> int:
        """Return nanoseconds since 1970, for `ts`."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds that only increase, for latencies."""
        ...


class Core:
    """One session: its id, clock, id source, guard, content policy, credentials and writer."""

    def __init__(  # noqa: PLR0913 - options by name
        self,
        writer: Writer,
        session_id: str | None = None,
        *,
        content: ContentPolicy = "none",
        redact: Iterable[Custom] = (),
        tags: Mapping[str, object] | None = None,
        clock: Clock | None = None,
        new_id: Callable[[int], str] | None = None,
        guard: Guard | None = None,
        starts: bool = False,
    ) -> None:
        self._writer = writer
        self.new_id = new_id or _random_id
        self.session_id = _checked_id(session_id, "session_id") or self.new_id(8)
        self.clock: Clock = clock or time
        self.guard = guard or Guard()
        self.enabled = os.environ.get("LLMLOG_DISABLED", "") in ("", "0")
        self.content = Content(content, redact, self.guard)
        self.credentials = CredentialFilter()
        self.open_threads: list[int] = []
        """Thread id of each `with session.trace()` that is open."""
        self.starts = starts
        """Whether a line is written as a call or tool begins."""
        self.tags = self.content.tags(tags)
        """Members of `extra` in every record."""

    def write(self, fields: Fields) -> None:
        """Write one record; the caller guards, as any part of this may fail."""
        if not self.enabled:
            return
        line = self.credentials.strip(to_line(self.content.apply(fields)))
        self._writer.write(line)
        for observe in observers:
            observe(line)


class TraceCore:
    """One trace: id, name, tags, step counter, and each tool call's model call."""

    def __init__(
        self,
        core: Core,
        trace_id: str | None = None,
        first_step: int = 0,
        *,
        name: str | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        self.core = core
        self._name = core.content.label(name)
        self._tags = {**core.tags, **core.content.tags(tags)} if tags else core.tags
        self.trace_id = _checked_id(trace_id, "trace_id") or core.new_id(8)
        if not isinstance(first_step, int) or isinstance(first_step, bool) or first_step < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"steps are integers from 0, not {first_step!r}")
        self._steps = StepCounter(first_step)
        self._tool_call_parents: OrderedDict[str, str] = OrderedDict()

    def next_step(self) -> int:
        """Take the next number in the order of this trace."""
        return self._steps.take()

    def write(self, fields: Fields) -> None:
        """Write one record under this trace's ids; the caller guards."""
        fields["session_id"] = self.core.session_id
        fields["trace_id"] = self.trace_id
        if self._name is not None:
            fields.setdefault("trace_name", self._name)
        if self._tags or "extra" in fields:
            own = cast("Fields", fields.pop("extra", None) or {})
            if tags := self._tags | own:
                fields["extra"] = tags
        self.core.write(fields)

    def write_start(self, fields: Fields) -> None:
        """Write a start line for a call or tool, if the session wants them.

        `fields` are those of the call or tool.
        """
        if self.core.starts:
            # Guarded by itself, as a line that is lost here is no reason to lose the record.
            with self.core.guard:
                known: Fields = {name: fields[name] for name in _AT_START if name in fields}
                known["event"] = "start"
                self.write(known)

    def remember_tool_call(self, tool_call_id: str, span_id: str) -> None:
        """Note the span of the model call that asked for a tool execution."""
        self._tool_call_parents[tool_call_id] = span_id
        # Most calls for tools are executed at once, and some never: the oldest are evicted.
        if len(self._tool_call_parents) > _MAX_TOOL_CALLS:
            self._tool_call_parents.popitem(last=False)

    def parent_of_tool_call(self, tool_call_id: str | None) -> str | None:
        """Return the span of the model call that asked for a tool execution, if known."""
        return self._tool_call_parents.get(tool_call_id) if tool_call_id else None


observers: Final[list[Callable[[bytes], None]]] = []
"""Functions that are called with each line that any session has written."""

_AT_START: Final = (
    "ts",
    "step",
    "span_id",
    "parent_span_id",
    "requested_model",
    "provider",
    "max_tokens",
    "stream",
    "tool_name",
    "tool_call_id",
    "extra",
)
"""Fields that are known as a call or tool begins, and are no content."""
_MAX_TOOL_CALLS: Final = 1024
"""Maximum tool calls remembered per trace."""


def _checked_id(given: str | None, name: str) -> str | None:
    if given is not None and (not isinstance(given, str) or not given):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"{name} must be a non-empty string, not {given!r}")
    return given


def _random_id(digits: int) -> str:
    return os.urandom(digits // 2).hex()
