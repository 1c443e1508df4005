"""Codex's rollouts: both ways in which they count tokens, tools, forks and subagents."""

from __future__ import annotations

from typing import Any

import pytest
from tests.formats.converting import by, records, values, within

from llmlog_tui.formats import Item
from llmlog_tui.formats.codex import CODEX, CODEX_EXEC
from llmlog_tui.formats.shared_state import LOADING

OWN = "0198b5aa-2000-7000-8000-000000000001"
PARENT = "0198b5aa-1000-7000-8000-000000000009"
TURN = "0198b5aa-2001-7000-8000-000000000002"
OLD_TURN = "0198b5aa-1001-7000-8000-000000000003"


def line(kind: str, seconds: float, **payload: Any) -> Item:  # noqa: ANN401 - any JSON
    at = f"2026-11-20T10:00:{seconds:06.3f}Z"
    return {"timestamp": at, "type": kind, "payload": payload}


def event(kind: str, seconds: float, **payload: Any) -> Item:  # noqa: ANN401
    return line("event_msg", seconds, type=kind, **payload)


def item(kind: str, seconds: float, **payload: Any) -> Item:  # noqa: ANN401
    return line("response_item", seconds, type=kind, **payload)


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {
        "input_tokens": prompt,
        "cached_input_tokens": 500,
        "output_tokens": completion,
        "reasoning_output_tokens": 10,
        "total_tokens": prompt + completion,
    }


def count(seconds: float, total: dict[str, int], last: dict[str, int] | None = None) -> Item:
    info = {"total_token_usage": total} | ({} if last is None else {"last_token_usage": last})
    return event("token_count", seconds, info=info)


def counted(seconds: float, response_id: str, **fields: object) -> Item:
    used = {**usage(1_000, 50), "cache_write_input_tokens": 64}
    ids = {"thread_id": OWN, "turn_id": TURN, "response_id": response_id, **fields}
    return line("token_usage_record", seconds, usage=used, **ids)


def said(seconds: float, role: str, text: str = "…") -> Item:
    return item("message", seconds, role=role, content=[{"type": "output_text", "text": text}])


META = line("session_meta", 0, id=OWN, model_provider="openai")
STARTED = event("task_started", 0.1, turn_id=TURN, trace_id="ab" * 16)
CONTEXT = line("turn_context", 0.1, turn_id=TURN, model="gpt-5-codex", effort="high")
NEW = [
    META,
    STARTED,
    CONTEXT,
    said(0.2, "user"),
    item("reasoning", 1.2, summary=[]),
    item("function_call", 1.5, name="exec_command", call_id="c1", arguments='{"cmd":"ls"}'),
    counted(1.5, "resp_1", turn_token_usage=usage(9_999, 9)),
    event(
        "item_completed",
        4,
        item={"id": "c1", "exit_code": 2, "duration": {"secs": 2, "nanos": 250_000_000}},
    ),
    item("function_call_output", 4, call_id="c1", output="Exit code: 2"),
    count(4, usage(1_000, 50), usage(1_000, 50)),
    said(5.5, "assistant", "Done."),
    counted(5.5, "resp_2"),
]
OLD = [
    line("session_meta", 0, id=OWN, model_provider="openai"),
    event("token_count", 0.1, info=None, rate_limits={"primary": {"used_percent": 3.0}}),
    line("turn_context", 0.2, model="gpt-5-codex"),
    said(0.2, "user"),
    item("custom_tool_call", 2.2, name="apply_patch", call_id="c1", input="*** Begin Patch"),
    item("custom_tool_call_output", 3, call_id="c1", output='{"metadata":{"exit_code":0}}'),
    count(3.1, usage(1_000, 50), usage(1_000, 50)),
    count(3.2, usage(1_000, 50), usage(1_000, 50)),
    said(5, "assistant"),
    count(5.1, usage(2_200, 80)),
]


