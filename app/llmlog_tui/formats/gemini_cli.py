"""Sessions of Gemini CLI: ~/.gemini/tmp/PROJECT/chats/session-*.json, or .jsonl in newer versions.

The older file is one object with all messages; in the newer one each line is a message, and a
message that comes again replaces the one before. A message of type gemini is one model call, and
holds the tools that it called. A message's time is when its answer had ended; a call begins with
the message or the tool before it, so `timing` is derived. Not in these files: finish reasons,
failed attempts, limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from llmlog_tui.formats import Found, Item, LogState, Record
from llmlog_tui.formats.messages import joined_text, message, tool_call
from llmlog_tui.formats.providers import model_host
from llmlog_tui.formats.shared_state import claim, is_claimed, is_live
from llmlog_tui.formats.times import ms_between, nanoseconds, ts_at
from llmlog_tui.formats.vocabulary import integer, known, mapping, text, tokens_per_sec

_TYPES: Final = ("user", "gemini", "info", "error", "warning")
_FAILED: Final = ("error", "cancelled")


class _Answer(NamedTuple):
    """The newest version of a message of type gemini, which may be replaced."""

    line: int
    message: Mapping[str, Any]
    since: int | None
    trace: str | None


class _Chat:
    """Converter of one session."""

    def __init__(self, log: LogState) -> None:
        self.lost: Counter[str] = Counter()
        self._log = log
        self._session: str | None = None
        self._trace: str | None = None
        self._steps: Counter[str | None] = Counter()
        self._since: int | None = None
        self._answer: _Answer | None = None

    def feed(self, line: int, item: Item) -> list[Found]:
        """Take a whole session, or one line of it."""
        self._session = text(item.get("sessionId")) or self._session
        messages = item.get("messages")
        if not isinstance(messages, list):
            messages = [item]
        found: list[Found] = []
        for each in messages:
            if isinstance(each, dict):
                found += self._message(line, each)
        return found

    def flush(self) -> list[Found]:
        """Return the last call; while the file may grow, only if its tokens are counted."""
        answer = self._answer
        if answer is None or (is_live(self._log) and not answer.message.get("tokens")):
            return []
        return self._complete()

    def _message(self, line: int, item: Mapping[str, Any]) -> list[Found]:
        kind, message_id = item.get("type"), text(item.get("id"))
        if kind not in ("user", "gemini"):
            return []
        before = self._answer
        if before and message_id and message_id == text(before.message.get("id")):
            self._answer = before._replace(line=line, message=item)
            return []
        found = self._complete()
        if kind == "user":
            self._since = nanoseconds(item.get("timestamp"))
            if self._trace != (message_id or self._session):
                self._steps.clear()
            self._trace = message_id or self._session
        else:
            self._answer = _Answer(line, item, self._since, self._trace or self._session)
        return found

    def _complete(self) -> list[Found]:
        answer, self._answer = self._answer, None
        if answer is None:
            return []
        end = nanoseconds(answer.message.get("timestamp"))
        tools = list(_tools(answer.message))
        times = [time for tool in tools if (time := nanoseconds(tool.get("timestamp")))]
        self._since = max([*times, *([] if end is None else [end])], default=self._since)
        message_id = text(answer.message.get("id"))
        key = (self._session or "", message_id or "")
        if is_claimed(self._log, *key):
            return []
        if self._session is not None and message_id is not None:
            claim(self._log, *key)
        call = self._call(answer, end, tools)
        runs = [self._tool(answer, call, tool, end) for tool in tools]
        return [Found(answer.line, record) for record in (call, *runs)]

    def _step(self, trace: str | None) -> int:
        self._steps[trace] += 1
        return self._steps[trace] - 1

    def _call(self, answer: _Answer, end: int | None, tools: list[Mapping[str, Any]]) -> Record:
        said = answer.message
        used = mapping(said.get("tokens"))
        shares = [integer(used.get(name)) for name in ("output", "thoughts")]
        counted = [share for share in shares if share is not None]
        completion = integer(sum(counted)) if counted else None
        latency = ms_between(answer.since, end)
        names = [text(tool.get("name")) or "" for tool in tools]
        begin = end if answer.since is None else answer.since
        record = {
            "ts": ts_at(begin),
            "event": "chat_completion",
            "session_id": self._session,
            "trace_id": answer.trace,
            "step": self._step(answer.trace),
            "span_id": text(said.get("id")),
            "status": "ok",
            "latency_ms": latency,
            "model": text(said.get("model")),
            "provider": model_host(said.get("model")),
            "finish_reason": "tool_calls" if names else None,
            "prompt_tokens": integer(used.get("input")),
            "completion_tokens": completion,
            "total_tokens": integer(used.get("total")),
            "reasoning_tokens": shares[1],
            "cached_tokens": integer(used.get("cached")),
            "tokens_per_sec": tokens_per_sec(completion, latency),
            "stream": True,
            "tool_calls": names or None,
            "timing": None if latency is None else "derived",
        }
        return known(record)

    def _tool(
        self, answer: _Answer, call: Record, tool: Mapping[str, Any], begin: int | None
    ) -> Record:
        latency = ms_between(begin, nanoseconds(tool.get("timestamp")))
        call_id = text(tool.get("id"))
        record = {
            "ts": ts_at(begin),
            "event": "tool_call",
            "session_id": self._session,
            "trace_id": answer.trace,
            "step": self._step(answer.trace),
            "span_id": call_id,
            "parent_span_id": call.get("span_id"),
            "status": "error" if tool.get("status") in _FAILED else "ok",
            "latency_ms": latency,
            "tool_name": text(tool.get("name")),
            "tool_call_id": call_id,
            "timing": None if latency is None else "derived",
        }
        return known(record)


def _tools(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    tools = item.get("toolCalls")
    return (
        (tool for tool in tools if isinstance(tool, dict)) if isinstance(tools, list) else iter(())
    )


class _GeminiCli:
    name = "Gemini CLI"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether one of the objects is a session or a message of one."""
        return any(map(_is_chat, items))

    def converter(self, log: LogState) -> _Chat:
        """Return the converter of one more session."""
        return _Chat(log)

    def content(self, item: Item, record: Record) -> Record:
        """Return the answer of a call, or the arguments and the result of a tool."""
        messages = item.get("messages")
        said = messages if isinstance(messages, list) else [item]
        for each in (each for each in said if isinstance(each, dict)):
            if record.get("event") == "tool_call":
                tool = next((t for t in _tools(each) if t.get("id") == record.get("span_id")), None)
                if tool is not None:
                    return known({"input": tool.get("args"), "output": tool.get("result")})
            elif each.get("id") == record.get("span_id"):
                calls = (tool_call(t.get("id"), t.get("name"), t.get("args")) for t in _tools(each))
                return {"output": message("assistant", joined_text(each.get("content")), calls)}
        return {}


def _is_chat(item: Item) -> bool:
    if isinstance(item.get("sessionId"), str) and "startTime" in item:
        return isinstance(item.get("messages"), list) or "projectHash" in item
    return (
        item.get("type") == "gemini"
        and isinstance(item.get("timestamp"), str)
        and ("tokens" in item or "content" in item)
    )


GEMINI_CLI: Final = _GeminiCli()
