"""Model calls: what is usual for them, which are slow, and whether reasoning is why."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from operator import add
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.numeric.quantiles import RunningQuantiles
from llmlog_tui.log.schema import IS_CALL

TRUNCATED: Final = (pl.col("finish_reason") == "length").fill_null(value=False)
"""Predicate: the answer was cut off at the token limit, and says so."""

FAILED: Final = pl.col("status") == "error"
"""Predicate: the record is of something that failed."""

MOSTLY_REASONING: Final = (pl.col("reasoning_tokens") * 2 > pl.col("completion_tokens")).fill_null(
    value=False
)
"""Predicate: more than half of the output was reasoning."""


def slow(over_ms: float) -> pl.Expr:
    """Predicate: the record took longer than `over_ms`, strictly; unknown is not slow."""
    return (pl.col("latency_ms") > over_ms).fill_null(value=False)


def model_calls(frame: pl.DataFrame) -> pl.DataFrame:
    """The model calls of a frame, in its order, tokens_per_sec filled in where it can be."""
    # Divided once: by a constant polars divides one row otherwise than many, in the last digit.
    computed = pl.col("completion_tokens") * 1_000 / pl.col("latency_ms")
    return frame.filter(IS_CALL).with_columns(
        tokens_per_sec=pl.coalesce(
            "tokens_per_sec", pl.when(pl.col("latency_ms") > 0).then(computed)
        )
    )


@dataclass(frozen=True)
class Baseline:
    """What is usual for a model: medians over its calls that did not fail."""

    tokens_per_sec: float | None
    latency_ms: float | None
    ttft_ms: float | None = None
    prompt_tokens: float | None = None


_USUAL: Final = tuple(field.name for field in fields(Baseline))


def baselines(calls: pl.DataFrame) -> dict[str | None, Baseline]:
    """What is usual, per model."""
    medians = _succeeded(calls).group_by("model").agg(pl.col(_USUAL).median())
    return {row[0]: Baseline(*row[1:]) for row in medians.iter_rows()}


class Baselines:
    """What is usual per model, and the p95 of all latencies, for calls that become more."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.by_model = baselines(calls)
        self.worst_ms = calls["latency_ms"].quantile(0.95, interpolation="linear")
        self._latency: RunningQuantiles | None = None
        self._of_model: dict[str | None, list[RunningQuantiles]] = {}

    def add(self, new: pl.DataFrame, calls: pl.DataFrame) -> None:
        """Take in new calls; `calls` are all with them."""
        if self._latency is None:
            self._latency = RunningQuantiles(calls["latency_ms"])
        else:
            self._latency.add(new["latency_ms"])
        self.worst_ms = self._latency.quantile(0.95)
        parts = _by_model(_succeeded(new))
        unknown = [model for model in parts if model not in self._of_model]
        if any(model in self.by_model for model in unknown):
            is_unknown = pl.col("model").is_in(unknown, nulls_equal=True)
            begun = _by_model(_succeeded(calls).filter(is_unknown))
        else:
            begun = {model: parts[model] for model in unknown}
        for model, part in parts.items():
            for numbers, column in zip(self._of_model.get(model, ()), part, strict=False):
                numbers.add(column)
        for model, part in begun.items():
            self._of_model[model] = [RunningQuantiles(column) for column in part]
        medians = {
            model: Baseline(*(numbers.quantile(0.5) for numbers in self._of_model[model]))
            for model in parts
        }
        self.by_model = {**self.by_model, **medians}


def _succeeded(calls: pl.DataFrame) -> pl.DataFrame:
    return calls.select("model", "status", *_USUAL).filter(~FAILED).drop("status")


def _by_model(calls: pl.DataFrame) -> dict[str | None, pl.DataFrame]:
    """What is usual of each model's calls, without the model."""
    parts = calls.partition_by("model", maintain_order=True, include_key=False, as_dict=True)
    return {model: part for (model,), part in parts.items()}


@dataclass(frozen=True)
class SlowSummary:
    """The answer to the lesson's question, whether the slow calls did lots of reasoning.

    `correlation` is Pearson's r between reasoning_tokens and latency_ms, over all calls that have
    both; None where there is nothing to correlate.
    """

    slow: int
    mostly_reasoning: int
    correlation: float | None

    def sentence(self) -> str:
        """`38 of 52 slow calls are mostly reasoning (r = 0.91)`; empty without slow calls."""
        return self._said(" (r = {:z.2f})")

    def whole_sentence(self) -> str:
        """As sentence(), but `...; r = 0.91 between reasoning tokens and latency`."""
        return self._said("; r = {:z.2f} between reasoning tokens and latency")

    def _said(self, of_r: str) -> str:
        if not self.slow:
            return ""
        calls = "slow call is" if self.slow == 1 else "slow calls are"
        r = "" if self.correlation is None else of_r.format(self.correlation)
        return f"{self.mostly_reasoning:,} of {self.slow:,} {calls} mostly reasoning{r}"


class SlowCounts(NamedTuple):
    """What a Verdict is made of, in sums: those of two parts of a log make those of both.

    `x` to `xy` are the sums of reasoning_tokens, latency_ms and their products over the `n` calls
    that have both.
    """

    slow: int
    mostly_reasoning: int
    n: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float

    def plus(self, other: SlowCounts) -> SlowCounts:
        """Both together."""
        return SlowCounts(*map(add, self, other))

    def verdict(self) -> SlowSummary:
        """The verdict over all of them."""
        spread_x, spread_y = self.n * self.xx - self.x**2, self.n * self.yy - self.y**2
        nothing = min(spread_x - _NO_SPREAD * self.x**2, spread_y - _NO_SPREAD * self.y**2) <= 0
        both = self.n * self.xy - self.x * self.y
        r = None if nothing else both / math.sqrt(spread_x) / math.sqrt(spread_y)
        return SlowSummary(self.slow, self.mostly_reasoning, r)


_NO_SPREAD: Final = 1e-12
"""Numbers that spread by less than this part of their squares are all the same."""


def count_slow(calls: pl.DataFrame, over_ms: float) -> SlowCounts:
    """The sums over calls, of which those slower than `over_ms` are slow."""
    is_slow = slow(over_ms)
    both = calls.select(
        x=pl.col("reasoning_tokens").cast(pl.Float64), y=pl.col("latency_ms")
    ).drop_nulls()
    slow_ones = calls.select(slow=is_slow.sum(), mostly=(is_slow & MOSTLY_REASONING).sum())
    x, y = pl.col("x"), pl.col("y")
    sums = both.select(n=pl.len(), x=x.sum(), y=y.sum(), xx=x.dot(x), yy=y.dot(y), xy=x.dot(y))
    return SlowCounts(*slow_ones.row(0), *sums.row(0))


def slow_summary(calls: pl.DataFrame, over_ms: float) -> SlowSummary:
    """Of the calls slower than `over_ms`, how many were mostly reasoning."""
    return count_slow(calls, over_ms).verdict()
