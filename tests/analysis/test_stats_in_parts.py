"""Statistics from frames that are read one by one are those of the whole log."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from llmlog_tui.analysis.calls.percentiles import GROUPINGS
from llmlog_tui.analysis.reports.stats import Stats, over_time, stats
from llmlog_tui.analysis.reports.stats_in_parts import StatsInParts
from llmlog_tui.log.load import load


def comparable(found: Stats) -> dict[str, Any]:
    figures = asdict(found)
    groups = figures.pop("groups")
    times = over_time(figures.pop("priced"))
    return {
        name: pytest.approx(value) if isinstance(value, float) else value
        for name, value in figures.items()
    } | {"groups": _rounded(groups), "times": times.to_dicts()}


def _rounded(groups: pl.DataFrame) -> list[dict[str, Any]]:
    """Return groups with rounded sums of USD: their order of adding differs."""
    names = sorted(groups.columns)
    text = groups.with_columns(pl.col(pl.Categorical).cast(pl.String)).select(names)
    return text.with_columns(pl.col("cost_usd", "saved_usd").round(12)).to_dicts()


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """The sample log, in the order of its times."""
    path = Path(__file__).parents[2] / "sample_logs" / "calls.jsonl"
    return load([path]).frame.sort("ts", maintain_order=True)


@pytest.mark.parametrize("by", [*GROUPINGS, "extra.tier", "step"])
@pytest.mark.parametrize("rows", [33, 400])
def test_in_parts_of_any_size_they_are_the_same(frame: pl.DataFrame, by: str, rows: int) -> None:
    total = StatsInParts(over_ms=300.0, by=by)
    for part in frame.iter_slices(rows):
        total.add(part)
    whole = stats(frame, over_ms=300.0, by=by)
    found = comparable(total.result())
    assert found == comparable(whole)
    assert found["calls"] > 500
    assert found["groups"]


def test_of_no_records_they_are_empty(frame: pl.DataFrame) -> None:
    total = StatsInParts()
    total.add(frame.clear())
    assert comparable(total.result()) == comparable(stats(frame.clear()))
