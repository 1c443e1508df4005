"""Traces by session, and the rows of a tree of them."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.traces.in_flight import InFlight, StartedRun
from llmlog_tui.analysis.traces.sessions import Sessions, sessions
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.log.starts import RunningStep


def at(second: float, session: str | None, trace: str, **fields: object) -> Record:
    ts = f"2026-11-23T09:00:{second:06.3f}Z"
    return {"ts": ts, "session_id": session, "trace_id": trace, **fields}


def of(frame: Frame, *records: Record) -> Sessions:
    return sessions(traces(frame(records)))


def figures(found: Sessions) -> list[dict[str, Any]]:
    return found.frame.to_dicts()


@pytest.fixture
def mixed(frame: Frame) -> Sessions:
    """Traces 0 a1, 1 b1, 2 none, 3 a2, 4 b2: sessions none (2), a (0, 3), b (1, 4)."""
    return of(
        frame,
        at(0, "a", "a1"),
        at(1, "b", "b1"),
        at(2, None, "none"),
        at(3, "a", "a2"),
        at(4, "b", "b2"),
    )


def drawn(found: Sessions, folded: Collection[str | None] = ()) -> list[tuple[int, int | None]]:
    tree = found.tree(folded)
    return [tree.at(row) for row in range(len(tree))]


def test_the_session_of_the_newest_trace_comes_last_and_its_traces_stay_in_order(
    mixed: Sessions,
) -> None:
    assert mixed.frame["session_id"].to_list() == [None, "a", "b"]
    assert mixed.frame["traces"].to_list() == [1, 2, 2]
    assert mixed.order.to_list() == [2, 0, 3, 1, 4]


def test_a_session_comes_to_the_sum_of_its_traces(frame: Frame) -> None:
    # From 1.0 to the later end: 1.0 + 0.5 = 1.5, and 4.0 + 2.0 = 6.0.
    (found,) = figures(
        of(
            frame,
            at(1, "s", "t1", latency_ms=500, total_tokens=100, model="m"),
            at(4, "s", "t2", latency_ms=2_000, total_tokens=20, model="k", retries=2),
            at(5, "s", "t2", latency_ms=100, model="m", status="error"),
        )
    )
    assert (found["traces"], found["steps"], found["tokens"]) == (2, 3, 120)
    assert (found["ts"].second, found["time_ms"]) == (1, 5_000)
    assert found["models"] == ["m", "k"]
    flags = [found[name] for name in ("failed", "truncated", "retried", "changed")]
    assert flags == [True, False, True, False]


def test_costs_are_summed_up_and_stay_unknown_where_none_is_known() -> None:
    known: dict[str, object] = {
        "session_id": "s",
        "ts": None,
        "steps": 1,
        "time_ms": 200.0,
        "tokens": None,
        "cost_usd": 0.25,
        "saved_usd": 0.5,
        "unpriced_calls": 0,
        "models": ["m"],
        "failed": False,
        "truncated": False,
        "cut_off": False,
        "retried": False,
        "changed": False,
    }
    unknown = {**known, "cost_usd": None, "saved_usd": 0.0, "unpriced_calls": 2}
    types: dict[str, pl.DataType] = {
        "ts": pl.Datetime("us", "UTC"),
        "cost_usd": pl.Float64(),
        "tokens": pl.Int64(),
    }
    rows = [known, unknown, known, {**unknown, "session_id": "other"}]
    other, priced = sorted(
        figures(sessions(pl.DataFrame(rows, schema_overrides=types))),
        key=lambda session: session["traces"],
    )
    assert (priced["cost_usd"], priced["saved_usd"], priced["unpriced_calls"]) == (0.5, 1.0, 2)
    assert (other["cost_usd"], other["tokens"]) == (None, None)
    assert priced["time_ms"] == 600, "without ts the sum"


def test_a_heading_stands_above_the_traces_of_each_session(mixed: Sessions) -> None:
    assert drawn(mixed) == [
        *((0, None), (0, 2)),
        *((1, None), (1, 0), (1, 3)),
        *((2, None), (2, 1), (2, 4)),
    ]


@pytest.mark.parametrize(
    ("folded", "rows"),
    [
        (["a"], [(0, None), (0, 2), (1, None), (2, None), (2, 1), (2, 4)]),
        ([None, "b"], [(0, None), (1, None), (1, 0), (1, 3), (2, None)]),
        ([None, "a", "b"], [(0, None), (1, None), (2, None)]),
        (["gone"], [(0, None), (0, 2), (1, None), (1, 0), (1, 3), (2, None), (2, 1), (2, 4)]),
    ],
)
def test_traces_that_are_folded_away_leave_their_heading(
    mixed: Sessions, folded: list[str | None], rows: list[tuple[int, int | None]]
) -> None:
    assert drawn(mixed, folded) == rows


def test_each_trace_knows_its_row_its_session_and_what_is_newest_there(mixed: Sessions) -> None:
    tree = mixed.tree(["a"])
    assert [tree.row_of(trace) for trace in range(5)] == [None, 4, 1, None, 5]
    assert [tree.session_of(trace) for trace in range(5)] == [1, 2, 0, 1, 2]
    assert [tree.newest_of(session) for session in range(3)] == [2, 3, 4]


@pytest.mark.parametrize("folded", [[], ["a"], [None, "b"]])
def test_a_stretch_of_rows_is_what_each_of_them_shows(
    mixed: Sessions, folded: list[str | None]
) -> None:
    tree, rows = mixed.tree(folded), drawn(mixed, folded)
    for start, stop in itertools.combinations(range(len(rows) + 1), 2):
        assert tree.between(start, stop) == rows[start:stop]
    assert tree.between(2, 2) == []


def test_without_traces_there_is_nothing(frame: Frame) -> None:
    assert len(of(frame).tree()) == 0


def test_runs_without_a_record_are_placed_by_time_and_change_no_figure(frame: Frame) -> None:
    found = traces(frame([at(0, "a", "a1"), at(1, "b", "b1"), at(3, "a", "a2")]))
    later = datetime(2026, 11, 23, 10, tzinfo=UTC)
    step = RunningStep(later, "a", "a-gone", 0, "x", None, None, None, None)
    late = replace(step, session_id="c", trace_id="c-run")
    flight = InFlight(
        {"a-gone": (step,), "c-run": (late,)}, (StartedRun("a-gone", 1), StartedRun("c-run", 3))
    )
    known, grouped = sessions(found), sessions(found, flight)
    assert grouped.frame["session_id"].to_list() == ["b", "a", "c"]
    assert grouped.order.to_list() == [1, 0, 3, 2, 4], "a-gone is 3: between a1 and a2"
    assert grouped.begun == ("a-gone", "c-run")
    placement = ("traces", "first")
    assert grouped.frame[:2].drop(placement).equals(known.frame.drop(placement))
    assert grouped.frame.row(2, named=True)["ts"] == later
    assert grouped.frame.row(2, named=True)["time_ms"] is None
