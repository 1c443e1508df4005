"""Codex's events: HTTP attempts and the end of the stream make one call.

The first attempt has the time and the trace of the call, the end has its tokens. A failed attempt
is a retry if another follows; without one it is a failed call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from llmlog.record import timestamp
from llmlog_tui.formats.otlp_envelope import LogRecord
from llmlog_tui.formats.providers import model_host, provider_host
from llmlog_tui.formats.times import NS_PER_MS
from llmlog_tui.formats.vocabulary import (
    Record,
    boolean,
    error_status,
    integer,
    known,
    number,
    text,
    tokens_per_sec,
)

MAX_CONVERSATIONS: Final = 1_000
MAX_SEEN: Final = 50_000
"""Maximum events remembered: exporters try again, and two scopes may send the same ones."""

_FAILED_STATUS: Final = 400
_REQUESTS: Final = ("api_request", "websocket_request")
_STREAM_EVENTS: Final = ("sse_event", "websocket_event")


class Event(NamedTuple):
    """A record that an event completes, and its place in the order of its trace."""

    order: int
    line: int
    record: Record


@dataclass(slots=True)
class _Attempts:
    """The HTTP attempts of one call so far."""

    line: int
    begin: int
    trace_id: str
    span_id: str
    end: int = 0
    retries: int = 0
    status: int | None = None
    model: str | None = None


@dataclass(slots=True)
class _Conversation:
    provider: str | None = None
    trace_id: str | None = None
    attempts: _Attempts | None = None
    first_token: tuple[int, int] | None = None
    """Time of the turn's first token in ns, and ms since the turn began."""


class Seen:
    """Events of a log, each of which counts once."""

    def __init__(self) -> None:
        self._keys: OrderedDict[int, None] = OrderedDict()

    def add(self, *key: object) -> bool:
        """Remember an event; True if it is known already."""
        number = hash(key)
        if number in self._keys:
            return True
        self._keys[number] = None
        if len(self._keys) > MAX_SEEN:
            self._keys.popitem(last=False)
        return False


@dataclass(slots=True)
class Codex:
    """The conversations of one file; `seen` belongs to the log."""

    seen: Seen
    _conversations: OrderedDict[str, _Conversation] = field(default_factory=OrderedDict)

    def feed(self, line: int, event: str, log: LogRecord) -> Iterator[Event]:
        """Take one event; yield the records that it completes."""
        session_id = text(log.attributes.get("conversation.id"))
        if session_id is None or self._is_repeated(session_id, log):
            return
        conversation = self._conversation(session_id)
        conversation.trace_id = log.trace_id or conversation.trace_id
        if event in ("user_prompt", "conversation_starts"):
            yield from _failed(session_id, conversation)
            if (provider := provider_host(log.attributes.get("provider_name"))) is not None:
                conversation.provider = provider
        elif event in _REQUESTS:
            _attempt(line, conversation, log)
        elif event == "turn_ttft":
            conversation.first_token = (log.time, integer(log.attributes.get("duration_ms")) or 0)
        elif event == "tool_result":
            yield Event(log.time, line, _tool(session_id, conversation, log))
        elif event in _STREAM_EVENTS and "input_token_count" in log.attributes:
            yield Event(log.time, line, _call(session_id, conversation, log))

    def flush(self) -> Iterator[Event]:
        """Yield the calls that failed at the last attempt so far."""
        for session_id, conversation in self._conversations.items():
            yield from _failed(session_id, conversation)

    def _conversation(self, session_id: str) -> _Conversation:
        found = self._conversations.pop(session_id, None) or _Conversation()
        self._conversations[session_id] = found
        if len(self._conversations) > MAX_CONVERSATIONS:
            self._conversations.popitem(last=False)
        return found

    def _is_repeated(self, session_id: str, log: LogRecord) -> bool:
        about = log.attributes
        names = ("event.timestamp", "call_id", "event.kind", "attempt", "input_token_count")
        values = (str(about.get(name)) for name in names)
        return self.seen.add(session_id, log.event, log.time, *values)


