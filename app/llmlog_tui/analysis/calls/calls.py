"""Model calls: baselines, slow calls, and whether those are mostly reasoning."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from operator import add
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.calls.call_rows import SPEED, Calls
from llmlog_tui.analysis.numeric.count_sum import wide
from llmlog_tui.analysis.numeric.quantiles import RunningQuantiles
from llmlog_tui.log.schema import IS_CALL

TRUNCATED: Final = (pl.col("finish_reason") == "length").fill_null(value=False)
"""Predicate: the answer was cut off at the token limit, with finish_reason length."""

FAILED: Final = pl.col("status") == "error"
"""Predicate: the call, tool or span failed."""

_VISIBLE: Final = pl.col("completion_tokens") - pl.col("reasoning_tokens")

MOSTLY_REASONING: Final = (pl.col("reasoning_tokens") > _VISIBLE).fill_null(value=False)
"""Predicate: more than half of the output was reasoning."""

TOTAL_TOKENS: Final = pl.coalesce(
    "total_tokens", wide(pl.col("prompt_tokens")) + pl.col("completion_tokens")
)
"""total_tokens, computed where it is missing; Int128."""


def slow(over_ms: float) -> pl.Expr:
    """Return a predicate: latency strictly over `over_ms`; unknown is not slow."""
    return (pl.col("latency_ms") > over_ms).fill_null(value=False)


def model_calls(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the model calls of a frame, with tokens_per_sec computed where it is missing."""
    return frame.filter(IS_CALL).with_columns(tokens_per_sec=SPEED)


@dataclass(frozen=True)
class Baseline:
    """Medians over the calls of a model that did not fail."""

    tokens_per_sec: float | None
    latency_ms: float | None
    ttft_ms: float | None = None
    prompt_tokens: float | None = None


_MEASURES: Final = tuple(field.name for field in fields(Baseline))


def baselines(calls: Calls) -> dict[str | None, Baseline]:
    medians = _succeeded(calls).group_by("model").agg(pl.col(_MEASURES).median())
    return {row[0]: Baseline(*row[1:]) for row in medians.iter_rows()}


class Baselines:
    """Baselines per model, and the p95 of all latencies, for a growing set of calls."""

    def __init__(self, calls: Calls) -> None:
        self.by_model = baselines(calls)
        self.worst_ms = calls["latency_ms"].quantile(0.95, interpolation="linear")
        self._latency: RunningQuantiles | None = None
        self._of_model: dict[str | None, list[RunningQuantiles]] = {}

    def add(self, new: pl.DataFrame, calls: Calls) -> None:
        """Add new calls; `calls` are all of them, the new ones included."""
        if self._latency is None:
            self._latency = RunningQuantiles(calls["latency_ms"])
        else:
            self._latency.add(new["latency_ms"])
        self.worst_ms = self._latency.quantile(0.95)
        parts = _by_model(_succeeded(new))
        unknown = [model for model in parts if model not in self._of_model]
        if any(model in self.by_model for model in unknown):
            is_unknown = pl.col("model").is_in(unknown, nulls_equal=True)
            initial = _by_model(_succeeded(calls).filter(is_unknown))
        else:
            initial = {model: parts[model] for model in unknown}
        for model, part in parts.items():
            for numbers, column in zip(self._of_model.get(model, ()), part, strict=False):
                numbers.add(column)
        for model, part in initial.items():
            self._of_model[model] = [RunningQuantiles(column) for column in part]
        medians = {
            model: Baseline(*(numbers.quantile(0.5) for numbers in self._of_model[model]))
            for model in parts
        }
        self.by_model = {**self.by_model, **medians}


def _succeeded(calls: Calls) -> pl.DataFrame:
    return calls.select("model", "status", *_MEASURES).filter(~FAILED).drop("status")


def _by_model(calls: pl.DataFrame) -> dict[str | None, pl.DataFrame]:
    parts = calls.partition_by("model", maintain_order=True, include_key=False, as_dict=True)
    return {model: part for (model,), part in parts.items()}


