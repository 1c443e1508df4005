"""Truncation: answers that were cut off without saying so, and why an answer is empty."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.calls import FAILED, TRUNCATED
from llmlog_tui.analysis.calls.slow_reason import Call
from llmlog_tui.config.rules import HiddenTruncationRule

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

    def plus(self, later: HiddenTruncation) -> HiddenTruncation:
        """Both together."""
        return replace(
            later,
            calls=self.calls + later.calls,
            at_limit=self.at_limit + later.at_limit,
            broken_arguments=self.broken_arguments + later.broken_arguments,
            broken_stream=self.broken_stream + later.broken_stream,
            ts=self.ts,
            row=self.row,
        )


class HiddenTruncations:
    """Finds hidden truncation in calls as they come in, per model.

    One is over after `rule.clear_calls` calls of the model without another.
    """

    def __init__(self, rule: HiddenTruncationRule) -> None:
        self._rule = rule
        self._calls: Counter[str | None] = Counter()  # of each model
        self._last: dict[str | None, int] = {}  # where in `_found` its last one is
        self._ends: dict[str | None, int] = {}  # and which of its calls was the last one's last
        self._found: list[HiddenTruncation] = []

    def add(self, calls: pl.DataFrame) -> None:
        """Take in more calls."""
        if calls.select(HIDDEN.any()).item():
            hits = calls.lazy().select(
                *("model", "row", "ts"),
                hidden=HIDDEN,
                place=pl.int_range(pl.len()).over("model"),
                **{name: sign.fill_null(value=False) for name, sign in _SIGNS.items()},
            )
            self._take(hits.filter("hidden").collect())
        self._calls.update(dict(calls.group_by("model").len().iter_rows()))

    @property
    def found(self) -> list[HiddenTruncation]:
        """All of them, in order."""
        return [
            replace(found, ongoing=at == self._last[found.model] and self._is_near(found.model))
            for at, found in enumerate(self._found)
        ]

    def _is_near(self, model: str | None) -> bool:
        return self._calls[model] - self._ends[model] <= self._rule.clear_calls

    def _take(self, hits: pl.DataFrame) -> None:
        """Take in calls that were cut off, each at the `place` among its model's new calls."""
        apart = pl.col("place") - pl.col("place").shift(1).over("model") > self._rule.clear_calls
        episodes = (
            hits.with_columns(episode=apart.fill_null(value=True).cum_sum().over("model"))
            .group_by("model", "episode", maintain_order=True)
            .agg(
                pl.col("row", "ts").first(),
                pl.col("row", "ts").last().name.prefix("last_"),
                pl.col("place").first().alias("begin"),
                pl.col("place").last().alias("end"),
                pl.col(*_SIGNS).sum(),
                calls=pl.len(),
            )
        )
        for episode in episodes.drop("episode").iter_rows(named=True):
            model, before = episode["model"], self._calls[episode["model"]]
            begin, end = before + episode.pop("begin"), before + episode.pop("end")
            found = HiddenTruncation(**episode, ongoing=True)
            if model in self._ends and begin - self._ends[model] <= self._rule.clear_calls:
                at = self._last[model]
                self._found[at] = self._found[at].plus(found)
            else:
                self._last[model] = len(self._found)
                self._found.append(found)
            self._ends[model] = end


def hidden_truncations(calls: pl.DataFrame, rule: HiddenTruncationRule) -> list[HiddenTruncation]:
    """Per model, in order."""
    cuts = HiddenTruncations(rule)
    cuts.add(calls)
    return cuts.found


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
        return f"reasoning used all {humanize.count(output)} tokens" + (
            ", up to the limit" if is_cut else ""
        )
    if call["stream_end"] == "truncated":
        return "the stream broke off before the first token"
    return "no tokens in the answer"
