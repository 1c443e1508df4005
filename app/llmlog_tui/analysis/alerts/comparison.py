"""Compare the calls before and after a change, metric by metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from llmlog_tui.analysis.alerts.call_counts import Counts
from llmlog_tui.analysis.calls.truncation import CUT_OFF, CUT_OFF_SHARE, HAS_ANSWER
from llmlog_tui.analysis.numeric.significance import fisher_exact_two_sided, mann_whitney


@dataclass(frozen=True)
class CohortStats:
    """One side: calls, latency in ms, median tokens/s, shares truncated and failed.

    Failed calls have no fingerprint, so `failed` is the share of all calls to the model in the same
    time, including calls without a model that requested the same ones.
    """

    calls: int
    p50_ms: float | None
    p95_ms: float | None
    tokens_per_sec: float | None
    cut_off: float
    failed: float


@dataclass(frozen=True)
class MetricChange:
    """One metric on both sides, and the p-value of the difference, if known.

    `is_chance`: the difference is noise at the rule's level; p50 and p95 share a test.
    """

    name: str
    before: float | None
    after: float | None
    p: float | None
    is_chance: bool


class Cohort(NamedTuple):
    """The `compared` calls of a side, and the number of all in that time."""

    compared: pl.DataFrame
    every: Counts


class Comparison(NamedTuple):
    """Both sides, and their metrics as a table."""

    before: CohortStats
    after: CohortStats
    table: tuple[MetricChange, ...]


def compare(older: Cohort, newer: Cohort, level: float) -> Comparison:
    """Compare by Mann-Whitney for latency and tokens/s, by Fisher for shares.

    A difference with a p-value of `level` or more is noise.
    """
    before, after = _side(*older), _side(*newer)
    latency = mann_whitney(older.compared["latency_ms"], newer.compared["latency_ms"])
    speed = mann_whitney(older.compared["tokens_per_sec"], newer.compared["tokens_per_sec"])
    older_answers, newer_answers = (side.compared.filter(HAS_ANSWER) for side in (older, newer))
    cut_off = fisher_exact_two_sided(*_cut_off(older_answers), *_cut_off(newer_answers))
    failed = fisher_exact_two_sided(
        *(older.every.failed, older.every.calls), *(newer.every.failed, newer.every.calls)
    )
    figures = (
        ("p50 ms", before.p50_ms, after.p50_ms, latency),
        ("p95 ms", before.p95_ms, after.p95_ms, latency),
        ("tok/s", before.tokens_per_sec, after.tokens_per_sec, speed),
        ("cut off", before.cut_off, after.cut_off, cut_off),
        ("failed", before.failed, after.failed, failed),
    )
    table = tuple(
        MetricChange(name, b, a, p, is_chance=p is None or p >= level) for name, b, a, p in figures
    )
    return Comparison(before, after, table)


def _side(calls: pl.DataFrame, every: Counts) -> CohortStats:
    latency = calls["latency_ms"]
    cut_off = calls.select(CUT_OFF_SHARE).item()
    speed = calls["tokens_per_sec"].median()
    return CohortStats(
        calls=calls.height,
        p50_ms=latency.quantile(0.5, interpolation="linear"),
        p95_ms=latency.quantile(0.95, interpolation="linear"),
        tokens_per_sec=speed if isinstance(speed, float) else None,
        cut_off=cut_off or 0.0,
        failed=every.failed / every.calls if every.calls else 0.0,
    )


def _cut_off(answers: pl.DataFrame) -> tuple[int, int]:
    """Return the numbers of answers that were cut off, and of all."""
    return answers.select(CUT_OFF.sum()).item(), answers.height
