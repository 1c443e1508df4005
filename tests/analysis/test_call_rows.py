"""Calls as row numbers have the columns that a copy of them has."""

from __future__ import annotations

import polars as pl
import pytest
from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.calls.call_rows import CallRows
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.live.overview import overview

RECORDS: list[Record] = [
    {"event": "tool_call", "latency_ms": 7},
    {"model": "a", "latency_ms": 200, "completion_tokens": 30},
    {"model": "b", "latency_ms": 100, "tokens_per_sec": 12.5},
    {"event": "span", "latency_ms": 900},
    {"event": "embedding", "model": "c", "latency_ms": 0, "completion_tokens": 4},
    {"model": "a", "status": "error"},
]


@pytest.mark.parametrize("records", [RECORDS, RECORDS[1:3], RECORDS[:1], []])
def test_all_and_some_columns_are_those_of_a_copy(log: Log, records: list[Record]) -> None:
    frame = log(records).frame
    rows, copied = CallRows.of(frame), model_calls(frame)
    assert rows.frame().equals(copied)
    assert rows.lazy().collect().equals(copied)
    assert (rows.height, rows.columns) == (copied.height, copied.columns)
    some = rows.select("row", slow=pl.col("tokens_per_sec") < 20)
    assert some.equals(copied.select("row", slow=pl.col("tokens_per_sec") < 20))
    assert all(rows[name].equals(copied[name]) for name in ("row", "model", "tokens_per_sec"))


@pytest.mark.parametrize(("offset", "length"), [(0, 2), (1, 2), (3, None), (2, 9), (4, 1), (9, 1)])
def test_slices_are_those_of_a_copy(log: Log, offset: int, length: int | None) -> None:
    frame = log(RECORDS).frame
    part, copied = CallRows.of(frame).slice(offset, length), model_calls(frame)
    assert part.frame().equals(copied.slice(offset, length))
    assert part.select("model").equals(copied.slice(offset, length).select("model"))
    assert part.tail(1).frame().equals(copied.slice(offset, length).tail(1))


def test_calls_are_taken_in_any_order_and_by_key(log: Log) -> None:
    frame = log(RECORDS).frame
    rows, copied, order = CallRows.of(frame), model_calls(frame), pl.Series([3, 0, 2])
    assert rows.gather(order).equals(copied[order])
    keys = pl.Series([5, 2, 0], dtype=pl.UInt32)
    assert rows.with_keys(keys)["row"].to_list() == [2, 5]


@pytest.mark.parametrize("where", [None, "latency_ms > 50"])
def test_an_overview_holds_its_records_once(log: Log, where: str | None) -> None:
    view = overview(log(RECORDS), 500.0, where=where)
    assert view.calls.records is view.frame
    assert view.calls.index.columns == ["at", "row"]
