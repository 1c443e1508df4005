"""Alert rule `hidden cut`: answers that were cut off under another finish_reason than length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.detector import CallSpan, Detector
from llmlog_tui.analysis.calls.call_model import MODEL
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.calls.truncation import HIDDEN, SIGNS
from llmlog_tui.config.rules import HiddenTruncationRule


@dataclass(frozen=True, kw_only=True)
class HiddenTruncation(CallSpan):
    """An episode of hidden truncation of one model.

    `at_limit`, `broken_arguments` and `broken_stream` count the signs; a call may have several.
    """

    model: str | None
    at_limit: int
    broken_arguments: int
    broken_stream: int
    ongoing: bool

    def plus(self, later: HiddenTruncation) -> HiddenTruncation:
        return replace(
            later,
            calls=self.calls + later.calls,
            at_limit=self.at_limit + later.at_limit,
            broken_arguments=self.broken_arguments + later.broken_arguments,
            broken_stream=self.broken_stream + later.broken_stream,
            ts=self.ts,
            row=self.row,
        )


class HiddenTruncationDetector(Detector[HiddenTruncationRule]):
    """Find hidden truncation per model; `clear_calls` calls without one end an episode."""

    name = "hidden cut"
    config_key = "hidden_truncation"

    def __init__(self, config: HiddenTruncationRule) -> None:
        self._config = config
        self._calls: Counter[str | None] = Counter()  # per model
        self._last: dict[str | None, int] = {}  # index in `_found` of a model's last episode
        self._ends: dict[str | None, int] = {}  # index among the model's calls of its last hit
        self._found: list[HiddenTruncation] = []

    def add(self, calls: Calls) -> None:
        if calls.select(HIDDEN.any()).item():  # rare: most batches need no grouping
            hits = calls.lazy().select(
                *("row", "ts"),
                model=MODEL,
                hidden=HIDDEN,
                index=pl.int_range(pl.len()).over(MODEL),
                **{name: sign.fill_null(value=False) for name, sign in SIGNS.items()},
            )
            self._extend(hits.filter("hidden").collect())
        self._calls.update(dict(calls.select(model=MODEL).group_by("model").len().iter_rows()))

    @property
    def found(self) -> list[HiddenTruncation]:
        return [
            replace(found, ongoing=at == self._last[found.model] and self._is_near(found.model))
            for at, found in enumerate(self._found)
        ]

    def alerts(self) -> Iterator[Alert]:
        for found in self.found:
            signs = (
                (found.at_limit, "at max_tokens", ""),
                (found.broken_arguments, "broken argument", "s"),
                (found.broken_stream, "broken stream", "s"),
            )
            evidence = ", ".join(
                f"{number:,} {sign}{'' if number == 1 else plural}"
                for number, sign, plural in signs
                if number
            )
            what = "cut off, not finish_reason length"
            yield self._alert(found, found.model, what, evidence, ongoing=found.ongoing)

    @classmethod
    def explain(cls, config: HiddenTruncationRule) -> str:
        return (
            "Calls that used up max_tokens, or broke off in tool arguments or in a stream, without "
            f"finish_reason length. Cleared after {config.clear_calls:,} calls without one."
        )

    def _is_near(self, model: str | None) -> bool:
        return self._calls[model] - self._ends[model] <= self._config.clear_calls

    def _extend(self, hits: pl.DataFrame) -> None:
        """Process truncated calls, each with its `index` among the new calls of its model."""
        apart = pl.col("index") - pl.col("index").shift(1).over("model") > self._config.clear_calls
        episodes = (
            hits.with_columns(episode=apart.fill_null(value=True).cum_sum().over("model"))
            .group_by("model", "episode", maintain_order=True)
            .agg(
                pl.col("row", "ts").first(),
                pl.col("row", "ts").last().name.prefix("last_"),
                pl.col("index").first().alias("begin"),
                pl.col("index").last().alias("end"),
                pl.col(*SIGNS).sum(),
                calls=pl.len(),
            )
        )
        for episode in episodes.drop("episode").iter_rows(named=True):
            model, added = episode["model"], self._calls[episode["model"]]
            begin, end = added + episode.pop("begin"), added + episode.pop("end")
            found = HiddenTruncation(**episode, ongoing=True)
            if model in self._ends and begin - self._ends[model] <= self._config.clear_calls:
                at = self._last[model]
                self._found[at] = self._found[at].plus(found)
            else:
                self._last[model] = len(self._found)
                self._found.append(found)
            self._ends[model] = end


DETECTOR = HiddenTruncationDetector
