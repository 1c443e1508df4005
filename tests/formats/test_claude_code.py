"""Claude Code's sessions: calls of many lines, tools, subagents, forks, growing files."""

from __future__ import annotations

import itertools
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.formats.converting import by, records, records_of_files, values, within
from tests.formats.wrappers import WRAPPERS

from llmlog_tui.formats import Item
from llmlog_tui.formats.claude_code import CLAUDE_CODE
from llmlog_tui.formats.json_text import dump
from llmlog_tui.formats.shared_state import LIVE
from llmlog_tui.log.load import read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.schema import decategorize

A, B = "session-a", "session-b"


def at(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"2026-11-20T10:{int(minutes):02d}:{rest:06.3f}Z"


def line(kind: str, uuid: str, seconds: float, **fields: Any) -> Item:  # noqa: ANN401 - any JSON
    head = {"type": kind, "uuid": uuid, "timestamp": at(seconds), "sessionId": A}
    return {**head, "isSidechain": False, **fields}


def prompt(uuid: str, seconds: float, text: str = "go on", **fields: Any) -> Item:  # noqa: ANN401
    return line("user", uuid, seconds, message={"role": "user", "content": text}, **fields)


def answer(
    uuid: str,
    seconds: float,
    message_id: str,
    *blocks: Item,
    stop: str | None = None,
    output: int = 2,
    **fields: Any,  # noqa: ANN401
) -> Item:
    message = {
        "id": message_id,
        "role": "assistant",
        "model": "claude-opus-4-1",
        "content": list(blocks) or [{"type": "text", "text": "hm"}],
        "stop_reason": stop,
        "usage": {
            "input_tokens": 5,
            "cache_read_input_tokens": 1_000,
            "cache_creation_input_tokens": 200,
            "output_tokens": output,
            "service_tier": "standard",
        },
    }
    return line("assistant", uuid, seconds, message=message, **fields)


def use(call_id: str, name: str, **arguments: object) -> Item:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(uuid: str, seconds: float, call_id: str, told: object = None, **fields: Any) -> Item:  # noqa: ANN401
    is_error = {"is_error": True} if fields.pop("failed", False) else {}
    content = fields.pop("content", "done")
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, **is_error}
    message = {"role": "user", "content": [block]}
    return line("user", uuid, seconds, message=message, toolUseResult=told, **fields)


def side(item: Item, agent: str | None = "a1") -> Item:
    return {**item, "isSidechain": True, **({} if agent is None else {"agentId": agent})}


TURN = [
    prompt("u1", 0),
    answer("u2", 2, "m1", {"type": "thinking", "thinking": "…"}),
    answer("u3", 3, "m1", use("t1", "Read")),
    answer("u4", 3.5, "m1", use("t2", "Bash"), stop="tool_use", output=90, requestId="req-1"),
    result("u5", 4, "t1"),
    result("u6", 9, "t2", failed=True),
    answer("u7", 11, "m2", stop="end_turn", output=40),
]


def test_all_lines_with_one_message_id_are_one_call() -> None:
    first, *_ = values(records(CLAUDE_CODE, *TURN), "id")
    call = by("span_id", records(CLAUDE_CODE, *TURN))["m1"]
    assert first == "m1"
    within(
        call,
        event="chat_completion",
        ts="2026-11-20T10:00:00.000000Z",
        latency_ms=3_500,
        ttft_ms=2_000,
        timing="derived",
        tool_calls=["Read", "Bash"],
        tool_args_ok=True,
        finish_reason="tool_calls",
        request_id="req-1",
        provider="api.anthropic.com",
        stream=True,
    )


def test_the_line_with_the_most_output_counts_and_the_prompt_has_all_it_read() -> None:
    call = by("span_id", records(CLAUDE_CODE, *TURN))["m1"]
    within(
        call,
        prompt_tokens=1_205,
        cached_tokens=1_000,
        cache_write_tokens=200,
        completion_tokens=90,
        total_tokens=1_295,
        service_tier="standard",
    )
    assert "reasoning_tokens" not in call


