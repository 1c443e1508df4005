"""`llmlog mcp`: the package's own client asks a real process over stdio."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent
from tests.commands.agent_questions import QUESTIONS, answers_over, is_over_window
from tests.commands.conftest import Run, Written, command, is_refused
from tests.commands.test_base_install import base_install

from llmlog_tui.commands import agent_log
from llmlog_tui.commands.agent_tools import MAX_ROWS, AgentTools, ToolFault
from llmlog_tui.commands.bounded_answer import MAX_CHARACTERS
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log import archive_part
from llmlog_tui.log.archive_writer import ArchiveWriter
from llmlog_tui.log.retention import Retention

Connect: TypeAlias = Callable[..., AbstractAsyncContextManager[Client]]

SECRET = "sk-proj-" + "Ab3dE5gH1jK2mN4pQ6rS8tU0" * 2
CALL = {
    "ts": "2026-11-23T09:00:00Z", "event": "chat_completion", "session_id": "s-1",
    "trace_id": "trace-1", "step": 0, "model": "m", "latency_ms": 900, "request_id": "req_000001",
}  # fmt: skip
SAID = {
    **CALL,
    "status": "error",
    "error_message": f"bad key {SECRET}",
    "input": [{"role": "user", "content": f"my key is {SECRET}, mail ada@example.com"}],
    "output": {"role": "assistant", "content": "use it well"},
    "extra": {"tier": "free"},
    "prompt": "what a logger of its own calls it: my key",
}


@asynccontextmanager
async def connected(*arguments: str | Path) -> AsyncIterator[Client]:
    _, *words = map(str, command("headless", "mcp", *arguments))
    async with Client(StdioServerParameters(command=sys.executable, args=words)) as client:
        yield client


def text_of(result: Any) -> str:  # noqa: ANN401 - the client's union
    assert isinstance(result, CallToolResult)
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert result.structured_content is None
    return content.text


async def answer(client: Client, tool: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return json.loads(text_of(result))


async def test_every_tool_is_read_only_and_described_and_a_log_that_appears_is_read_again(
    tmp_path: Path,
) -> None:
    log = tmp_path / "calls.jsonl"
    async with connected(log) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        result = await client.call_tool("stats", {})
        assert result.is_error
        assert "calls.jsonl" in text_of(result)
        for calls in (1, 2):
            with log.open("a") as file:
                file.write(json.dumps(CALL) + "\n")
            assert (await answer(client, "stats"))["calls"] == calls
        await errors_are_one_line(client)
        assert (await answer(client, "stats"))["calls"] == calls, "the next question is answered"
    assert set(tools) == {"stats", "find", "trace", "diff", "slow", "alerts", "sql"}
    for tool in tools.values():
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
        assert tool.description
        assert tool.input_schema["additionalProperties"] is False
    limit = tools["find"].input_schema["properties"]["limit"]
    assert (limit["default"], limit["description"]) == (20, "maximum rows, 200 at most")


async def test_the_answers_are_those_of_the_commands(llmlog: Run, sample: Path) -> None:
    async with connected(sample) as client:
        stats = await answer(client, "stats", by="provider")
        alerts = await answer(client, "alerts")
        diff = await answer(client, "diff", a="cd613e30", b="failed")
        slow = await answer(client, "slow", over_ms=3000, limit=5)
        trace = await answer(client, "trace", id="failed")
        found = await answer(client, "find", id="req_683115a8")
        rows = await answer(client, "sql", query="select model, count(*) from calls group by 1")
    assert stats == json.loads(llmlog("stats", sample, "--json", "--by", "provider").out)
    assert alerts == json.loads(llmlog("alerts", sample, "--json").out)
    assert diff == json.loads(llmlog("diff", "cd613e30", "failed", sample, "--json").out)
    assert slow["calls"] == known(llmlog("slow", sample, "--over", "3000", "--json").out)[:5]
    total = len(known(llmlog("slow", sample, "--over", "3000", "--json").out))
    assert slow["cut"] == [f"calls: the first 5 of {total}"]
    assert trace["steps"] == known(llmlog("trace", "failed", sample, "--json").out)
    (record,) = known(llmlog("find", "req_683115a8", sample, "--json").out)
    assert record == {**found["records"][0], "format": "llmlog"}
    assert {"model": None, "count(*)": 14} in rows["rows"]


def known(lines: str) -> list[dict[str, Any]]:
    """Return the objects of JSON lines without their null fields and their tags."""
    objects = map(json.loads, lines.splitlines())
    return [
        {
            name: value
            for name, value in each.items()
            if value is not None and not name.startswith("extra.")
        }
        for each in objects
    ]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("find", {"id": "nothing"}, "no id, request_id, trace_id, session_id, span_id or tool_call_id"),
    ("find", {}, "Field required"),
    ("trace", {"id": "trace-1", "limit": "many"}, "valid integer"),
    ("diff", {"a": "latest", "b": "nothing"}, "no trace_id"),
    ("stats", {"where": "latency > 1"}, "no column latency"),
    ("sql", {"query": "drop table calls"}, "the query"),
    ("sql", {"query": "select * from read_csv('/etc/passwd')"}, "only the log is read"),
    ("forget", {}, "Unknown tool"),
    ("slow", {"over": 5}, "slow: over: Extra inputs are not permitted; its arguments are over_ms"),
    ("slow", {"over_ms": "x"}, "slow: over_ms: Input should be a valid number"),
    ("slow", {"over_ms": None}, "slow: over_ms: Input should be a valid number"),
    ("trace", {"trace_id": "latest"}, "trace_id: Extra inputs are not permitted; its arguments"),
    ("find", {}, "find: id: Field required; its arguments are id, limit"),
    ("find", {"id": 5}, "id: Input should be a valid string"),
]


async def errors_are_one_line(client: Client) -> None:
    for tool, arguments, message in REFUSED:
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert message in text_of(result)
        assert "\n" not in text_of(result)


async def test_content_is_answered_only_by_option_and_redacted(written: Written) -> None:
    log = written([SAID])
    questions: list[tuple[str, dict[str, object]]] = [
        ("trace", {}),
        ("find", {"id": "req_000001"}),
        ("slow", {}),
        ("sql", {"query": "select * from records"}),
    ]
    async with connected(log) as client:
        for tool, arguments in questions:
            text = text_of(await client.call_tool(tool, arguments))
            assert "trace-1" in text
            assert not any(word in text for word in ("my key", "bad key", "use it", "example.com"))
    async with connected(log, "--content") as client:
        for tool, arguments in questions:
            text = text_of(await client.call_tool(tool, arguments))
            assert "bad key [redacted:" in text
            assert SECRET not in text
            assert "example.com" not in text
        (step,) = (await answer(client, "trace"))["steps"]
    assert step["output"] == SAID["output"]
    assert step["input"][0]["content"].startswith("my key is [redacted:")
    assert step["extra"] == {"tier": "free"}


@pytest.mark.parametrize("is_too_big", [False, True])
def test_the_answers_over_an_archive_are_those_over_its_log(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_too_big: bool
) -> None:
    folder = tmp_path / "archive"
    with ArchiveWriter(folder, raw=True) as writer:
        writer.add(sample)
        writer.commit()
    of_file = answers_over(sample)
    if is_too_big:
        monkeypatch.setattr(archive_part, "BIG", 100)
        monkeypatch.setattr(agent_log, "BIG_WINDOW", Retention(records=200))
    of_archive = answers_over(folder)
    if is_too_big:
        assert {question: found.pop("over", "") for question, found in of_archive.items()} == {
            question: "the newest 200 of 965 records" if is_over_window(question) else ""
            for question in QUESTIONS
        }
        for question in filter(is_over_window, QUESTIONS):
            del of_file[question], of_archive[question]
    assert of_archive == of_file


def test_an_answer_has_a_maximum_size_and_names_what_was_cut(written: Written) -> None:
    long = {**CALL, "input": "word " * 2_000, "error_message": "w" * 3_000, "status": "error"}
    log = written([{**long, "step": step, "request_id": f"req_{step}"} for step in range(500)])
    tools = AgentTools([str(log)], DEFAULT, content=True)
    for text in (
        tools.trace(limit=10_000),
        tools.find("trace-1"),
        tools.sql("select * from calls", 300),
    ):
        assert len(text) <= MAX_CHARACTERS
        rows, texts = json.loads(text)["cut"]
        assert rows.endswith(" of 500")
        assert texts.endswith(" shortened to 100 characters")
    many = json.loads(tools.sql("select step from calls", 10_000))
    assert [row["step"] for row in many["rows"]] == [*range(MAX_ROWS)]
    assert many["cut"] == ["rows: the first 200 of 500"]
    few = json.loads(tools.sql("select request_id, error_message from calls", 1))
    assert few["rows"][0]["error_message"] == "w" * 2_000 + "… (+1,000 characters)"
    tools.close()


def test_a_name_as_long_as_the_answer_leaves_the_rows_out(written: Written) -> None:
    tools = AgentTools([str(written([CALL]))], DEFAULT, content=False)
    columns = ", ".join(f"step as s{'x' * 60}{n}" for n in range(400))
    text = tools.sql(f"select {columns} from calls")  # noqa: S608 - a query is the point
    assert json.loads(text) == {"rows": [], "cut": ["rows: the first 0 of 1"]}
    tools.close()


def test_a_query_without_end_is_cancelled(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.commands.agent_tools.QUERY_S", 0.5)
    tools = AgentTools([str(written([CALL] * 3_000))], DEFAULT, content=False)
    joins = " ".join(f"cross join calls c{n}" for n in range(6))
    with pytest.raises(ToolFault, match=r"over 0\.5 s, and was cancelled"):
        tools.sql(f"select count(*) from calls {joins}")  # noqa: S608 - as above
    tools.close()


def test_standard_input_is_no_log_here(llmlog: Run) -> None:
    assert is_refused(llmlog("mcp", "-"), "- is no LOG here")


def test_the_server_ends_with_its_input(process: Run, sample: Path) -> None:
    done = process("mcp", sample, input="")
    assert done == (0, "", "")


async def test_ctrl_c_ends_the_server(sample: Path) -> None:
    words = map(str, command("headless", "mcp", sample))
    server = await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
    assert b'"id":1' in await server.stdout.readline()  # it runs
    server.send_signal(signal.SIGINT)
    assert await server.wait() == 130


def test_a_missing_extra_is_named() -> None:
    done = base_install("headless", {"mcp"}, "mcp", "calls.jsonl")
    assert is_refused(done, "llmlog mcp needs mcp: pip install 'llmlog[mcp]'")
