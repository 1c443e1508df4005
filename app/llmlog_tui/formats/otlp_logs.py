"""OTLP logs: events of coding agents, in files of a collector or an agent.

Codex, Claude Code and Gemini CLI. An event is written when its work ends, with the time it took.
Records get their steps in the order of the events, object by object.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from llmlog.record import timestamp
from llmlog_tui.formats import Found, Item, LogState, Record
from llmlog_tui.formats.otlp_envelope import LogRecord, has_logs, logs_in
from llmlog_tui.formats.otlp_logs_codex import Codex, Event, Seen
from llmlog_tui.formats.providers import model_host, provider_host
from llmlog_tui.formats.times import NS_PER_MS
from llmlog_tui.formats.vocabulary import (
    boolean,
    decoded,
    error_class,
    error_message,
    error_status,
    finish_reason,
    first,
    integer,
    known,
    number,
    text,
    tokens_per_sec,
)

BAD_LOG_RECORD: Final = "bad log record"
"""Kind of fault: a log record that is no object."""

MAX_TRACES: Final = 50_000
"""Maximum traces whose last step is remembered; the oldest go first."""


class LogConverter:
    """Converter of one file's log records; `lost` counts unreadable ones."""

    def __init__(self, log: LogState) -> None:
        self.lost: Counter[str] = Counter()
        steps = log.setdefault("steps", Steps())
        self._steps: Steps = steps if isinstance(steps, Steps) else Steps()
        seen = log.setdefault("seen", Seen())
        self._seen: Seen = seen if isinstance(seen, Seen) else Seen()
        self._codex = Codex(self._seen)

    def feed(self, line: int, item: Item) -> list[Found]:
        """Take an envelope of log records; return the records that ended in it."""
        logs, bad = logs_in(item)
        if bad:
            self.lost[BAD_LOG_RECORD] += bad
        return self.add(line, logs)

    def add(self, line: int, logs: Sequence[LogRecord]) -> list[Found]:
        """Take decoded log records; return the records that ended with them."""
        return self._numbered(event for log in logs for event in self._events(line, log))

    def flush(self) -> list[Found]:
        """Return the calls of Codex that failed and were not tried again."""
        return self._numbered(self._codex.flush())

    def _events(self, line: int, log: LogRecord) -> Iterator[Event]:
        agent, event = agent_of(log)
        if agent == "codex":
            yield from self._codex.feed(line, event, log)
        elif (convert := _CONVERTERS.get((agent, event))) is not None:
            about = sorted(log.attributes.items())
            if self._seen.add(agent, event, log.time, log.trace_id, log.span_id, repr(about)):
                return
            order = integer(log.attributes.get("event.sequence"))
            record = known(convert(log))
            yield Event(order if order is not None else log.time, line, record)

    def _numbered(self, events: Iterator[Event]) -> list[Found]:
        found = []
        for _, line, record in sorted(events, key=itemgetter(0)):
            if "trace_id" in record:
                record["step"] = self._steps.next(record["trace_id"])
            found.append(Found(line, record))
        return found


class Steps:
    """The next step of each trace of a log."""

    def __init__(self) -> None:
        self._next: OrderedDict[str, int] = OrderedDict()

    def next(self, trace_id: str) -> int:
        """Return the next step of a trace."""
        step = self._next.pop(trace_id, 0)
        self._next[trace_id] = step + 1
        if len(self._next) > MAX_TRACES:
            self._next.popitem(last=False)
        return step


class OtlpLogs:
    """OTLP logs as a format."""

    name = "OTLP logs"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether any of the objects holds log records."""
        return any(map(has_logs, items))

    def converter(self, log: LogState) -> LogConverter:
        """Return a converter for one file."""
        return LogConverter(log)

    def content(self, item: Item, record: Record) -> Record:
        """Return input, output and error message of the record's event."""
        for log in logs_in(item)[0]:
            if _is_of(log, record):
                return log_content(log)
        return {}


LOGS: Final = OtlpLogs()


# ---- agents

_PREFIXES: Final = ("codex", "claude_code", "gemini_cli")


def agent_of(log: LogRecord) -> tuple[str, str]:
    """Return the agent that wrote an event, and the event's name without the agent's."""
    agent, _, event = log.event.partition(".")
    if agent in _PREFIXES and event:
        return agent, event
    service = text(log.resource.get("service.name")) or ""
    if service.startswith("claude-code") or "claude_code" in log.scope:
        return "claude_code", log.event
    return "", log.event


class _Ended(NamedTuple):
    ts: str | None
    latency_ms: int | None


def _ended(log: LogRecord) -> _Ended:
    """Return start and latency of the work that an event is the end of."""
    duration = number(log.attributes.get("duration_ms"))
    if duration is None or not 0 <= duration * NS_PER_MS <= log.time:
        return _Ended(timestamp(log.time) if log.time else None, None)
    return _Ended(timestamp(log.time - round(duration * NS_PER_MS)), round(duration))


def _base(log: LogRecord, event: str, trace_id: object, *, ok: bool) -> Record:
    about = log.attributes
    session_id = text(about.get("session.id"))
    return {
        **_ended(log)._asdict(),
        "event": event,
        "session_id": session_id,
        "trace_id": text(trace_id) or session_id,
        "span_id": log.span_id or None,
        "status": "ok" if ok else "error",
    }


# ---- Claude Code