def _attempt(line: int, conversation: _Conversation, log: LogRecord) -> None:
    about = log.attributes
    endpoint = text(about.get("endpoint"))
    if endpoint is not None and not endpoint.endswith("/responses"):
        return
    attempts = conversation.attempts
    if attempts is None:
        duration = round((number(about.get("duration_ms")) or 0) * NS_PER_MS)
        attempts = conversation.attempts = _Attempts(
            line, max(0, log.time - duration), log.trace_id, log.span_id
        )
    attempts.line, attempts.end = line, log.time
    attempts.retries = max(attempts.retries, integer(about.get("attempt")) or 0)
    attempts.status = error_status(about.get("http.response.status_code"))
    attempts.model = text(about.get("model"))


def _call(session_id: str, conversation: _Conversation, log: LogRecord) -> Record:
    about = log.attributes
    model = text(about.get("model"))
    completion = integer(about.get("output_token_count"))
    attempts, conversation.attempts = conversation.attempts, None
    found = _begun(session_id, conversation, attempts, log.time)
    found |= {
        "status": "ok",
        "model": model,
        "requested_model": model,
        "provider": conversation.provider or model_host(model),
        "prompt_tokens": integer(about.get("input_token_count")),
        "completion_tokens": completion,
        "total_tokens": integer(about.get("tool_token_count")),
        "cached_tokens": integer(about.get("cached_token_count")),
        "cache_write_tokens": integer(about.get("cache_write_token_count")),
        "reasoning_tokens": integer(about.get("reasoning_token_count")),
        "reasoning_effort": text(about.get("model_reasoning_effort")),
        "ttft_ms": _ttft_ms(conversation, attempts, log.time),
        "tokens_per_sec": tokens_per_sec(completion, found.get("latency_ms")),
    }
    return known(found)


def _failed(session_id: str, conversation: _Conversation) -> Iterator[Event]:
    """Yield the call whose last attempt failed, if there is one."""
    attempts, conversation.attempts = conversation.attempts, None
    if attempts is None or (attempts.status or 0) < _FAILED_STATUS:
        conversation.attempts = attempts
        return
    found = _begun(session_id, conversation, attempts, attempts.end)
    found |= {
        "status": "error",
        "requested_model": attempts.model,
        "provider": conversation.provider or model_host(attempts.model),
        "error_status": attempts.status,
    }
    yield Event(attempts.end, attempts.line, known(found))


def _begun(
    session_id: str, conversation: _Conversation, attempts: _Attempts | None, end: int
) -> Record:
    found: Record = {
        "event": "response",
        "session_id": session_id,
        "trace_id": conversation.trace_id or session_id,
        "stream": True,
    }
    if attempts is None:
        return found | {"ts": timestamp(end) if end else None}
    return found | {
        "ts": timestamp(attempts.begin),
        "trace_id": attempts.trace_id or found["trace_id"],
        "span_id": attempts.span_id or None,
        "latency_ms": round((end - attempts.begin) / NS_PER_MS) if end >= attempts.begin else None,
        "retries": attempts.retries,
        "timing": "derived",
    }


def _ttft_ms(conversation: _Conversation, attempts: _Attempts | None, end: int) -> int | None:
    """Return the time to the first token of a turn's first call."""
    first_token, conversation.first_token = conversation.first_token, None
    if first_token is None or attempts is None:
        return None
    came, since_turn = first_token
    # The turn may have begun before the call: then the call's own beginning counts.
    since_call = round((came - attempts.begin) / NS_PER_MS)
    if since_turn <= (end - attempts.begin) / NS_PER_MS:
        return since_turn
    return since_call if since_call >= 0 else None


def _tool(session_id: str, conversation: _Conversation, log: LogRecord) -> Record:
    about = log.attributes
    duration = number(about.get("duration_ms"))
    begin = log.time - round((duration or 0) * NS_PER_MS)
    return known(
        {
            "ts": timestamp(begin) if begin > 0 else None,
            "event": "tool_call",
            "session_id": session_id,
            "trace_id": log.trace_id or conversation.trace_id or session_id,
            "span_id": log.span_id or None,
            "status": "error" if boolean(about.get("success")) is False else "ok",
            "latency_ms": None if duration is None else round(duration),
            "tool_name": text(about.get("tool_name")),
            "tool_call_id": text(about.get("call_id")),
        }
    )