def test_tools_run_from_their_call_to_their_result_and_steps_count_by_their_begin() -> None:
    found = by("span_id", records(CLAUDE_CODE, *TURN))
    within(found["t1"], tool_name="Read", latency_ms=1_000, status="ok", parent_span_id="m1")
    within(found["t2"], tool_name="Bash", latency_ms=5_500, status="error", timing="derived")
    assert {span: record["step"] for span, record in found.items()} == {
        "m1": 0,
        "t1": 1,
        "t2": 2,
        "m2": 3,
    }
    assert {record["trace_id"] for record in found.values()} == {"u1"}


def test_a_tool_that_measured_itself_is_not_timed_from_lines() -> None:
    turn = [*TURN[:4], result("u5", 20, "t1", told={"durationMs": 12})]
    tool = by("span_id", records(CLAUDE_CODE, *turn))["t1"]
    within(tool, latency_ms=12)
    assert "timing" not in tool


def test_a_tool_without_a_result_is_left_out() -> None:
    assert values(records(CLAUDE_CODE, *TURN[:4]), "span_id") == ["m1"]


def test_a_result_written_while_the_answer_is_does_not_end_the_call() -> None:
    items = [*TURN[:3], result("u5", 3.2, "t1"), *TURN[3:4], *TURN[5:]]
    found = by("span_id", records(CLAUDE_CODE, *items))
    within(found["m1"], tool_calls=["Read", "Bash"], completion_tokens=90)
    within(found["t1"], latency_ms=200)


def test_a_call_is_found_once_a_later_line_shows_that_it_ended() -> None:
    converter = CLAUDE_CODE.converter({})
    counts = [len(list(converter.feed(number, item))) for number, item in enumerate(TURN)]
    assert counts == [0, 0, 0, 0, 2, 1, 0]
    assert [len(converter.flush()), len(converter.flush())] == [1, 0]


def test_a_file_still_written_to_keeps_the_call_that_has_not_stopped() -> None:
    log: dict[str, Any] = {LIVE: True}
    converter = CLAUDE_CODE.converter(log)
    for number, item in enumerate(TURN[:3]):
        assert list(converter.feed(number, item)) == []
    assert list(converter.flush()) == []
    converter.feed(3, TURN[3])
    (found,) = converter.flush()
    within(found.record, completion_tokens=90, tool_calls=["Read", "Bash"])


def test_a_session_that_was_killed_ends_its_last_call() -> None:
    (call,) = records(CLAUDE_CODE, *TURN[:3])
    within(call, tool_calls=["Read"], completion_tokens=2)
    assert "finish_reason" not in call


def test_retries_belong_to_the_next_call() -> None:
    attempts = [line("system", f"s{n}", 1 + n, subtype="api_error", retryAttempt=n) for n in (1, 2)]
    items = [prompt("u1", 0), *attempts, answer("u2", 5, "m1", stop="end_turn"), *TURN[4:]]
    within(by("id", records(CLAUDE_CODE, *items))["m1"], retries=2)


def test_a_call_that_failed_for_good_is_an_error_without_tokens() -> None:
    failed = answer("u2", 3, "x", isApiErrorMessage=True, error="rate_limit", apiErrorStatus=429)
    failed["message"]["model"] = "<synthetic>"
    (record,) = records(CLAUDE_CODE, prompt("u1", 0), failed)
    within(record, status="error", error_type="rate_limit", error_status=429, span_id="u2")
    assert not {"model", "id", "prompt_tokens", "latency_ms"} & record.keys()
    failed["message"]["content"] = [{"type": "text", "text": "Limit reached\nmore"}]
    assert CLAUDE_CODE.content(failed, record) == {"error_message": "Limit reached"}


def test_an_answer_made_up_because_none_was_asked_for_is_no_call() -> None:
    made_up = answer("u2", 3, "x", {"type": "text", "text": "No response requested."})
    made_up["message"]["model"] = "<synthetic>"
    assert records(CLAUDE_CODE, prompt("u1", 0), made_up) == []


@pytest.mark.parametrize(
    "other",
    [
        prompt("n", 12, isMeta=True),
        prompt("n", 12, isCompactSummary=True),
        prompt("n", 12, "<command-name>/clear</command-name>"),
        prompt("n", 12, "<local-command-stdout></local-command-stdout>"),
    ],
    ids=["note", "summary", "command", "output of a command"],
)
def test_only_a_prompt_begins_a_trace(other: Item) -> None:
    later = answer("u9", 15, "m3", stop="end_turn")
    found = by("span_id", records(CLAUDE_CODE, *TURN, other, later))
    within(found["m3"], trace_id="u1", step=4)
    found = by("span_id", records(CLAUDE_CODE, *TURN, prompt("u8", 12), later))
    within(found["m3"], trace_id="u8", step=0, latency_ms=3_000)


