"""Truncation: answers that were cut off without saying so, and why an answer is empty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui import units
from llmlog_tui.analysis.calls import FAILED, TRUNCATED
from llmlog_tui.analysis.rules import Hidden
from llmlog_tui.analysis.why import Call

_SIGNS: Final = {
    "at_limit": (pl.col("max_tokens") > 0) & (pl.col("completion_tokens") >= pl.col("max_tokens")),
    "broken_arguments": ~pl.col("tool_args_ok"),
    "broken_stream": pl.col("stream_end") == "truncated",
}

HIDDEN: Final = (
    ~TRUNCATED
    & ~FAILED
    & pl.any_horizontal(sign.fill_null(value=False) for sign in _SIGNS.values())
)
"""Predicate: the answer was cut off under another finish_reason than length.

It used all of max_tokens, or a tool's arguments are no JSON, or its stream ended without an end.
"""


@dataclass(frozen=True)
class HiddenTruncation:
    """Calls of a model whose answers were cut off without saying so, close to one another.

    `at_limit`, `broken_arguments` and `broken_stream` count the signs of it, of which a call may
    have several; `row` and `ts` are of the first call, `last_row` and `last_ts` of the last.
    """

    model: str | None
    calls: int
    at_limit: int
    broken_arguments: int
    broken_stream: int
    ts: datetime | None
    row: int
    last_ts: datetime | None
    last_row: int
    ongoing: bool


def hidden(calls: pl.DataFrame, rule: Hidden) -> list[HiddenTruncation]:
    """Per model, in order; over after `rule.clear_calls` calls of the model without one."""
    if not calls.select(HIDDEN.any()).item():
        return []
    place = pl.col("place")
    found = (
        calls.select(
            *("model", "row", "ts"),
            hidden=HIDDEN,
            place=pl.int_range(pl.len()).over("model"),
            later=pl.len().over("model").cast(pl.Int64) - pl.int_range(pl.len()).over("model") - 1,
            **{name: sign.fill_null(value=False) for name, sign in _SIGNS.items()},
        )
        .filter("hidden")
        .with_columns(
            episode=((place - place.shift(1).over("model")) > rule.clear_calls)
            .fill_null(value=True)
            .cum_sum()
            .over("model")
        )
        .group_by("model", "episode", maintain_order=True)
        .agg(
            pl.col("row", "ts").first(),
            pl.col("row", "ts").last().name.prefix("last_"),
            pl.col(*_SIGNS).sum(),
            calls=pl.len(),
            ongoing=pl.col("later").last() < rule.clear_calls,
        )
    )
    return [HiddenTruncation(**row) for row in found.drop("episode").iter_rows(named=True)]


def why_empty(call: Call) -> str:
    """Why a call gave no text, as far as its record shows; empty if it gave some, or failed.

    In this order: a content filter; reasoning that used all of the output, and whether it ran into
    the limit; no output at all, and whether the stream broke off.
    """
    if call["status"] == "error" or call["tool_calls"]:
        return ""
    output, reasoning = call["completion_tokens"], call["reasoning_tokens"] or 0
    if call["finish_reason"] == "content_filter":
        return "stopped by the content filter"
    if output is None or output > reasoning:
        return ""
    if output:
        limit = call["max_tokens"]
        is_cut = call["finish_reason"] == "length" or (limit is not None and output >= limit)
        return f"reasoning used all {units.count(output)} tokens" + (
            ", up to the limit" if is_cut else ""
        )
    if call["stream_end"] == "truncated":
        return "the stream broke off before the first token"
    return "no tokens in the answer"
