"""Makes a seeded tree of agents' sessions: `python -m tests.bench.make_sessions TOOL MB OUT`.

TOOL is claude, codex or gemini. Files are about half a megabyte and are written to one after the
other, a minute apart. Of Claude Code's, one in five has a subagent with a file of its own, and one
in fifty is a fork that begins with the lines of the session before. The last session's trace begins
with NEWEST.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

NEWEST: Final = "newest00"
"""The first characters of the trace that began last."""

_FILE_BYTES: Final = 550_000
_START: Final = datetime(2026, 11, 1, tzinfo=UTC)
_WORDS: Final = "Look at the query, then at its index; the plan says that all rows are read. "

Lines = list[dict[str, Any]]


class _Session:
    """What the lines of one session have in common: ids, and a clock."""

    def __init__(self, number: int) -> None:
        self.chance = random.Random(number)  # noqa: S311 - a benchmark wants the same tree again
        self.now = _START + timedelta(minutes=number)
        self.id = self.uuid()

    def uuid(self, begin: str = "") -> str:
        name = begin + f"{self.chance.getrandbits(128):032x}"[len(begin) :]
        return "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:]))

    def at(self, ms: int = 0) -> str:
        self.now += timedelta(milliseconds=ms)
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.now.microsecond // 1_000:03}Z"

    def text(self) -> str:
        return _WORDS * self.chance.randrange(1, 6)


def claude_turn(session: _Session, first: str, agent: str | None = None) -> Lines:
    """Four calls that ask for a tool, and one that ends a turn; of `agent`, a subagent's."""
    lines: Lines = []

    def line(kind: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        uuid = session.uuid() if lines else first
        lines.append(
            {
                "parentUuid": lines[-1]["uuid"] if lines else None,
                "isSidechain": agent is not None,
                **({"agentId": agent} if agent else {}),
                "userType": "external",
                "cwd": "/home/me/shop",
                "sessionId": session.id,
                "version": "2.1.220",
                "gitBranch": "main",
                "type": kind,
                "uuid": uuid,
                "timestamp": session.at(session.chance.randrange(40, 4_000)),
                **fields,
            }
        )

    def say(message_id: str, block: dict[str, Any], stop: str | None, output: int) -> None:
        usage = {
            "input_tokens": 9,
            "cache_creation_input_tokens": session.chance.randrange(4_000),
            "cache_read_input_tokens": session.chance.randrange(40_000),
            "cache_creation": {"ephemeral_5m_input_tokens": 210, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "service_tier": "standard",
        }
        message = {
            "model": "claude-sonnet-4-5-20250929",
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "content": [block],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": usage,
        }
        line("assistant", requestId=f"req_{message_id[4:]}", message=message)

    line("user", message={"role": "user", "content": session.text()}, promptId="p-1")
    for _ in range(4):
        message_id, tool = f"msg_{session.uuid()[:22]}", f"toolu_{session.uuid()[:20]}"
        say(message_id, {"type": "thinking", "thinking": session.text(), "signature": "x"}, None, 3)
        use = {"type": "tool_use", "id": tool, "name": "Bash", "input": {"command": "pytest -q"}}
        say(message_id, use, "tool_use", session.chance.randrange(20, 900))
        line("progress", data={"type": "hook_progress", "hookEvent": "PreToolUse"}, toolUseID=tool)
        result = {"type": "tool_result", "tool_use_id": tool, "content": session.text()}
        outcome = {"type": "text", "file": {"filePath": "/home/me/shop/pay.py", "numLines": 1}}
        line("user", message={"role": "user", "content": [result]}, toolUseResult=outcome)
    say(f"msg_{session.uuid()[:22]}", {"type": "text", "text": session.text()}, "end_turn", 300)
    line("system", subtype="turn_duration", durationMs=26_050, messageCount=9, isMeta=False)
    return lines


def _spawned(session: _Session, agent: str) -> Lines:
    """A turn in which a tool runs a subagent."""
    lines = claude_turn(session, session.uuid())
    lines[-3]["toolUseResult"] = {"status": "completed", "agentId": agent, "totalDurationMs": 4_300}
    return lines


def claude(folder: Path, megabytes: float) -> None:
    """Write a projects folder of Claude Code."""
    before: Lines = []
    for number, is_last in _until(folder, megabytes):
        session = _Session(number)
        project = folder / f"-home-me-project-{number % 40}"
        lines: Lines = [{**line, "sessionId": session.id} for line in before[:16]]
        if number % 50:
            lines = [{"type": "file-history-snapshot", "messageId": "x", "snapshot": {}}]
        if number % 5 == 0:
            agent = session.uuid()[:7]
            lines += _spawned(session, agent)
            below = project / session.id / "subagents" / f"agent-{agent}.jsonl"
            _write(below, claude_turn(session, session.uuid(), agent), number)
        size = 0
        while size < _FILE_BYTES:
            turn = claude_turn(session, session.uuid())
            size += sum(len(json.dumps(line)) for line in turn)
            lines += turn
        if is_last:
            lines += claude_turn(session, session.uuid(NEWEST))
        _write(project / f"{session.id}.jsonl", lines, number)
        before = lines


def codex_turn(session: _Session, turn: str) -> Lines:
    """Four calls that run a command, and one that ends a turn."""
    lines: Lines = []

    def line(kind: str, **payload: Any) -> None:  # noqa: ANN401 - any JSON
        stamp = session.at(session.chance.randrange(40, 4_000))
        lines.append({"timestamp": stamp, "type": kind, "payload": payload})

    def ends() -> None:
        usage = {
            "input_tokens": session.chance.randrange(40_000, 80_000),
            "cached_input_tokens": session.chance.randrange(40_000),
            "output_tokens": session.chance.randrange(800),
            "reasoning_output_tokens": 0,
            "total_tokens": 80_000,
        }
        line("token_usage_record", response_id=f"resp_{session.uuid()}", turn_id=turn, usage=usage)

    line("event_msg", type="task_started", turn_id=turn)
    line("turn_context", turn_id=turn, cwd="/home/me/shop", model="gpt-5.4", effort="medium")
    prompt = [{"type": "input_text", "text": session.text()}]
    line("response_item", type="message", role="user", content=prompt)
    for _ in range(4):
        call_id = f"call_{session.uuid()[:20]}"
        line("response_item", type="reasoning", summary=[], encrypted_content=session.text())
        arguments = {"name": "exec_command", "arguments": '{"cmd": "ls"}', "call_id": call_id}
        line("response_item", type="function_call", **arguments)
        ends()
        output = f"Process exited with code 0\n{session.text()}"
        line("response_item", type="function_call_output", call_id=call_id, output=output)
        line("event_msg", type="token_count", info=None)
    answer = [{"type": "output_text", "text": session.text()}]
    line("response_item", type="message", role="assistant", content=answer)
    ends()
    line("event_msg", type="task_complete", turn_id=turn)
    return lines


def codex(folder: Path, megabytes: float) -> None:
    """Write a sessions folder of Codex."""
    for number, is_last in _until(folder, megabytes):
        session = _Session(number)
        meta = {"id": session.id, "cwd": "/home/me/shop", "model_provider": "openai"}
        lines: Lines = [{"timestamp": session.at(), "type": "session_meta", "payload": meta}]
        size = 0
        while size < _FILE_BYTES:
            turn = codex_turn(session, session.uuid())
            size += sum(len(json.dumps(line)) for line in turn)
            lines += turn
        if is_last:
            lines += codex_turn(session, session.uuid(NEWEST))
        day = folder / session.now.strftime("%Y/%m/%d")
        _write(day / f"rollout-{number:05}-{session.id}.jsonl", lines, number)


def gemini_turn(session: _Session, first: str) -> Lines:
    """A prompt and five answers with a tool each."""

    def message(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        return {"timestamp": session.at(session.chance.randrange(40, 4_000)), **fields}

    lines = [message(id=first, type="user", content=session.text())]
    for _ in range(5):
        tokens = {
            "input": session.chance.randrange(1_000, 9_000),
            "output": session.chance.randrange(900),
            "cached": 800,
            "thoughts": 40,
            "tool": 0,
            "total": 9_000,
        }
        tool = {"id": session.uuid(), "name": "read_file", "status": "success"}
        lines.append(
            message(
                id=session.uuid(),
                type="gemini",
                model="gemini-2.5-pro",
                content=session.text(),
                tokens=tokens,
                toolCalls=[{**tool, "timestamp": session.at(300)}],
            )
        )
    return lines


def gemini(folder: Path, megabytes: float) -> None:
    """Write a tmp folder of Gemini CLI, of the newer version."""
    for number, is_last in _until(folder, megabytes):
        session = _Session(number)
        head = {"sessionId": session.id, "projectHash": "x", "startTime": session.at()}
        lines: Lines = [head]
        size = 0
        while size < _FILE_BYTES:
            turn = gemini_turn(session, session.uuid())
            size += sum(len(json.dumps(line)) for line in turn)
            lines += turn
        if is_last:
            lines += gemini_turn(session, session.uuid(NEWEST))
        _write(folder / f"{number % 40:02}" / "chats" / f"session-{number:05}.jsonl", lines, number)


def _until(folder: Path, megabytes: float) -> Iterator[tuple[int, bool]]:
    """Numbers of files up to a size of the folder, and whether it is the last."""
    folder.mkdir(parents=True, exist_ok=True)
    count = max(1, round(megabytes * 1e6 / _FILE_BYTES))
    for number in range(count):
        yield number, number == count - 1


def _write(file: Path, lines: Lines, number: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    compact = (json.dumps(line, separators=(",", ":")) for line in lines)
    file.write_text("\n".join(compact) + "\n", encoding="utf-8")
    written = (_START + timedelta(minutes=number)).timestamp()
    os.utime(file, (written, written))


TOOLS: Final[dict[str, Callable[[Path, float], None]]] = {
    "claude": claude,
    "codex": codex,
    "gemini": gemini,
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](Path(sys.argv[3]), float(sys.argv[2]))
