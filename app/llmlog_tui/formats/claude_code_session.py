"""State of one session log of Claude Code: lanes, running calls, open tools."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from llmlog_tui.formats import Found, Item, LogState, Record
from llmlog_tui.formats.claude_code_forks import Fork, fork_of
from llmlog_tui.formats.claude_code_lines import (
    Answer,
    Failure,
    Lane,
    Line,
    LineReader,
    Result,
    Retry,
    Spawn,
    ToolUse,
    TurnEnd,
    UserLine,
)
from llmlog_tui.formats.shared_state import claim, is_claimed, is_live, is_loading
from llmlog_tui.formats.times import NS_PER_MS, ms_between, ts_at
from llmlog_tui.formats.vocabulary import finish_reason, integer, known, tokens_per_sec

ANTHROPIC: Final = "api.anthropic.com"

_MAX_OPEN_TOOLS: Final = 1_000
"""Maximum number of tools without a result per file; an interrupted one never gets one."""


class Subagents:
    """Tool calls that started subagents, from all files of a log."""

    def __init__(self, log: LogState) -> None:
        self._by_agent: dict[tuple[str, str], str] = log.setdefault("agents", {})
        self._by_prompt: dict[tuple[str, int], str] = log.setdefault("agent_prompts", {})
        self._prompts: dict[tuple[str, str], int] = log.setdefault("prompts_of_agents", {})

    def learn(self, line: Line) -> None:
        """Note a line's links between subagents and the tool calls that started them."""
        session, agent, is_side = line.lane
        match line.fact:
            case Spawn(started, tool_call_id):
                self._by_agent.setdefault((session, started), tool_call_id)
            case Answer(tools=tools):
                for tool in tools:
                    if tool.prompt:
                        self._by_prompt[session, tool.prompt] = tool.id
            case UserLine(prompt, results):
                if is_side and prompt:
                    self._prompts.setdefault((session, agent), prompt)
                for result in results:
                    if result.agent:
                        self._by_agent.setdefault((session, result.agent), result.tool_call_id)
            case _:
                pass

    def started_by(self, lane: Lane) -> str | None:
        """Return the tool call that started a lane's subagent; None until it is known."""
        key = (lane.session, lane.agent)
        found = self._by_agent.get(key)
        if found is None:
            # The result that names the agent comes at its end, its prompt at its beginning.
            found = self._by_prompt.get((lane.session, self._prompts.get(key, 0)))
        return found


@dataclass(slots=True)
class _Call:
    """A model call of which more lines may come."""

    lane: Lane
    trace: str
    step: int
    start_ns: int | None
    first: Line
    last: Line
    answer: Answer
    retries: int | None
    tools: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    finish: str | None = None
    is_counted: bool = True
    is_found: bool = False


@dataclass(slots=True)
class _LaneState:
    """State of a lane between calls; `prompt_ns` is the time of its newest user line."""

    trace: str
    next_step: int = 0
    prompt_ns: int | None = None
    retries: int | None = None
    call: _Call | None = None

    def take_step(self) -> int:
        self.next_step += 1
        return self.next_step - 1


@dataclass(frozen=True, slots=True)
class _OpenTool:
    lane: Lane
    trace: str
    step: int
    call_id: str
    name: str
    ns: int | None