@dataclass(frozen=True)
class SlowSummary:
    """Number of slow calls, and of mostly reasoning ones among them.

    `correlation` is Pearson's r between reasoning_tokens and latency_ms, over all calls that have
    both; None without variance. Each slow call counts for one of `failed`, `retried` and
    `reasoning`, the first that applies as in slow_reason(), or for none.
    """

    slow: int
    mostly_reasoning: int
    correlation: float | None
    failed: int = 0
    retried: int = 0
    reasoning: int = 0

    def title(self, calls: int) -> str:
        """Return `340 of 432 slow: 146 reasoning, 28 retries, 166 other`; empty without any."""
        if not self.slow:
            return ""
        retries = "retry" if self.retried == 1 else "retries"
        named = {"reasoning": self.reasoning, retries: self.retried, "failed": self.failed}
        known = sorted(((n, name) for name, n in named.items() if n), reverse=True)
        other = self.slow - sum(named.values())
        parts = [f"{n:,} {name}" for n, name in [*known, (other, "other")] if n and known]
        return f"{self.slow:,} of {calls:,} slow{': ' if parts else ''}{', '.join(parts)}"

    def sentence(self) -> str:
        """Return how many are mostly reasoning, and the correlation over all calls; or nothing."""
        if not self.slow:
            return ""
        calls = "slow call is" if self.slow == 1 else "slow calls are"
        r = self.correlation
        of_all = "between reasoning tokens and latency of all calls"
        of_r = "" if r is None else f"; r = {r:z.2f} {of_all}"
        return f"{self.mostly_reasoning:,} of {self.slow:,} {calls} mostly reasoning{of_r}"


class SlowCounts(NamedTuple):
    """The sums behind a SlowSummary; they add up over the parts of a log.

    `x` to `xy` are the sums of reasoning_tokens, latency_ms and their products over the `n` calls
    that have both.
    """

    slow: int
    mostly_reasoning: int
    failed: int
    retried: int
    reasoning: int
    n: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float

    def plus(self, other: SlowCounts) -> SlowCounts:
        return SlowCounts(*map(add, self, other))

    def summary(self) -> SlowSummary:
        spread_x, spread_y = self.n * self.xx - self.x**2, self.n * self.yy - self.y**2
        no_variance = (
            min(spread_x - _MIN_VARIANCE * self.x**2, spread_y - _MIN_VARIANCE * self.y**2) <= 0
        )
        both = self.n * self.xy - self.x * self.y
        r = None if no_variance else both / math.sqrt(spread_x) / math.sqrt(spread_y)
        reasons = (self.failed, self.retried, self.reasoning)
        return SlowSummary(self.slow, self.mostly_reasoning, r, *reasons)


_MIN_VARIANCE: Final = 1e-12
"""Relative variance below which values count as constant."""


SLOW_COLUMNS: Final = frozenset(
    ("latency_ms", "status", "retries", "reasoning_tokens", "completion_tokens")
)
"""Columns that count_slow() reads."""


def count_slow(calls: Calls, over_ms: float) -> SlowCounts:
    """Return the sums over calls; a call is slow over `over_ms`."""
    is_slow = slow(over_ms)
    both = calls.select(
        x=pl.col("reasoning_tokens").cast(pl.Float64), y=pl.col("latency_ms")
    ).drop_nulls()
    is_retried = ~FAILED & (pl.col("retries") > 0)
    is_other = ~FAILED & (pl.col("retries").fill_null(0) == 0)
    slow_ones = calls.select(
        slow=is_slow.sum(),
        mostly=(is_slow & MOSTLY_REASONING).sum(),
        failed=(is_slow & FAILED).sum(),
        retried=(is_slow & is_retried).sum(),
        reasoning=(is_slow & is_other & MOSTLY_REASONING).sum(),
    )
    x, y = pl.col("x"), pl.col("y")
    sums = both.select(n=pl.len(), x=x.sum(), y=y.sum(), xx=x.dot(x), yy=y.dot(y), xy=x.dot(y))
    return SlowCounts(*slow_ones.row(0), *sums.row(0))


def slow_summary(calls: Calls, over_ms: float) -> SlowSummary:
    return count_slow(calls, over_ms).summary()
