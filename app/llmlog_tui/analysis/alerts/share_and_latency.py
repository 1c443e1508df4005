"""Rises: which calls are those of a stretch in which a share of them, or their latency, was up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.change_detection import WIDTHS, Episode, WindowedSeries
from llmlog_tui.analysis.numeric.partition import Key, KeyPartitioner
from llmlog_tui.config.rules import TrendRule
from llmlog_tui.log.chunked_frame import detach

_FEW: Final = 50
"""Of a subject with so many calls or less nothing is said."""


@dataclass(frozen=True)
class Shift:
    """A stretch of one subject's calls at one provider in which their level was up.

    `hits` counts the calls that are what the rule watches for (all where it watches latency); `row`
    and `ts` are of the first, `last_row` and `last_ts` of the last one, `fired_row` of the call
    with which it fired.
    """

    provider: str | None
    subject: str | None
    stretch: Episode
    hits: int
    row: int
    ts: datetime | None
    fired_row: int
    last_row: int
    last_ts: datetime | None


class ShiftDetector:
    """Finds rises in calls as they come in, for each provider and subject with over 50 calls.

    `value` is what windows.Series takes, of the calls that are `among` those watched.
    """

    def __init__(
        self,
        rule: TrendRule,
        subject: pl.Expr,
        value: pl.Expr,
        among: pl.Expr,
        *,
        of_latency: bool = False,
    ) -> None:
        self._rule, self._of_latency = rule, of_latency
        self._among = among
        self._columns = {"subject": subject, "value": value.cast(pl.Float64)}
        self._by_key = KeyPartitioner("provider", "subject", few=_FEW)
        self._watched: dict[Key, SubjectState] = {}

    def add(self, calls: pl.DataFrame) -> None:
        """Take in more calls."""
        of_interest = calls.lazy().filter(self._among)
        rows = of_interest.select("provider", "row", "ts", **self._columns).collect()
        for key, part in self._by_key.split(rows).items():
            if key not in self._watched:
                none = part.clear()
                self._watched[key] = SubjectState(
                    key, none, self._rule, of_latency=self._of_latency
                )
            self._watched[key].add(part)

    @property
    def found(self) -> list[Shift]:
        """All of them."""
        return [rise for watched in self._watched.values() for rise in watched.rises]


class SubjectState:
    """The calls of a subject at a provider: their rises, and the last rows.

    So many rows are kept that every stretch is seen to begin, and to end, among them: it begins at
    most as many windows back as the widest that are judged, and ends before those that clear it.
    """

    def __init__(self, key: Key, rows: pl.DataFrame, rule: TrendRule, *, of_latency: bool) -> None:
        self.rises: list[Shift] = []
        self._provider, self._subject = key
        self._of_latency = of_latency
        self._series = WindowedSeries(rule, of_latency=of_latency)
        self._rows, self._first = rows, 0
        self._kept = (max(WIDTHS) + rule.clear_windows + 1) * rule.window_calls

    def add(self, rows: pl.DataFrame) -> None:
        """Take in more rows: row, ts, value."""
        self._rows = pl.concat([self._rows, rows])
        self._series.add(rows["value"])
        before = self.rises.pop() if self.rises and self.rises[-1].stretch.ongoing else None
        for stretch in self._series.stretches[len(self.rises) :]:
            self.rises.append(self._rise(stretch, before))
            before = None
        drop = max(0, self._rows.height - self._kept)
        self._rows = detach(self._rows.slice(drop), self._rows.height)
        self._first += drop

    def _rise(self, stretch: Episode, before: Shift | None) -> Shift:
        """The rise in a stretch, which was `before` what it was found to be so far."""
        start = max(0, stretch.start - self._first)
        hits = self._rows.slice(start, stretch.stop - self._first - start)
        if not self._of_latency:
            hits = hits.filter(pl.col("value") > 0)
        last_row, last_ts = hits.select("row", "ts").row(-1)
        if before is None:
            row, ts = hits.select("row", "ts").row(0)
            fired_row = self._rows["row"][stretch.fired - self._first]
        else:
            row, ts, fired_row = before.row, before.ts, before.fired_row
        return Shift(
            provider=self._provider,
            subject=self._subject,
            stretch=stretch,
            hits=stretch.stop - stretch.start if self._of_latency else round(stretch.total),
            row=row,
            ts=ts,
            fired_row=fired_row,
            last_row=last_row,
            last_ts=last_ts,
        )
