"""Base of the rules on the level of a series: share of calls, or latency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.change_detection import WIDTHS, Episode, WindowedSeries
from llmlog_tui.analysis.alerts.detector import CallSpan, Detector
from llmlog_tui.analysis.calls.call_model import MODEL
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.numeric.partition import Key, KeyPartitioner
from llmlog_tui.config.rules import TrendRule
from llmlog_tui.log.chunked_frame import detach

_MIN_CALLS: Final = 51
"""Minimum calls per subject."""


@dataclass(frozen=True, kw_only=True)
class Shift(CallSpan):
    """An episode in the calls of one subject at one provider.

    It spans the calls with the watched property (all of them for latency); `fired_row` is the call
    that made it fire.
    """

    provider: str | None
    subject: str | None
    episode: Episode
    fired_row: int


class ShiftDetector(Detector[TrendRule]):
    """Base of the rules that find a level that rose, per provider and subject."""

    verb: ClassVar[str]
    """First word of an alert's text."""

    metric: ClassVar[str]
    """The watched level, as the subject of a sentence."""

    subject: ClassVar[pl.Expr] = MODEL
    value: ClassVar[pl.Expr]
    """Value of a call, as WindowedSeries needs it."""

    mask: ClassVar[pl.Expr]
    """Predicate for the calls that have a value."""

    of_latency: ClassVar[bool] = False

    def __init__(self, config: TrendRule) -> None:
        self._config = config
        self._by_key = KeyPartitioner("provider", "subject", min_rows=_MIN_CALLS)
        self._subjects: dict[Key, SubjectState] = {}

    def add(self, calls: Calls) -> None:
        columns = {"subject": self.subject, "value": self.value.cast(pl.Float64)}
        rows = calls.lazy().filter(self.mask).select("provider", "row", "ts", **columns).collect()
        for key, part in self._by_key.split(rows).items():
            if key not in self._subjects:
                self._subjects[key] = SubjectState(
                    key, part.clear(), self._config, of_latency=self.of_latency
                )
            self._subjects[key].add(part)

    def alerts(self) -> Iterator[Alert]:
        for subject in self._subjects.values():
            for shift in subject.shifts:
                yield self._alert(
                    shift,
                    shift.subject,
                    self._what(shift.episode),
                    f"p < {_bound(shift.episode.p)}",
                    ongoing=shift.episode.ongoing,
                    fired_row=shift.fired_row,
                    provider=shift.provider,
                )

    def _what(self, episode: Episode) -> str:
        before, after = humanize.percent(episode.before), humanize.percent(episode.after)
        return f"{self.verb} {before} → {after} of {episode.stop - episode.start:,} calls"

    @classmethod
    def explain(cls, config: TrendRule) -> str:
        return (
            f"{cls.metric}, in windows of {config.window_calls:,} calls, against those before. In "
            "a log that stays as it is the chance of any such alert is "
            f"{humanize.percent(config.level)}."
        )


def _bound(p: float) -> str:
    """Return the power of ten above `p`, from 0.000001 to 1."""
    bounds = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    return f"{next((bound for bound in bounds if p < bound), 1):.6f}".rstrip("0").rstrip(".")


class SubjectState:
    """The shifts of one subject at one provider, and its most recent rows.

    The kept rows contain the start and the end of every episode that is still to be reported: it
    starts within the widest judged span of windows, and ends before the windows that clear it.
    """

    def __init__(self, key: Key, rows: pl.DataFrame, rule: TrendRule, *, of_latency: bool) -> None:
        self.shifts: list[Shift] = []
        self._provider, self._subject = key
        self._of_latency = of_latency
        self._series = WindowedSeries(rule, of_latency=of_latency)
        self._rows, self._first = rows, 0
        self._max_rows = (max(WIDTHS) + rule.clear_windows + 1) * rule.window_calls

    def add(self, rows: pl.DataFrame) -> None:
        self._rows = pl.concat([self._rows, rows])
        self._series.add(rows["value"])
        before = self.shifts.pop() if self.shifts and self.shifts[-1].episode.ongoing else None
        for episode in self._series.episodes[len(self.shifts) :]:
            self.shifts.append(self._shift(episode, before))
            before = None
        drop = max(0, self._rows.height - self._max_rows)
        self._rows = detach(self._rows.slice(drop), self._rows.height)
        self._first += drop

    def _shift(self, episode: Episode, before: Shift | None) -> Shift:
        """Return the shift of an episode; `before` is the shift it continues, if any."""
        start = max(0, episode.start - self._first)
        hits = self._rows.slice(start, episode.stop - self._first - start)
        if not self._of_latency:
            hits = hits.filter(pl.col("value") > 0)
        last_row, last_ts = hits.select("row", "ts").row(-1)
        if before is None:
            row, ts = hits.select("row", "ts").row(0)
            fired_row = self._rows["row"][episode.fired - self._first]
        else:
            row, ts, fired_row = before.row, before.ts, before.fired_row
        return Shift(
            provider=self._provider,
            subject=self._subject,
            episode=episode,
            calls=episode.stop - episode.start if self._of_latency else round(episode.total),
            row=row,
            ts=ts,
            fired_row=fired_row,
            last_row=last_row,
            last_ts=last_ts,
        )
