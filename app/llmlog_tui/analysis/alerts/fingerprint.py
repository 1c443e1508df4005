"""Alert rule `fingerprint`: a model settled on another system_fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.call_counts import (
    COUNTS_BEFORE,
    KEYS,
    CallCounts,
    Counts,
    with_model,
)
from llmlog_tui.analysis.alerts.comparison import (
    Cohort,
    CohortStats,
    Comparison,
    MetricChange,
    compare,
)
from llmlog_tui.analysis.alerts.detector import CallSpan, Detector
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.calls.truncation import CUT_OFF_COLUMNS
from llmlog_tui.analysis.numeric.partition import Key, KeyPartitioner
from llmlog_tui.config.rules import FingerprintRule
from llmlog_tui.log.chunked_frame import detach

CHANGES_SHOWN: Final = 50
"""Maximum changes reported, the latest ones."""

COMPARED_CALLS: Final = 500
"""Maximum calls compared on each side of a change, the nearest ones."""

_NAME: Final = pl.col("system_fingerprint")


@dataclass(frozen=True, kw_only=True)
class FingerprintChange(CallSpan):
    """A provider's model settled on `fingerprint` for the first time, after `previous`.

    `before` is over the last COMPARED_CALLS calls with `previous`, `after` over the first
    COMPARED_CALLS with `fingerprint`, and `calls` counts all calls with it. `row` and `ts` are of
    the first settled call, `fired_row` of the call that settled it, `last_row` and `last_ts` of the
    last with `fingerprint`; `current`: it is the model's latest fingerprint.
    """

    provider: str | None
    model: str | None
    previous: str
    fingerprint: str
    fired_row: int
    before: CohortStats
    after: CohortStats
    table: tuple[MetricChange, ...]
    current: bool


class FingerprintDetector(Detector[FingerprintRule]):
    """Find changes of fingerprint per provider and model.

    A model settles on a fingerprint with which it answers `settled_calls` calls in a row, so
    several that are served at once are a mix, and no change.
    """

    name = "fingerprint"
    config_key = "fingerprint"
    marks_change = True

    def __init__(self, config: FingerprintRule) -> None:
        self._config = config
        self._calls = 0
        self._counts = CallCounts()
        self._by_key = KeyPartitioner(*KEYS, min_rows=2 * config.settled_calls)
        self._models: dict[Key, _Model] = {}

    def add(self, calls: Calls) -> None:
        position = pl.int_range(pl.len()) + self._calls
        self._calls += calls.height
        rows = with_model(calls).select(
            *("row", "ts", *KEYS, "requested_model", "system_fingerprint"),
            *("latency_ms", "tokens_per_sec", *CUT_OFF_COLUMNS),
            position=position,
            **COUNTS_BEFORE,
        )
        known = self._counts.with_earlier(rows.filter(_NAME.is_not_null()).collect())
        self._counts.add(calls)
        for key, part in self._by_key.split(known).items():
            self._models.setdefault(key, _Model(key, self._config)).add(part)

    @property
    def found(self) -> list[FingerprintChange]:
        """The latest CHANGES_SHOWN changes."""
        changes = [(change, model) for model in self._models.values() for change in model.changes]
        changes.sort(key=lambda pair: pair[0].position)
        return [model.change(change, self._counts) for change, model in changes[-CHANGES_SHOWN:]]

    def alerts(self) -> Iterator[Alert]:
        for change in self.found:
            before, after = change.before, change.after
            yield self._alert(
                change,
                change.model,
                f"{change.previous} → {change.fingerprint}",
                f"p95 {humanize.integer(before.p95_ms)} → {humanize.integer(after.p95_ms)} ms, "
                f"cut off {humanize.percent(before.cut_off)} → "
                f"{humanize.percent(after.cut_off)}",
                ongoing=change.current,
                fired_row=change.fired_row,
                table=change.table,
                provider=change.provider,
            )

    @classmethod
    def explain(cls, config: FingerprintRule) -> str:
        return (
            f"The calls on both sides of a change that {config.settled_calls} calls in a row have "
            "confirmed."
        )


@dataclass(eq=False)
class _Change:
    """A model settled on `fingerprint`; `older` and `newer` are the compared calls."""

    previous: str
    fingerprint: str
    row: int
    ts: datetime | None
    position: int
    before: Counts  # of its provider and model
    fired_row: int
    older: pl.DataFrame
    newer: pl.DataFrame
    compared: tuple[int, Comparison] | None = None
    """Number of newer calls, and their comparison."""


class _Last(NamedTuple):
    """Number of calls with a fingerprint; key and ts of the last."""

    calls: int
    row: int
    ts: datetime | None


class _Model:
    def __init__(self, key: Key, rule: FingerprintRule) -> None:
        self.changes: list[_Change] = []
        self._provider, self._name = key
        self._rule = rule
        self._settled: dict[str, None] = {}  # every fingerprint it ever settled on
        self._on: str | None = None  # the latest of them
        self._run: list[pl.DataFrame] = []  # its last calls with the same fingerprint
        self._last: dict[str, _Last] = {}
        self._recent: dict[str, pl.DataFrame] = {}
        self._current: str | None = None

    def add(self, rows: pl.DataFrame) -> None:
        for change in self.changes:
            if more := COMPARED_CALLS - change.newer.height:
                same = rows.filter(change.fingerprint == _NAME).head(more)
                change.newer = detach(pl.concat([change.newer, same]), rows.height)
        self._settle(pl.concat([*self._run, rows]))
        for name, part in _by_name(rows).items():
            known = [self._recent[name]] if name in self._recent else []
            recent = pl.concat([*known, part.tail(COMPARED_CALLS)]).tail(COMPARED_CALLS)
            self._recent[name] = detach(recent, part.height)
            before = self._last[name].calls if name in self._last else 0
            self._last[name] = _Last(before + part.height, *part.select("row", "ts").row(-1))
        self._current = rows["system_fingerprint"][-1]

    def _settle(self, rows: pl.DataFrame) -> None:
        """Find the fingerprints it settled on, in the run before and new calls."""
        least = self._rule.settled_calls
        runs = (
            rows.with_columns(run=_NAME.rle_id())
            .group_by("run", maintain_order=True)
            .agg(
                pl.col("system_fingerprint", "row", "ts", "position", *COUNTS_BEFORE).first(),
                calls=pl.len(),
                fired_row=pl.col("row").slice(least - 1, 1).first(),
            )
        )
        self._run = [detach(rows.tail(min(least, runs["calls"][-1])), rows.height)]
        settled = runs.filter(pl.col("calls") >= least).drop("run", "calls")
        by_name = _by_name(rows) if settled.height else {}
        for name, row, ts, position, calls, failed, fired_row in settled.iter_rows():
            # A return to a fingerprint settled on before is no change.
            if self._on is not None and name not in self._settled:
                older = self._last_before(position, by_name.get(self._on, rows.clear()))
                since = by_name[name]["position"].search_sorted(position)
                newer = by_name[name].slice(since, COMPARED_CALLS)
                self.changes.append(
                    _Change(
                        *(self._on, name, row, ts, position, Counts(calls, failed), fired_row),
                        detach(older, rows.height),
                        detach(newer, rows.height),
                    )
                )
                del self.changes[:-CHANGES_SHOWN]
            self._settled[name] = None
            self._on = name

    def _last_before(self, position: int, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the latest calls with the settled fingerprint, earlier ones and `rows`."""
        new = rows.head(rows["position"].search_sorted(position)).tail(COMPARED_CALLS)
        before = [self._recent[self._on]] if self._on in self._recent else []
        # Rows of the last run are in both.
        both = pl.concat([*before, new]).unique("position", maintain_order=True)
        return both.tail(COMPARED_CALLS)

    def change(self, change: _Change, counts: CallCounts) -> FingerprintChange:
        if change.compared is None or change.compared[0] < change.newer.height:
            change.compared = change.newer.height, self._compared(change, counts)
        sides = change.compared[1]
        last = self._last[change.fingerprint]
        return FingerprintChange(
            provider=self._provider,
            model=self._name,
            previous=change.previous,
            fingerprint=change.fingerprint,
            ts=change.ts,
            row=change.row,
            fired_row=change.fired_row,
            last_ts=last.ts,
            last_row=last.row,
            calls=last.calls,
            before=sides.before,
            after=sides.after,
            table=sides.table,
            current=self._current == change.fingerprint,
        )

    def _compared(self, change: _Change, counts: CallCounts) -> Comparison:
        """Compare both sides; failed calls that requested the same models count too."""
        older, newer = change.older, change.newer
        names = pl.concat([older, newer])["requested_model"].unique().drop_nulls()
        requested = names.filter(names.ne_missing(self._name))  # those are among its calls
        positions = (older["position"][0], change.position, newer["position"][-1] + 1)
        first, last = (
            rows.select(*COUNTS_BEFORE).row(at) for rows, at in ((older, 0), (newer, -1))
        )
        has_failed = newer["status"][-1] == "error"
        before = change.before.minus(Counts(*first))
        after = Counts(*last).plus(Counts(1, has_failed)).minus(change.before)
        if self._name is not None:
            unanswered = (
                counts.unanswered(start, stop, self._provider, requested)
                for start, stop in pairwise(positions)
            )
            before, after = map(Counts.plus, (before, after), unanswered)
        return compare(Cohort(older, before), Cohort(newer, after), self._rule.level)


def _by_name(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = rows.partition_by("system_fingerprint", as_dict=True, maintain_order=True)
    return {name: part for (name,), part in parts.items()}


DETECTOR = FingerprintDetector