def test_the_wall_time_of_a_turn_is_a_span() -> None:
    turn = line("system", "u8", 11.2, subtype="turn_duration", durationMs=11_200)
    within(
        by("span_id", records(CLAUDE_CODE, *TURN, turn))["u8"],
        event="span",
        name="turn",
        trace_id="u1",
        ts="2026-11-20T10:00:00.000000Z",
        latency_ms=11_200,
    )


TASK = [
    prompt("u1", 0),
    answer("u2", 2, "m1", use("task", "Task", prompt="find it"), stop="tool_use"),
]
TASK_END = result(
    "u8", 9, "task", told={"agentId": "a1", "totalDurationMs": 6_000, "usage": {"input_tokens": 9}}
)
AGENT = [
    side(prompt("s1", 3, "find it (reworded)")),
    side(answer("s2", 5, "n1", use("t9", "Grep"), stop="tool_use")),
    side(result("s3", 5.5, "t9")),
    side(answer("s4", 8, "n2", stop="end_turn")),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_a_subagent_is_a_child_of_the_tool_call_that_started_it(order: tuple[int, ...]) -> None:
    files = [[*TASK, TASK_END], AGENT]
    found = by("span_id", records_of_files(CLAUDE_CODE, [files[index] for index in order]))
    assert found.keys() == {"m1", "task", "n1", "t9", "n2"}
    within(found["n1"], trace_id=f"{A}/a1", parent_span_id="task", session_id=A, step=0)
    within(found["t9"], trace_id=f"{A}/a1", parent_span_id="n1", step=1)
    within(found["task"], trace_id="u1", latency_ms=6_000, parent_span_id="m1")


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        ("find it", None),
        (
            "find it (reworded)",
            line(
                "progress",
                "p1",
                2.5,
                data={"type": "agent_progress", "agentId": "a1"},
                parentToolUseID="task",
            ),
        ),
    ],
    ids=["by its prompt", "by its progress"],
)
def test_a_running_subagent_has_its_parent_before_it_ends(begin: str, told: Item | None) -> None:
    log: dict[str, Any] = {}
    records(CLAUDE_CODE, *TASK, *([] if told is None else [told]), log=log)
    found = records(CLAUDE_CODE, side(prompt("s1", 3, begin)), *AGENT[1:], log=log)
    within(by("span_id", found)["n1"], parent_span_id="task")


def test_an_agent_named_only_in_the_text_of_a_result_has_its_parent() -> None:
    end = result("u8", 9, "task", content=[{"type": "text", "text": "ok\nagentId: a1"}])
    found = by("span_id", records_of_files(CLAUDE_CODE, [AGENT, [*TASK, end]]))
    within(found["n2"], parent_span_id="task")


def test_unnamed_subagents_in_the_file_of_the_session_are_told_apart() -> None:
    def chain(root: str, parent: str | None, item: Item) -> Item:
        return side({**item, "parentUuid": parent, "uuid": root}, None)

    items = [
        *TASK,
        chain("r1", None, prompt("", 3)),
        chain("q1", None, prompt("", 3)),
        chain("r2", "r1", answer("", 5, "n1", stop="end_turn")),
        chain("q2", "q1", answer("", 6, "n2", stop="end_turn")),
        TASK_END,
    ]
    found = by("span_id", records(CLAUDE_CODE, *items))
    assert [found[span]["trace_id"] for span in ("n1", "n2")] == [f"{A}/r1", f"{A}/q1"]


def test_a_side_question_that_repeats_a_message_counts_for_the_session_alone() -> None:
    question = [
        side(prompt("s1", 1, "by the way"), "aside"),
        side(answer("s2", 3, "m1", stop="end_turn", requestId="other"), "aside"),
    ]
    found = records_of_files(CLAUDE_CODE, [question, TURN])
    within(by("span_id", found)["m1"], trace_id="u1", request_id="req-1")


def fork(items: list[Item]) -> list[Item]:
    return [{**item, "sessionId": B} for item in items]


