"""Names of runs, and the runs of one name compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from llmlog_tui.analysis.calls.cost import priced
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.run_names import compared_runs, first_calls, first_words, run_name
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.log.store import Snapshot

Log = Callable[[Iterable[dict[str, Any]]], Snapshot]
TOOL = {"event": "tool_call", "tool_name": "search"}
USER = {"role": "user", "content": "Hi  you\n"}
SPAN = {"event": "span", "name": "plan"}


def names(log: Log, *records: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    frame = priced(with_changed(log(records).frame))
    return traces(frame).select("trace_name", "name").rows()


def test_a_run_has_the_name_that_it_was_given(log: Log) -> None:
    given = {"trace_id": "a", "trace_name": "refund-agent"}
    assert names(log, {"trace_id": "a"}, given, {**given, **TOOL}) == [("refund-agent", "search")]


def test_else_its_root_span_names_it_before_its_first_tool(log: Log) -> None:
    a, b, c = ({"trace_id": name} for name in "abc")
    inner = {**a, **SPAN, "name": "inner", "parent_span_id": "s"}
    found = names(log, {**a, **TOOL}, inner, {**a, **SPAN}, {**b, **TOOL}, c)
    assert found == [(None, "plan"), (None, "search"), (None, None)]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"input": [{"role": "system", "content": "s"}, USER]}, "Hi you"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}, "Hello"),
        ({"input": [{"role": "user", "content": "word " * 40}]}, "word " * 11 + "word…"),
        ({"input": [{"role": "assistant", "content": "Hi"}]}, None),
        ({"input": None}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_words_of_the_user_begin_the_first_message(
    record: dict[str, Any], words: str | None
) -> None:
    assert first_words({"event": "chat_completion", **record}) == words


def test_a_given_name_comes_before_words_and_words_before_a_tool() -> None:
    trace = {"trace_id": "a", "trace_name": "agent", "name": "search"}
    assert run_name(trace, {"a": "Hi"}) == "agent"
    assert run_name({**trace, "trace_name": None}, {"a": "Hi"}) == "Hi"
    assert run_name({**trace, "trace_name": None}, {"a": None}) == "search"


def test_the_first_call_of_a_run_is_no_tool(log: Log) -> None:
    records = (
        {"trace_id": "a", **TOOL},
        {"trace_id": "a", "step": 1},
        {"trace_id": "a", "step": 2},
    )
    assert first_calls(log(records).frame, ["a"])["step"].to_list() == [1]


def test_runs_of_one_name_are_compared_by_their_medians(log: Log) -> None:
    call = {"trace_name": "agent", "latency_ms": 100, "ts": 1_780_000_000}
    runs = [{**call, "trace_id": "a"}, {**call, "trace_id": "b"}, {**call, "trace_id": "b"}]
    runs += [{**call, "trace_id": "c", "latency_ms": 400, "status": "error"}]
    runs += [{"trace_id": "d"}]
    found = compared_runs(traces(priced(with_changed(log(runs).frame))), "trace_name").to_dicts()
    assert [each["name"] for each in found] == ["agent", None]
    assert [each["runs"] for each in found] == [3, 1]
    # steps 1, 2, 1; times 100, 100 and 400 ms
    assert (found[0]["failed"], found[0]["p50_steps"], found[0]["p50_time_ms"]) == (1, 1, 100)
    assert found[0]["p95_time_ms"] == pytest.approx(370)
