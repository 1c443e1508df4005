"""Model calls: what is usual for them, which are slow, and whether reasoning is why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import polars as pl

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
    computed = pl.col("completion_tokens") / (pl.col("latency_ms") / 1_000)
    return frame.filter(IS_CALL).with_columns(
        tokens_per_sec=pl.coalesce(
            "tokens_per_sec", pl.when(pl.col("latency_ms") > 0).then(computed)
        )
    )


@dataclass(frozen=True)
class Usual:
    """What is usual for a model: medians over its calls that did not fail."""

    tokens_per_sec: float | None
    latency_ms: float | None
    ttft_ms: float | None = None
    prompt_tokens: float | None = None


def usual(calls: pl.DataFrame) -> dict[str | None, Usual]:
    """What is usual, per model."""
    fields = ("tokens_per_sec", "latency_ms", "ttft_ms", "prompt_tokens")
    succeeded = calls.select("model", "status", *fields).filter(~FAILED)
    medians = succeeded.group_by("model").agg(pl.col(fields).median())
    return {row[0]: Usual(*row[1:]) for row in medians.iter_rows()}


@dataclass(frozen=True)
class Verdict:
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


def verdict(calls: pl.DataFrame, over_ms: float) -> Verdict:
    """Of the calls slower than `over_ms`, how many were mostly reasoning."""
    is_slow = slow(over_ms)
    found = calls.select(
        slow=is_slow.sum(),
        mostly=(is_slow & MOSTLY_REASONING).sum(),
        r=pl.corr("reasoning_tokens", "latency_ms"),
    ).row(0, named=True)
    r = found["r"]
    return Verdict(found["slow"], found["mostly"], None if r is None or math.isnan(r) else r)
