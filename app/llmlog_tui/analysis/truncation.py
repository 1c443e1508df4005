"""Truncation: when answers began to be cut off more often than before."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.calls import TRUNCATED

WINDOW_CALLS: Final = 50
"""Calls of a model that are judged together: windows count calls, so logs without ts work."""

LEVEL: Final = 0.001
"""A rise is one that chance would give less often than this."""

_LEAST_RISE: Final = 0.02


@dataclass(frozen=True)
class Rise:
    """A model's answers were cut off (finish_reason length) more often than before.

    `before` and `after` are shares of calls, `p` the chance of such a rise without a cause,
    `calls` the calls since it began, `truncated` how many of them were cut off; `row` and `ts` are
    of the first cut-off call; `ongoing` says that it holds to the end of the log.
    """

    model: str | None
    before: float
    after: float
    p: float
    calls: int
    truncated: int
    ts: datetime | None
    row: int
    ongoing: bool


def rises(calls: pl.DataFrame) -> list[Rise]:
    """Per model, each stretch of windows with more cut-off answers than all windows before it.

    A window is WINDOW_CALLS calls with a finish_reason (the last one at least half of that). It is
    judged by a one-sided two-proportion z-test at LEVEL against all calls before the stretch, and
    against these without the window right before it: the rise may have begun within that one.
    """
    windows = (
        calls.filter(pl.col("finish_reason").is_not_null())
        .with_columns(nth=pl.int_range(pl.len()).over("model") // WINDOW_CALLS)
        .group_by("model", "nth", maintain_order=True)
        .agg(
            calls=pl.len(),
            truncated=TRUNCATED.sum(),
            ts=pl.col("ts").filter(TRUNCATED).first(),
            row=pl.col("row").filter(TRUNCATED).first(),
        )
        .filter(pl.col("calls") >= WINDOW_CALLS // 2)
    )
    found = [
        rise
        for (model,), of_model in windows.group_by("model", maintain_order=True)
        for rise in _rises_of(None if model is None else str(model), of_model)
    ]
    return sorted(found, key=lambda rise: rise.row)


class _Share(NamedTuple):
    truncated: int = 0
    calls: int = 0

    def plus(self, truncated: int, calls: int) -> _Share:
        return _Share(self.truncated + truncated, self.calls + calls)


def _rises_of(model: str | None, windows: pl.DataFrame) -> Iterator[Rise]:
    before, latest = _Share(), _Share()
    stretch: list[dict[str, Any]] = []
    judged_by: tuple[_Share, ...] = ()
    for window in windows.iter_rows(named=True):
        if not stretch:
            judged_by = (before.plus(*latest), before)
        risen_from = next((share for share in judged_by if _risen(share, window)), None)
        if risen_from:
            judged_by = (risen_from,)
            stretch.append(window)
            continue
        if stretch:
            yield _rise(model, judged_by[0], stretch, ongoing=False)
            stretch = []
        before = before.plus(*latest)
        latest = _Share(window["truncated"], window["calls"])
    if stretch:
        yield _rise(model, judged_by[0], stretch, ongoing=True)


def _risen(before: _Share, window: dict[str, Any]) -> bool:
    truncated, calls = window["truncated"], window["calls"]
    return (
        before.calls > 0
        and truncated / calls - before.truncated / before.calls >= _LEAST_RISE
        and chance_of_rise(*before, truncated, calls) < LEVEL
    )


def _rise(
    model: str | None, before: _Share, stretch: list[dict[str, Any]], *, ongoing: bool
) -> Rise:
    calls = sum(window["calls"] for window in stretch)
    truncated = sum(window["truncated"] for window in stretch)
    return Rise(
        model=model,
        before=before.truncated / before.calls,
        after=truncated / calls,
        p=chance_of_rise(*before, truncated, calls),
        calls=calls,
        truncated=truncated,
        ts=stretch[0]["ts"],
        row=stretch[0]["row"],
        ongoing=ongoing,
    )


def chance_of_rise(hits_before: int, calls_before: int, hits: int, calls: int) -> float:
    """One-sided p of the two-proportion z-test with pooled variance, from 0 to 1.

    The chance that a share rises from hits_before / calls_before to at least hits / calls although
    nothing changed. Source: NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.3.
    """
    pooled = (hits_before + hits) / (calls_before + calls)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / calls_before + 1 / calls))
    if deviation == 0:
        return 1.0
    z = (hits / calls - hits_before / calls_before) / deviation
    return math.erfc(z / math.sqrt(2)) / 2