def test_a_call_ends_where_its_tokens_are_recorded() -> None:
    found = by("id", (each for each in records(CODEX, *NEW) if each["event"] != "tool_call"))
    within(
        found["resp_1"],
        ts="2026-11-20T10:00:00.200000Z",
        latency_ms=1_300,
        ttft_ms=1_000,
        timing="derived",
        session_id=OWN,
        trace_id=TURN,
        step=0,
        model="gpt-5-codex",
        provider="api.openai.com",
        reasoning_effort="high",
        prompt_tokens=1_000,
        cached_tokens=500,
        cache_write_tokens=64,
        completion_tokens=50,
        reasoning_tokens=10,
        total_tokens=1_050,
        tool_calls=["exec_command"],
        finish_reason="tool_calls",
        extra={"otel_trace_id": "ab" * 16},
    )
    within(found["resp_2"], step=2, latency_ms=1_500, finish_reason="stop")
    assert len(found) == 2


def test_a_tool_has_the_time_and_the_exit_code_that_were_measured() -> None:
    (tool,) = (each for each in records(CODEX, *NEW) if each["event"] == "tool_call")
    within(tool, tool_name="exec_command", tool_call_id="c1", latency_ms=2_250, status="error")
    within(tool, step=1, parent_span_id=by("id", records(CODEX, *NEW))["resp_1"]["span_id"])
    assert "timing" not in tool


def test_without_token_records_the_token_counts_count_each_once() -> None:
    found = records(CODEX, *OLD)
    calls = [each for each in found if each["event"] == "chat_completion"]
    assert values(calls, "prompt_tokens", "completion_tokens") == [(1_000, 50), (1_200, 30)]
    assert values(calls, "latency_ms", "step") == [(2_000, 0), (2_000, 2)]
    (tool,) = (each for each in found if each["event"] == "tool_call")
    within(tool, status="ok", latency_ms=800, timing="derived", trace_id=f"{OWN}/2")


def test_totals_that_begin_again_after_a_compaction_are_taken_as_they_are() -> None:
    found = records(CODEX, *OLD, said(6, "user"), said(7, "assistant"), count(7, usage(600, 20)))
    within(found[-1], prompt_tokens=600, completion_tokens=20, latency_ms=1_000)


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("Wall time: 1 seconds\nProcess exited with code 1\nOutput:\n", "error"),
        ("Wall time: 1 seconds\nProcess exited with code 0\nOutput:\nExit code: 3", "ok"),
        ("Process exited with code 0\n", "ok"),
        ('{"metadata":{"exit_code":7}}', "error"),
        ({"success": False, "content": "no"}, "error"),
        ({"success": True}, "ok"),
        ([{"type": "input_text", "text": "x"}], "ok"),
    ],
)
def test_a_tool_failed_if_its_output_says_so(output: object, status: str) -> None:
    end = item("function_call_output", 4, call_id="c1", output=output)
    (tool,) = (each for each in records(CODEX, *NEW[:7], end) if each["event"] == "tool_call")
    within(tool, status=status)


def test_an_aborted_call_is_left_out_and_its_step_is_the_next_ones() -> None:
    aborted = [*NEW[:5], event("turn_aborted", 2, reason="interrupted")]
    found = records(CODEX, *aborted, said(3, "user"), said(4, "assistant"), counted(4, "resp_9"))
    assert values(found, "id", "step", "latency_ms") == [("resp_9", 0, 1_000)]


def test_an_error_is_a_failed_call_and_what_was_tried_before_its_retries() -> None:
    info = {"response_stream_disconnected": {"http_status_code": 502}}
    failed = [
        event("stream_error", 2, message="Reconnecting... 1/5"),
        event("stream_error", 3, message="Reconnecting... 2/5"),
        event("error", 4.2, message="stream disconnected\nmore", codex_error_info=info),
    ]
    (record,) = records(CODEX, *NEW[:4], *failed)
    within(
        record,
        status="error",
        error_type="response_stream_disconnected",
        error_status=502,
        retries=2,
        latency_ms=4_000,
    )
    assert CODEX.content(failed[-1], record) == {"error_message": "stream disconnected"}


