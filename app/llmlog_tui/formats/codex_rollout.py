"""State of one of Codex's rollouts: the running call, the open tools, the turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple

from llmlog_tui.formats import Found, Item, LogState, Record
from llmlog_tui.formats.codex_copies import CopiedStart
from llmlog_tui.formats.codex_tools import OpenToolCalls, ToolCall
from llmlog_tui.formats.providers import provider_host
from llmlog_tui.formats.shared_state import claim, is_loading
from llmlog_tui.formats.times import ms_between, nanoseconds, ts_at
from llmlog_tui.formats.vocabulary import (
    dig,
    error_status,
    finish_reason,
    integer,
    known,
    mapping,
    prompt_tokens,
    text,
    tokens_per_sec,
)

_SPAWN: Final = "spawn_agent"
_ITEM: Final = "response_item"
_NESTED: Final = (_ITEM, "event_msg")
_NOT_A_CALL: Final = ("thread_rollback_failed", "sandbox_error")
"""Errors that concern no request to the model."""


class _Line(NamedTuple):
    """One line of a rollout: `number` counts objects of the file from 0."""

    token: int
    number: int
    ns: int | None
    payload: Mapping[str, Any]


@dataclass(slots=True)
class _Call:
    """A call whose output has begun; `since` is when it was asked for."""

    step: int
    since: int | None
    first: _Line
    last: _Line
    span: str
    names: list[str] = field(default_factory=list)


class Rollout:
    """Converter of one rollout."""

    def __init__(self, log: LogState) -> None:
        self.lost: Counter[str] = Counter()
        self._log = log
        self._started_by: dict[str, str] = log.setdefault("agents", {})
        self._number = -1
        self._session: str | None = None
        self._provider: str | None = None
        self._start = CopiedStart()
        self._model: str | None = None
        self._effort: str | None = None
        self._trace: str | None = None
        self._otel_trace: str | None = None
        self._has_turn_id = False
        self._step = 0
        self._since: int | None = None
        self._retries: int | None = None
        self._call: _Call | None = None
        self._tools = OpenToolCalls()
        self._totals: Mapping[str, Any] | None = None
        self._has_records = False
        self._held: list[Found] = []

    def feed(self, line: int, item: Item) -> list[Found]:
        """Take the next line of the file."""
        self._number += 1
        payload = item.get("payload")
        if not isinstance(payload, dict):
            return []
        ns = nanoseconds(item.get("timestamp"))
        released = self._start.released(ns)
        if self._start.has_dropped:
            self._forget_turn()
        kind = text(item.get("type")) or ""
        name = f"{kind}/{text(payload.get('type')) or ''}" if kind in _NESTED else kind
        read = _Line(line, self._number, ns, payload)
        handler = self.HANDLERS.get(name)
        if handler is not None:
            found = handler(self, read) or []
            return self._passed([*released, *self._start.kept(ns, found)])
        if kind == _ITEM and name.endswith("_call"):
            self._called(read)
        return self._passed(released)

    def flush(self) -> list[Found]:
        """Return records that were held back; a call without token counts has not ended."""
        return self._passed(self._start.released(None))

    def _passed(self, found: list[Found]) -> list[Found]:
        """Hold a subagent's records while the tool call that started it may yet be read."""
        if not self._start.is_subagent or self._session is None:
            return found
        self._held += found
        parent = self._started_by.get(self._session)
        if parent is None and is_loading(self._log):
            return []
        held, self._held = self._held, []
        for each in held:
            if parent is not None:
                each.record.setdefault("parent_span_id", parent)
        return held

    def _forget_turn(self) -> None:
        self._call, self._step = None, 0
        self._tools.clear()

    def _is_new(self, kind: str, key: str) -> bool:
        """Return whether no copy of this session has had this record."""
        # Without a session id nothing tells copies from other sessions.
        return self._session is None or claim(self._log, self._session, kind, key)

    def _take_step(self) -> int:
        self._step += 1
        return self._step - 1

    # ---- session and turns

    def _meta(self, line: _Line) -> None:
        session = text(line.payload.get("id")) or text(line.payload.get("session_id"))
        self._start.note_meta(line.payload, line.ns, session)
        if self._session is None:
            self._session = self._trace = session
            self._provider = provider_host(line.payload.get("model_provider"))

    def _turn_started(self, line: _Line) -> None:
        turn = text(line.payload.get("turn_id"))
        self._start.note_turn(turn)
        self._since = line.ns
        self._has_turn_id = turn is not None
        self._otel_trace = text(line.payload.get("trace_id"))
        if turn is not None:
            self._begin_trace(turn)

    def _turn_context(self, line: _Line) -> None:
        turn = text(line.payload.get("turn_id"))
        if turn is not None:
            self._start.note_turn(turn)
        self._model = text(line.payload.get("model")) or self._model
        self._effort = text(line.payload.get("effort")) or self._effort
        if turn is not None:
            self._begin_trace(turn)
        elif not self._has_turn_id:
            # Rollouts before turn ids: a turn begins with its context.
            self._begin_trace(f"{self._session}/{line.number}")
        self._since = self._since or line.ns

    def _begin_trace(self, trace: str) -> None:
        if trace != self._trace:
            self._trace, self._step = trace, 0

    def _turn_ended(self, line: _Line) -> None:
        del line
        self._has_turn_id = False

    def _turn_aborted(self, line: _Line) -> None:
        self._turn_ended(line)
        call, self._call = self._call, None
        if call is not None and self._step == call.step + 1:
            self._step = call.step

    def _message(self, line: _Line) -> None:
        role = line.payload.get("role")
        if role == "user":
            self._since = line.ns
        elif role == "assistant":
            self._output(line)

    # ---- model calls

    def _output(self, line: _Line) -> None:
        if self._start.is_copying:
            return
        if self._call is None:
            # Later lines, such as the tool's output, come before the tokens are counted.
            span = f"{self._session}/{line.number}"
            self._call = _Call(self._take_step(), self._since, line, line, span)
        self._call.last = line

    def _called(self, line: _Line) -> None:
        self._output(line)
        call, payload = self._call, line.payload
        if call is None:
            return
        name = text(payload.get("name")) or text(payload.get("type")) or ""
        call.names.append(name)
        call_id = text(payload.get("call_id"))
        if call_id is not None:
            step = self._take_step()
            tool = ToolCall(name, line.ns, self._trace, step, call.span)
            self._tools.start(call_id, tool)

    def _token_record(self, line: _Line) -> list[Found]:
        self._has_records = True
        if self._start.is_copied(line.payload, self._session):
            return []
        self._start.note_count()
        usage = mapping(line.payload.get("usage"))
        return self._end_call(line, usage, text(line.payload.get("response_id")))

    def _token_count(self, line: _Line) -> list[Found]:
        info = mapping(line.payload.get("info"))
        totals = mapping(info.get("total_token_usage"))
        # Where each call has a record of its own, these lines repeat it.
        if self._has_records or not info or (totals and totals == self._totals):
            return []
        self._start.note_count()
        usage = mapping(info.get("last_token_usage")) or _difference(totals, self._totals)
        self._totals = totals or self._totals
        if self._start.is_copied(line.payload, self._session):
            return []
        return self._end_call(line, usage, None)

    def _end_call(
        self, line: _Line, usage: Mapping[str, Any], response_id: str | None
    ) -> list[Found]:
        tokens = _tokens(usage)
        if not tokens.get("prompt_tokens") and not tokens.get("completion_tokens"):
            return []
        call, self._call = self._call, None
        if call is None:
            span = f"{self._session}/{line.number}"
            call = _Call(self._take_step(), self._since, line, line, span)
            first_ns = None
        else:
            first_ns = call.first.ns
        retries, self._retries = self._retries, None
        if not self._is_new("call", response_id or call.span):
            return []
        begin = call.last.ns if call.since is None else call.since
        latency = ms_between(begin, call.last.ns)
        record = {
            **self._base(begin, call.step, call.span),
            "status": "ok",
            "latency_ms": latency,
            "id": response_id,
            "finish_reason": finish_reason("tool_calls" if call.names else "stop"),
            **tokens,
            "reasoning_effort": self._effort,
            "tokens_per_sec": tokens_per_sec(tokens.get("completion_tokens"), latency),
            "stream": True,
            "ttft_ms": ms_between(begin, first_ns),
            "retries": retries,
            "tool_calls": call.names or None,
            "timing": None if latency is None else "derived",
        }
        return [Found(call.last.token, known(record))]

    def _base(self, ns: int | None, step: int, span: str) -> Record:
        trace = self._otel_trace
        return {
            "ts": ts_at(ns),
            "event": "chat_completion",
            "session_id": self._session,
            "trace_id": self._trace,
            "step": step,
            "span_id": span,
            "model": self._model,
            "provider": self._provider,
            "extra": None if trace is None else {"otel_trace_id": trace},
        }

    def _retry(self, line: _Line) -> None:
        del line
        self._retries = (self._retries or 0) + 1

    def _error(self, line: _Line) -> list[Found]:
        info = line.payload.get("codex_error_info")
        kind = next(iter(info), None) if isinstance(info, dict) else info
        if self._start.is_copying or kind in _NOT_A_CALL:
            return []
        call, self._call = self._call, None
        span = f"{self._session}/{line.number}"
        if not self._is_new("call", span):
            return []
        begin = self._since if call is None else call.since
        latency = ms_between(begin, line.ns)
        status = dig(info, kind, "http_status_code") if isinstance(kind, str) else None
        retries, self._retries = self._retries, None
        record = {
            **self._base(
                line.ns if begin is None else begin,
                self._take_step() if call is None else call.step,
                span,
            ),
            "status": "error",
            "latency_ms": latency,
            "stream": True,
            "retries": retries,
            "error_type": text(kind) or "error",
            "error_status": error_status(status, line.payload.get("message")),
            "timing": None if latency is None else "derived",
        }
        return [Found(line.token, known(record))]

    # ---- tools

    def _tool_output(self, line: _Line) -> list[Found]:
        self._since = line.ns
        call_id = text(line.payload.get("call_id")) or ""
        tool = self._tools.pop(call_id, None)
        if tool is None or not self._is_new("tool", call_id):
            return []
        output = line.payload.get("output")
        if tool.name.endswith(_SPAWN):
            self._learn_agents(call_id, list(mapping(output).values()))
        record = tool.record(call_id, self._session, line.ns, output)
        return [Found(line.token, known(record))]

    def _item_completed(self, line: _Line) -> None:
        item = mapping(line.payload.get("item"))
        self._measured(text(item.get("id")), item)

    def _tool_ended(self, line: _Line) -> None:
        self._measured(text(line.payload.get("call_id")), line.payload)

    def _measured(self, call_id: str | None, item: Mapping[str, Any]) -> None:
        """Note how long a tool really ran, how it ended, and which agent it started."""
        if call_id is None:
            return
        agents = item.get("receiver_thread_ids")
        self._learn_agents(call_id, agents if isinstance(agents, list) else ())
        self._learn_agents(call_id, (item.get("new_thread_id"),))
        tool = self._tools.get(call_id)
        if tool is not None:
            tool.measure(item)

    def _learn_agents(self, call_id: str, threads: object) -> None:
        for thread in threads if isinstance(threads, (list, tuple)) else ():
            if isinstance(thread, str) and thread != self._session:
                self._started_by.setdefault(thread, call_id)

    HANDLERS: ClassVar[Mapping[str, Callable[[Rollout, _Line], list[Found] | None]]] = {
        "session_meta": _meta,
        "turn_context": _turn_context,
        "token_usage_record": _token_record,
        "event_msg/task_started": _turn_started,
        "event_msg/turn_started": _turn_started,
        "event_msg/task_complete": _turn_ended,
        "event_msg/turn_aborted": _turn_aborted,
        "event_msg/token_count": _token_count,
        "event_msg/error": _error,
        "event_msg/stream_error": _retry,
        "event_msg/item_completed": _item_completed,
        "event_msg/exec_command_end": _tool_ended,
        "event_msg/mcp_tool_call_end": _tool_ended,
        "event_msg/collab_agent_spawn_end": _tool_ended,
        "response_item/message": _message,
        "response_item/reasoning": _output,
        "response_item/function_call_output": _tool_output,
        "response_item/custom_tool_call_output": _tool_output,
    }
    """Handler per type of line.

    Besides, any response_item whose type ends in `_call` is a tool call.
    """


def _tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    cached = integer(usage.get("cached_input_tokens"))
    written = integer(usage.get("cache_write_input_tokens"))
    return known(
        {
            "prompt_tokens": prompt_tokens(integer(usage.get("input_tokens")), cached, written),
            "completion_tokens": integer(usage.get("output_tokens")),
            "total_tokens": integer(usage.get("total_tokens")),
            "reasoning_tokens": integer(usage.get("reasoning_output_tokens")),
            "cached_tokens": cached,
            "cache_write_tokens": written,
        }
    )


def _difference(
    totals: Mapping[str, Any], before: Mapping[str, Any] | None
) -> Mapping[str, int | None]:
    """Return the increase of the totals; smaller totals began again after a compaction."""
    now = {name: integer(value) for name, value in totals.items()}
    old = {name: integer((before or {}).get(name)) or 0 for name in totals}
    if any(value is not None and value < old[name] for name, value in now.items()):
        return now
    return {name: None if value is None else value - old[name] for name, value in now.items()}
