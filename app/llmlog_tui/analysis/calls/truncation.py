"""Truncated answers, with or without a finish_reason, and why an answer is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.calls import FAILED, TRUNCATED
from llmlog_tui.analysis.calls.slow_reason import Call

SIGNS: Final = {
    "at_limit": (pl.col("max_tokens") > 0) & (pl.col("completion_tokens") >= pl.col("max_tokens")),
    "broken_arguments": ~pl.col("tool_args_ok"),
    "broken_stream": pl.col("stream_end") == "truncated",
}
"""Predicates of a truncated answer: output at max_tokens, invalid tool arguments, broken stream."""

HIDDEN: Final = (
    ~TRUNCATED & ~FAILED & pl.any_horizontal(sign.fill_null(value=False) for sign in SIGNS.values())
)
"""Predicate: the answer was cut off, under another finish_reason than length."""

CUT_OFF: Final = TRUNCATED | HIDDEN
"""Predicate: the answer was cut off, with finish_reason length or without."""

HAS_ANSWER: Final = pl.col("event").is_in(["chat_completion", "response"]).fill_null(value=False)
"""Predicate: the kind of call whose answer can be cut off."""

CUT_OFF_SHARE: Final = CUT_OFF.filter(HAS_ANSWER).mean()
"""Share of cut-off answers among calls that have one; null without such calls."""

CUT_OFF_COLUMNS: Final = (
    *("event", "status", "finish_reason", "stream_end", "tool_args_ok"),
    *("max_tokens", "completion_tokens"),
)
"""Columns that the predicates above read."""


def is_cut_off(record: Mapping[str, Any]) -> bool:
    """Return whether CUT_OFF holds for a record."""
    if record["finish_reason"] == "length":
        return True
    if record["status"] == "error":
        return False
    limit, output = record["max_tokens"] or 0, record["completion_tokens"]
    at_limit = limit > 0 and output is not None and output >= limit
    return at_limit or record["tool_args_ok"] is False or record["stream_end"] == "truncated"


def empty_reason(call: Call) -> str:
    """Return why an answer has no text; empty for others and failed calls.

    In this order: a content filter; reasoning that used all output tokens, and whether it reached
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
        return f"reasoning used all {humanize.count(output)} tokens" + (
            ", up to the limit" if is_cut else ""
        )
    if call["stream_end"] == "truncated":
        return "the stream broke off before the first token"
    return "no tokens in the answer"