def test_what_a_fork_copied_from_its_parent_is_not_counted_again() -> None:
    copied = [
        line("session_meta", 0, id=PARENT, model_provider="openai"),
        event("task_started", 0, turn_id=OLD_TURN),
        said(0, "user"),
        item("function_call", 0, name="exec_command", call_id="c0", arguments="{}"),
        counted(0, "resp_0", thread_id=PARENT, turn_id=OLD_TURN),
        item("function_call_output", 0, call_id="c0", output="ok"),
    ]
    found = records(CODEX, NEW[0], *copied, *NEW[1:])
    assert values(found, "id", "tool_call_id", "step") == [
        ("resp_1", None, 0),
        (None, "c1", 1),
        ("resp_2", None, 2),
    ]
    assert set(values(found, "session_id")) == {OWN}


def test_two_token_counts_in_the_first_second_of_a_subagent_are_its_parents() -> None:
    meta = line(
        "session_meta",
        0,
        id=OWN,
        source={"subagent": {"thread_spawn": {"parent_thread_id": PARENT}}},
    )
    copied = [
        said(0, "assistant"),
        count(0, usage(900, 5), usage(900, 5)),
        said(0, "assistant"),
        count(0.9, usage(1_900, 9), usage(1_000, 4)),
    ]
    own = [said(2, "user"), said(3, "assistant"), count(3, usage(2_600, 19), usage(700, 10))]
    found = records(CODEX, meta, *copied, *own)
    assert values(found, "prompt_tokens", "step") == [(700, 0)]
    fresh = records(CODEX, meta, said(0, "user"), *copied[:2], *own)
    assert values(fresh, "prompt_tokens") == [900, 700]


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_subagent_is_a_child_of_the_call_that_spawned_it(parent_first: bool) -> None:  # noqa: FBT001
    spawn = [
        line("session_meta", 0, id=PARENT),
        item("function_call", 1, name="spawn_agent", call_id="spawn", arguments="{}"),
        item("function_call_output", 2, call_id="spawn", output=f'{{"agent_id":"{OWN}"}}'),
    ]
    agent = [
        line("session_meta", 0, id=OWN, source={"subagent": "review"}),
        said(1, "user"),
        said(2, "assistant"),
        counted(2, "resp_1"),
    ]
    log: dict[str, Any] = {LOADING: True}
    files = [spawn, agent] if parent_first else [agent, spawn]
    converters = [CODEX.converter(log) for _ in files]
    found = []
    for converter, items in zip(converters, files, strict=True):
        for number, each in enumerate(items):
            found += converter.feed(number, each)
        found += converter.flush()
    del log[LOADING]
    for converter in converters:
        found += converter.flush()
    within(by("id", (each.record for each in found))["resp_1"], parent_span_id="spawn")


def test_the_same_rollout_in_two_folders_counts_once() -> None:
    log: dict[str, Any] = {}
    assert len(records(CODEX, *NEW, log=log)) == 3
    assert records(CODEX, *NEW, log=log) == []


def test_rollouts_without_their_first_line_are_no_copies_of_each_other() -> None:
    log: dict[str, Any] = {}
    assert [len(records(CODEX, *OLD[2:], log=log)) for _ in range(2)] == [3, 3]


def test_content_is_read_back_from_the_line() -> None:
    converter = CODEX.converter({})
    found = [each for number, read in enumerate(NEW) for each in converter.feed(number, read)]
    contents = [CODEX.content(NEW[each.line], each.record) for each in found]
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "exec_command", "arguments": {"cmd": "ls"}},
    }
    assert contents == [
        {"output": {"role": "assistant", "content": None, "tool_calls": [call]}},
        {"output": "Exit code: 2"},
        {"output": {"role": "assistant", "content": "Done."}},
    ]


def test_rollouts_are_known_and_what_exec_prints_is_refused() -> None:
    printed: list[Item] = [
        {"type": "thread.started", "thread_id": "x"},
        {"type": "turn.completed", "usage": {"input_tokens": 9}},
    ]
    assert CODEX.detect(NEW[:1])
    assert not CODEX.detect(printed)
    assert CODEX_EXEC.detect(printed[:1])
    assert CODEX_EXEC.detect(printed[1:])
    assert not CODEX_EXEC.detect(NEW)
    assert not CODEX_EXEC.calls
    assert "rollout" in CODEX_EXEC.hint
