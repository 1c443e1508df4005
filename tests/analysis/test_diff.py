"""Two traces side by side: what belongs together, and where they part."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.traces.cache_misses import Hashes
from llmlog_tui.analysis.traces.diff import FieldDelta, TraceDiff, diff_traces

CHAT: Record = {"model": "m", "finish_reason": "stop"}


def tool(name: str, **fields: object) -> Record:
    return {"event": "tool_call", "tool_name": name, **fields}


def of(frame: Frame, a: list[Record], b: list[Record], hashes: Hashes | None = None) -> TraceDiff:
    records: list[dict[str, Any]] = [
        {"trace_id": trace, "step": step, **record}
        for trace, run in (("a", a), ("b", b))
        for step, record in enumerate(run)
    ]
    return diff_traces(frame(records), "a", "b", hashes or {})


def drawn(found: TraceDiff) -> list[tuple[int | None, int | None, str]]:
    return [
        (p.a.step if p.a else None, p.b.step if p.b else None, p.sentence()) for p in found.pairs
    ]


def test_two_runs_that_do_the_same_have_no_divergence(frame: Frame) -> None:
    run = [CHAT, tool("x"), CHAT]
    found = of(frame, run, run)
    assert found.first is None
    assert drawn(found) == [(0, 0, ""), (1, 1, ""), (2, 2, "")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"event": "response"}, "event"),
        ({"model": "n"}, "model"),
        ({"finish_reason": "length"}, "finish_reason"),
        ({"status": "error"}, "status"),
        ({"model": "n", "status": "error"}, "status"),
    ],
)
def test_calls_differ_by_the_first_of_what_matters(frame: Frame, change: Record, why: str) -> None:
    found = of(frame, [CHAT, CHAT, CHAT], [CHAT, {**CHAT, **change}, CHAT])
    assert (found.first, found.pairs[1].why) == (1, why)
    assert [pair.why for pair in found.pairs] == [None, why, None]


def test_another_tool_in_the_same_place_is_told_of_as_such(frame: Frame) -> None:
    found = of(frame, [CHAT, tool("x"), CHAT], [CHAT, tool("y"), CHAT])
    assert drawn(found) == [(0, 0, ""), (1, 1, "tool"), (2, 2, "")]


def test_steps_that_only_one_run_has_stand_alone(frame: Frame) -> None:
    found = of(frame, [CHAT, tool("x"), CHAT], [CHAT, tool("x"), tool("y"), tool("x"), CHAT, CHAT])
    assert drawn(found) == [
        (0, 0, ""), (1, 1, ""), (None, 2, "only in B"), (None, 3, "only in B"), (2, 4, ""),
        (None, 5, "only in B"),
    ]  # fmt: skip
    assert found.first == 2


def test_what_b_lacks_is_only_in_a(frame: Frame) -> None:
    assert drawn(of(frame, [CHAT, tool("x"), CHAT], [CHAT, CHAT])) == [
        (0, 0, ""), (1, None, "only in A"), (2, 1, ""),
    ]  # fmt: skip


def test_prompts_that_differ_are_told_of_once(frame: Frame) -> None:
    hashes = {0: "ab", 1: "abc", 2: "abcd", 3: "ab", 4: "abx", 5: "abxy"}
    found = of(frame, [CHAT] * 3, [CHAT] * 3, hashes)
    assert drawn(found) == [(0, 0, ""), (1, 1, "prompts differ from message 2 on"), (2, 2, "")]
    assert (found.pairs[1].why, found.pairs[1].message) == ("prefix_hashes", 2)


def test_a_prompt_that_is_longer_in_one_run_differs_from_where_the_other_ends(
    frame: Frame,
) -> None:
    assert of(frame, [CHAT], [CHAT], {0: "ab", 1: "abc"}).pairs[0].message == 2


def test_what_a_call_did_comes_before_what_it_was_asked(frame: Frame) -> None:
    found = of(frame, [CHAT], [{**CHAT, "model": "n"}], {0: "a", 1: "b"})
    assert found.pairs[0].why == "model"


def test_deltas_are_b_less_a(frame: Frame) -> None:
    a = {"latency_ms": 1_000, "prompt_tokens": 10, "completion_tokens": 5}
    b = {"latency_ms": 250, "prompt_tokens": 30, "status": "error"}
    found = of(frame, [a], [b, b])
    assert found.delta == FieldDelta(1, -500, 2, 50, None, None, None)


def test_long_runs_are_aligned_by_position_where_they_part(frame: Frame) -> None:
    long = [tool(f"x{n % 3}") for n in range(1_200)]
    found = of(frame, [CHAT, *long], [CHAT, CHAT, *long])
    assert found.first == 1
    assert len(found.pairs) == 1_202


def test_long_runs_that_begin_alike_are_aligned_step_by_step(frame: Frame) -> None:
    run = [tool(f"x{n % 3}") for n in range(3_000)]
    assert of(frame, run, [*run, CHAT]).first == 3_000