FORK = [
    *fork(TURN[:3]),
    {**prompt("v1", 30), "sessionId": B},
    {**answer("v2", 33, "m9", stop="end_turn"), "sessionId": B},
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_lines_that_a_fork_copied_count_once_however_files_are_read(order: tuple[int, ...]) -> None:
    files = [TURN, FORK, AGENT]
    found = records_of_files(CLAUDE_CODE, [files[index] for index in order])
    keyed = by("span_id", found)
    within(keyed["m1"], session_id=A, completion_tokens=90, tool_calls=["Read", "Bash"])
    within(keyed["m9"], session_id=B, trace_id="v1", latency_ms=3_000)
    expected = records_of_files(CLAUDE_CODE, files)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_a_session_resumed_under_another_id_owns_what_it_copied_from_one_that_ended() -> None:
    resumed = [*fork(TURN), {**prompt("v1", 30), "sessionId": B}]
    found = records_of_files(CLAUDE_CODE, [TURN, resumed])
    assert set(values(found, "session_id")) == {B}
    assert len(by("span_id", found)) == 4


def test_a_fork_made_while_the_log_is_followed_counts_nothing_again() -> None:
    log: dict[str, Any] = {}
    records(CLAUDE_CODE, *TURN, log=log)
    assert values(records(CLAUDE_CODE, *FORK, log=log), "span_id") == ["m9"]


def test_a_resumed_session_that_repeats_lines_in_its_own_file_counts_nothing_again() -> None:
    found = records(CLAUDE_CODE, *TURN, *TURN[:4], prompt("u8", 20), answer("u9", 22, "m3"))
    keyed = by("span_id", found)
    within(keyed["m3"], trace_id="u8", latency_ms=2_000)
    assert keyed.keys() == {"m1", "t1", "t2", "m2", "m3"}


ANSWER = {
    "role": "assistant",
    "content": [{"type": "thinking", "thinking": "…"}],
    "tool_calls": [
        {"id": "t1", "type": "function", "function": {"name": "Read", "arguments": {}}},
        {"id": "t2", "type": "function", "function": {"name": "Bash", "arguments": {}}},
    ],
}


@pytest.mark.parametrize("wrapper", ["nothing", "docker, split", "a logger in docker"])
@pytest.mark.parametrize("block_bytes", [200, 2**20])
def test_a_call_shows_the_blocks_of_all_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrapper: str, block_bytes: int
) -> None:
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", block_bytes)
    monkeypatch.setattr("llmlog_tui.log.store._RANGE_BYTES", block_bytes)
    log = tmp_path / "session.jsonl"
    elsewhere = side(answer("x1", 3.2, "m9", stop="end_turn"))
    turn = [*TURN[:2], elsewhere, TURN[1], *TURN[2:]]
    wrap = WRAPPERS[wrapper]
    log.write_bytes(b"".join(b"\n".join(wrap(dump(item))) + b"\n" for item in turn))
    with closing(Reader([log])) as reader:
        frame = read_all(reader).frame
        call = decategorize(frame).filter(pl.col("id") == "m1")
        (line,) = reader.lines(call, LineForm.WITH_CONTENT)
    assert line is not None
    assert json.loads(line)["output"] == ANSWER


def test_content_is_read_back_from_the_line_and_never_in_a_record() -> None:
    converter = CLAUDE_CODE.converter({})
    found = {
        each.record["span_id"]: each
        for number, item in enumerate(TURN)
        for each in converter.feed(number, item)
    }
    call, tool = found["m1"], found["t2"]
    assert CLAUDE_CODE.spread_content(TURN[call.line :], call.record) == {"output": ANSWER}
    assert CLAUDE_CODE.spread_content(TURN[tool.line :], tool.record) == {"output": "done"}
    assert not any(
        {"input", "output", "error_message"} & each.record.keys() for each in found.values()
    )


def test_a_session_is_known_by_its_lines() -> None:
    assert CLAUDE_CODE.detect([{"type": "summary", "leafUuid": "x", "summary": "s"}])
    assert CLAUDE_CODE.detect([{"type": "file-history-snapshot", "messageId": "x"}, TURN[0]])
    assert not CLAUDE_CODE.detect([{"type": "user", "uuid": "x"}, {"sessionId": "s"}])
    assert not CLAUDE_CODE.detect([{**TURN[0], "event": "chat_completion"}])
