"""Planted in runs: where one leaves the way of another, and the calls of a slow server."""

from __future__ import annotations

import polars as pl
import pytest
from tests.analysis.planted import Row, Traffic, frame, from_call, quiet, seeded

from llmlog_tui.analysis.calls.calls import baselines
from llmlog_tui.analysis.calls.slow_reason import slow_reason
from llmlog_tui.analysis.traces.diff import diff_traces
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.log.store import FRAME_SCHEMA

STEADY = Traffic(models=1, truncated=0, failed=0, retried=0, fingerprints=1)
STEPS = 8


def run(seed: int, trace_id: str) -> list[Row]:
    """A run of chat calls with a tool after every other one; times are its own, the way is not."""
    rows = quiet(seeded(seed), STEPS, STEADY)
    for step, row in enumerate(rows):
        row.update(trace_id=trace_id, step=step, finish_reason="stop", max_tokens=None)
        if step % 2:
            row.update(event="tool_call", tool_name=f"tool_{step}", model=None)
    return rows


def parted(a: list[Row], b: list[Row]) -> tuple[int | None, str | None]:
    """Where two runs part, and in what."""
    rows = [{**row, "row": number} for number, row in enumerate([*a, *b])]
    records = pl.DataFrame(rows, schema=FRAME_SCHEMA)
    found = diff_traces(with_changed(records), a[0]["trace_id"], b[0]["trace_id"], {})
    return found.first, None if found.first is None else found.pairs[found.first].why


@pytest.mark.parametrize("seed", range(3))
def test_runs_that_go_the_same_way_do_not_part(seed: int) -> None:
    assert parted(run(seed, "a"), run(seed + 100, "b")) == (None, None)


@pytest.mark.parametrize("step", range(0, STEPS, 2))
@pytest.mark.parametrize(
    ("planted", "why"),
    [
        ({"finish_reason": "length"}, "finish_reason"),
        ({"model": "m-other"}, "model"),
        ({"status": "error"}, "status"),
    ],
)
def test_runs_part_at_the_planted_call(step: int, planted: Row, why: str) -> None:
    other = run(7, "b")
    other[step].update(planted)
    assert parted(run(3, "a"), other) == (step, why)


@pytest.mark.parametrize("step", range(1, STEPS, 2))
def test_runs_part_at_the_planted_tool(step: int) -> None:
    other = run(7, "b")
    other[step]["tool_name"] = "another"
    assert parted(run(3, "a"), other) == (step, "tool")


@pytest.mark.parametrize("step", range(1, STEPS))
def test_runs_part_at_the_step_that_one_of_them_leaves_out(step: int) -> None:
    other = run(7, "b")
    del other[step]
    first, why = parted(run(3, "a"), other)
    assert (first, why) == (step, "only in A")


@pytest.mark.parametrize("seed", range(3))
def test_the_calls_of_a_slow_server_are_named_and_no_others(seed: int) -> None:
    def slowed(row: Row, _: object) -> None:
        row["latency_ms"] += 6_000
        row["server_ms"] += 6_000

    rows = quiet(seeded(seed), 400, STEADY)
    for row in rows:
        row["server_ms"] = row["latency_ms"] * 0.3
    calls = frame(from_call(rows, 200, 230, slowed))
    known = baselines(calls)
    whys = [slow_reason(call, known[call["model"]], 500) for call in calls.iter_rows(named=True)]
    blamed = [place for place, why in enumerate(whys) if why.startswith("server ")]
    assert blamed == list(range(200, 230))