def _claude_call(log: LogRecord) -> Record:
    about = log.attributes
    prompt, cached, cache_write = (
        integer(about.get(name))
        for name in ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
    )
    if prompt is not None:
        # Anthropic counts the cache apart from input_tokens.
        prompt += (cached or 0) + (cache_write or 0)
    found = _base(log, "chat_completion", about.get("prompt.id"), ok=True)
    completion = integer(about.get("output_tokens"))
    return (
        found
        | _claude_model(about)
        | {
            "request_id": text(about.get("request_id")),
            "finish_reason": finish_reason(about.get("stop_reason")),
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cached_tokens": cached,
            "cache_write_tokens": cache_write,
            "ttft_ms": integer(about.get("ttft_ms")),
            "tokens_per_sec": tokens_per_sec(completion, found["latency_ms"]),
        }
    )


def _claude_model(about: Record) -> Record:
    model = text(about.get("model"))
    attempt = integer(about.get("attempt"))
    return {
        "model": model,
        "requested_model": model,
        "provider": model_host(model),
        "stream": True,
        "retries": attempt - 1 if attempt else None,
    }


def _claude_error(log: LogRecord) -> Record:
    about = log.attributes
    found = _base(log, "chat_completion", about.get("prompt.id"), ok=False)
    model = _claude_model(about)
    return (
        found
        | model
        | {
            "model": None,
            "request_id": text(about.get("request_id")),
            "error_status": error_status(about.get("status_code"), about.get("error")),
            "error_type": error_class(about.get("error_type")),
        }
    )


def _claude_tool(log: LogRecord) -> Record:
    about = log.attributes
    ok = boolean(about.get("success")) is not False
    return _base(log, "tool_call", about.get("prompt.id"), ok=ok) | {
        "tool_name": text(first(about, "tool_name", "name")),
        "tool_call_id": text(about.get("tool_use_id")),
        "error_type": error_class(about.get("error_type")),
    }


# ---- Gemini CLI


def _gemini_call(log: LogRecord) -> Record:
    about = log.attributes
    status = integer(about.get("status_code"))
    output, thoughts = (
        integer(about.get(name)) for name in ("output_token_count", "thoughts_token_count")
    )
    completion = None if output is None else output + (thoughts or 0)
    ok = status is None or status < _FAILED_STATUS
    found = _base(log, "chat_completion", about.get("prompt_id"), ok=ok)
    return (
        found
        | _gemini_model(about)
        | {
            "finish_reason": finish_reason(about.get("finish_reasons")),
            "prompt_tokens": integer(about.get("input_token_count")),
            "completion_tokens": completion,
            "total_tokens": integer(about.get("total_token_count")),
            "cached_tokens": integer(about.get("cached_content_token_count")),
            "reasoning_tokens": thoughts,
            "error_status": None if ok else status,
            "tokens_per_sec": tokens_per_sec(completion, found["latency_ms"]),
        }
    )


_FAILED_STATUS: Final = 400


def _gemini_model(about: Record) -> Record:
    model = text(about.get("model"))
    return {"model": model, "requested_model": model, "provider": provider_host("gemini")}


def _gemini_error(log: LogRecord) -> Record:
    about = log.attributes
    found = _base(log, "chat_completion", about.get("prompt_id"), ok=False)
    model = _gemini_model(about)
    return (
        found
        | model
        | {
            "model": None,
            "error_type": error_class(about.get("error_type")),
            "error_status": error_status(about.get("status_code"), about.get("error")),
        }
    )


def _gemini_tool(log: LogRecord) -> Record:
    about = log.attributes
    ok = boolean(about.get("success")) is not False
    return _base(log, "tool_call", about.get("prompt_id"), ok=ok) | {
        "tool_name": text(about.get("function_name")),
        "tool_call_id": text(first(about, "call_id", "tool_call_id")),
        "error_type": error_class(about.get("error_type")),
    }


_CONVERTERS: Final[dict[tuple[str, str], Callable[[LogRecord], Record]]] = {
    ("claude_code", "api_request"): _claude_call,
    ("claude_code", "api_error"): _claude_error,
    ("claude_code", "tool_result"): _claude_tool,
    ("gemini_cli", "api_response"): _gemini_call,
    ("gemini_cli", "api_error"): _gemini_error,
    ("gemini_cli", "tool_call"): _gemini_tool,
}


# ---- content

_INPUT: Final = ("arguments", "tool_parameters", "tool_input", "function_args")
_OUTPUT: Final = ("output", "tool_output", "response_text")
_CALL_IDS: Final = ("call_id", "tool_use_id", "tool_call_id")
_NAMES: Final = ("tool_name", "function_name", "name")


def log_content(log: LogRecord) -> Record:
    """Return `input`, `output` and `error_message` of an event, what there is of them."""
    about = log.attributes
    return known(
        {
            "input": decoded(first(about, *_INPUT)),
            "output": decoded(first(about, *_OUTPUT)),
            "error_message": error_message(first(about, "error.message", "error")),
        }
    )


def _is_of(log: LogRecord, record: Record) -> bool:
    """Return whether a record was made of an event."""
    about = log.attributes
    if (call_id := record.get("tool_call_id")) is not None:
        return bool(first(about, *_CALL_IDS) == call_id)
    if record.get("span_id") and log.span_id:
        return bool(record["span_id"] == log.span_id)
    is_tool = record.get("event") == "tool_call"
    if is_tool and record.get("tool_name") != text(first(about, *_NAMES)):
        return False
    began: str | None = record.get("ts")
    return began is not None and _ended(log).ts == began