class SessionFile:
    """Converter of one session log."""

    def __init__(self, log: LogState) -> None:
        self.lost: Counter[str] = Counter()
        self._log = log
        self._reader = LineReader()
        self._subagents = Subagents(log)
        self._lanes: dict[Lane, _LaneState] = {}
        self._tools: dict[str, _OpenTool] = {}
        self._is_first = True
        self._fork: Fork | None = None
        self._held: dict[Lane, list[Line]] = {}

    def feed(self, line: int, item: Item) -> list[Found]:
        """Take the next line of the file."""
        read = self._reader.read(line, item)
        if read is None:
            return []
        self._subagents.learn(read)
        if not is_loading(self._log):
            return [*self._release(), *self._take(read)]
        if self._is_first and read.uuid:
            self._is_first = False
            self._fork = fork_of(self._log, read.uuid)
        if self._fork is not None:
            self._fork.lines.append(read)
            return []
        if read.lane.is_side and self._subagents.started_by(read.lane) is None:
            self._held.setdefault(read.lane, []).append(read)
            return []
        found = self._release_lane(read.lane) if self._held else []
        return found + self._take(read)

    def flush(self) -> list[Found]:
        """Return calls that are complete if nothing follows."""
        found = [] if is_loading(self._log) else self._release()
        for lane in self._lanes.values():
            if lane.call is not None and (lane.call.finish or not is_live(self._log)):
                found += self._complete(lane.call)
        return found

    def _release(self) -> list[Found]:
        found = []
        if self._fork is not None:
            for line in self._fork.own_lines():
                found += self._take(line)
            self._fork = None
        for lane in list(self._held):
            found += self._release_lane(lane)
        return found

    def _release_lane(self, lane: Lane) -> list[Found]:
        return [found for line in self._held.pop(lane, ()) for found in self._take(line)]

    def _take(self, line: Line) -> list[Found]:
        lane = self._lane(line.lane)
        match line.fact:
            case Answer():
                return self._answer(lane, line, line.fact)
            case UserLine():
                return self._user(lane, line, line.fact)
            case Failure():
                return [*self._end_call(lane), *self._failure(lane, line, line.fact)]
            case TurnEnd(duration_ms):
                return [*self._end_call(lane), *self._turn(lane, line, duration_ms)]
            case Retry(attempt):
                lane.retries = max(lane.retries or 0, attempt)
            case Spawn():
                pass
        return []

    def _lane(self, key: Lane) -> _LaneState:
        state = self._lanes.get(key)
        if state is None:
            trace = f"{key.session}/{key.agent}" if key.is_side else key.session
            state = self._lanes[key] = _LaneState(trace)
        return state

    # ---- model calls

    def _answer(self, lane: _LaneState, line: Line, answer: Answer) -> list[Found]:
        call, found = lane.call, []
        if call is None or not answer.message_id or call.answer.message_id != answer.message_id:
            found = self._end_call(lane)
            call = lane.call = self._begin(lane, line, answer)
        call.last = line
        call.finish = finish_reason(answer.stop_reason) or call.finish
        # Earlier lines of a call hold placeholders; the last one has counted all tokens.
        used = [each.usage.get("completion_tokens", 0) for each in (answer, call.answer)]
        if used[0] >= used[1]:
            call.answer = answer
        for tool in answer.tools:
            self._open(lane, call, line, tool)
        return found

    def _begin(self, lane: _LaneState, line: Line, answer: Answer) -> _Call:
        # A copy of a call is recognised by its message id alone: a side question repeats it with
        # another requestId.
        is_counted = claim(self._log, "call", answer.message_id or line.uuid or str(line.token))
        call = _Call(
            lane=line.lane,
            trace=lane.trace,
            step=lane.take_step() if is_counted else 0,
            start_ns=lane.prompt_ns,
            first=line,
            last=line,
            answer=answer,
            retries=lane.retries,
            is_counted=is_counted,
        )
        lane.retries = None
        return call

    def _end_call(self, lane: _LaneState) -> list[Found]:
        call, lane.call = lane.call, None
        return [] if call is None else self._complete(call)

    def _complete(self, call: _Call) -> list[Found]:
        if call.is_found or not call.is_counted:
            return []
        call.is_found = True
        # Its content is on all its lines: they are read back from the first one on.
        return [Found(call.first.token, self._call_record(call))]

    def _call_record(self, call: _Call) -> Record:
        answer, begin, end = call.answer, call.start_ns, call.last.ns
        latency = ms_between(begin, end)
        prompt, completion = (answer.usage.get(f"{side}_tokens") for side in _SIDES)
        is_anthropic = (answer.model or "").startswith("claude-")
        record = {
            "ts": ts_at(call.first.ns if begin is None else begin),
            "event": "chat_completion",
            "session_id": call.lane.session,
            "trace_id": call.trace,
            "step": call.step,
            "span_id": answer.message_id or call.first.uuid or None,
            "parent_span_id": self._subagents.started_by(call.lane) if call.lane.is_side else None,
            "status": "ok",
            "latency_ms": latency,
            "model": answer.model,
            "provider": ANTHROPIC if is_anthropic else None,
            "id": answer.message_id or None,
            "request_id": answer.request_id,
            "finish_reason": call.finish,
            **answer.usage,
            "total_tokens": _sum(prompt, completion),
            "reported_cost_usd": answer.cost_usd,
            "service_tier": answer.service_tier,
            "tokens_per_sec": tokens_per_sec(completion, latency),
            "stream": True,
            "ttft_ms": ms_between(begin, call.first.ns),
            "retries": call.retries,
            "tool_calls": call.tools or None,
            "tool_args_ok": True if call.tools else None,
            "timing": None if latency is None else "derived",
        }
        return known(record)

    def _failure(self, lane: _LaneState, line: Line, failure: Failure) -> list[Found]:
        retries, lane.retries = lane.retries, None
        if not claim(self._log, "failure", line.uuid or str(line.token)):
            return []
        record = {
            **self._base(lane, line, ts_at(line.ns)),
            "event": "chat_completion",
            "step": lane.take_step(),
            "status": "error",
            "retries": retries,
            "error_type": failure.error_type,
            "error_status": failure.error_status,
        }
        return [Found(line.token, known(record))]

    def _turn(self, lane: _LaneState, line: Line, duration_ms: int) -> list[Found]:
        if not claim(self._log, "turn", line.uuid or str(line.token)):
            return []
        begin = None if line.ns is None else line.ns - duration_ms * NS_PER_MS
        # Without a step: it would be the first of its trace, and those are counted from its calls.
        record = {
            **self._base(lane, line, ts_at(begin)),
            "event": "span",
            "name": "turn",
            "status": "ok",
            "latency_ms": duration_ms,
        }
        return [Found(line.token, known(record))]

    def _base(self, lane: _LaneState, line: Line, ts: str | None) -> Record:
        parent = self._subagents.started_by(line.lane) if line.lane.is_side else None
        return {
            "ts": ts,
            "session_id": line.lane.session,
            "trace_id": lane.trace,
            "span_id": line.uuid or None,
            "parent_span_id": parent,
        }

    # ---- prompts and tools

    def _user(self, lane: _LaneState, line: Line, user: UserLine) -> list[Found]:
        found = [] if self._runs_on(lane.call, user) else self._end_call(lane)
        for result in user.results:
            found += self._result(line, result)
        is_newest = line.ns is not None and line.ns >= (lane.prompt_ns or 0)
        if is_newest:
            lane.prompt_ns = line.ns
        if user.prompt and not line.lane.is_side and (is_newest or line.ns is None):
            lane.trace, lane.next_step = line.uuid or lane.trace, 0
        return found

    @staticmethod
    def _runs_on(call: _Call | None, user: UserLine) -> bool:
        """Return whether these are results of tools that ran before their call had ended."""
        if call is None or call.finish is not None or not user.results:
            return False
        return all(result.tool_call_id in call.seen for result in user.results)

    def _open(self, lane: _LaneState, call: _Call, line: Line, tool: ToolUse) -> None:
        if tool.id in call.seen:
            return
        call.tools.append(tool.name)
        if not tool.id:
            return
        call.seen.add(tool.id)
        if is_claimed(self._log, "tool", tool.id):
            return
        self._tools[tool.id] = _OpenTool(
            lane=line.lane,
            trace=call.trace,
            step=lane.take_step(),
            call_id=call.answer.message_id or call.first.uuid,
            name=tool.name,
            ns=line.ns,
        )
        if len(self._tools) > _MAX_OPEN_TOOLS:
            del self._tools[next(iter(self._tools))]

    def _result(self, line: Line, result: Result) -> list[Found]:
        tool = self._tools.pop(result.tool_call_id, None)
        if tool is None or not claim(self._log, "tool", result.tool_call_id):
            return []
        latency = result.duration_ms
        derived = ms_between(tool.ns, line.ns) if latency is None else None
        record = {
            "ts": ts_at(tool.ns),
            "event": "tool_call",
            "session_id": tool.lane.session,
            "trace_id": tool.trace,
            "step": tool.step,
            "span_id": result.tool_call_id,
            "parent_span_id": tool.call_id or None,
            "status": "error" if result.failed else "ok",
            "latency_ms": derived if latency is None else latency,
            "tool_name": tool.name or None,
            "tool_call_id": result.tool_call_id,
            "timing": None if derived is None else "derived",
        }
        return [Found(line.token, known(record))]


_SIDES: Final = ("prompt", "completion")


def _sum(prompt: int | None, completion: int | None) -> int | None:
    return None if prompt is None or completion is None else integer(prompt + completion)
