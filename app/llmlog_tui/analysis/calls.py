"""Model calls: which are slow, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from llmlog_tui import units
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


def usual(calls: pl.DataFrame) -> dict[str | None, Usual]:
    """What is usual, per model."""
    medians = (
        calls.filter(~FAILED)
        .group_by("model")
        .agg(pl.col("tokens_per_sec").median(), pl.col("latency_ms").median())
    )
    return {model: Usual(speed, latency) for model, speed, latency in medians.iter_rows()}


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
        if not self.slow:
            return ""
        calls = "slow call is" if self.slow == 1 else "slow calls are"
        r = "" if self.correlation is None else f" (r = {self.correlation:.2f})"
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


Call = Mapping[str, Any]
"""One row of a frame of calls."""

_TOO_MANY_REQUESTS: Final = 429
_HALF: Final = 0.5


def why_slow(call: Call, usual: Usual | None, over_ms: float) -> str:
    """Why a call took longer than `over_ms`: the first reason that applies, with its evidence.

    In this order: it failed; it was retried; most of its output was reasoning; it was generated at
    less than half the model's usual speed; its output was so long that it is slow at that speed;
    most of the time went by before the first token; else `unexplained`. Empty if it was not slow.
    """
    latency = call["latency_ms"]
    if latency is None or latency <= over_ms:
        return ""
    speed = usual.tokens_per_sec if usual else None
    return (
        _failed(call)
        or _retried(call)
        or _reasoning(call)
        or _slow_generation(call, speed)
        or _long_output(call, speed, over_ms)
        or _first_token(call)
        or "unexplained"
    )


def _failed(call: Call) -> str:
    if call["status"] != "error":
        return ""
    status, kind = call["error_status"], call["error_type"]
    if status == _TOO_MANY_REQUESTS:
        return f"rate limited, {status}"
    return f"failed, {status or kind or 'no reason given'}"


def _retried(call: Call) -> str:
    retries, wait = call["retries"], retry_wait_ms(call)
    if not retries:
        return ""
    times = f"{retries} retries" if retries > 1 else "1 retry"
    return f"{times}, ≈{units.duration(wait)} waiting" if wait else times


def retry_wait_ms(call: Call) -> float | None:
    """About how long a retried call waited before its last attempt, in ms; None if unknown.

    What the server says it worked (server_ms) is taken off the time to its answer: to the first
    token of a stream, to the end of anything else.
    """
    if not call["retries"] or call["server_ms"] is None:
        return None
    answered = call["ttft_ms"] if call["stream"] else call["latency_ms"]
    return None if answered is None else max(0.0, answered - call["server_ms"])


def _reasoning(call: Call) -> str:
    reasoning, output = call["reasoning_tokens"], call["completion_tokens"]
    if reasoning is None or output is None or reasoning * 2 <= output:  # as MOSTLY_REASONING
        return ""
    return f"reasoning {units.percent(reasoning / output if output else 1.0)} of output"


def _slow_generation(call: Call, usual_speed: float | None) -> str:
    speed = call["tokens_per_sec"]
    if not speed or not usual_speed or speed >= usual_speed * _HALF:
        return ""
    return f"slow generation, {speed:.0f} tok/s, usual {usual_speed:.0f}"


def _long_output(call: Call, usual_speed: float | None, over_ms: float) -> str:
    output = call["completion_tokens"]
    if not output or not usual_speed or output / usual_speed * 1_000 <= over_ms:
        return ""
    return f"long output, {units.count(output)} tok"


def _first_token(call: Call) -> str:
    ttft = call["ttft_ms"]
    if ttft is None or ttft <= call["latency_ms"] * _HALF:
        return ""
    return f"first token after {units.duration(ttft)}, {units.count(call['prompt_tokens'])} in"
