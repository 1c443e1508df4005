"""system_fingerprint: when it changed, and what that did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.alerts.comparison import (
    Cohort,
    CohortStats,
    Comparison,
    MetricChange,
    compare,
)
from llmlog_tui.analysis.numeric.partition import Key, KeyPartitioner
from llmlog_tui.config.rules import DEFAULT, FingerprintRule
from llmlog_tui.log.chunked_frame import detach
from llmlog_tui.log.schema import IS_STEP

CHANGES_SHOWN: Final = 50
"""Of more changes than this only the latest are told."""

COMPARED_CALLS: Final = 500
"""So many calls on each side of a change are compared: those near it."""

_KEYS: Final = ("provider", "model")
_NAME: Final = pl.col("system_fingerprint")


def with_changed(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `changed`: a step's fingerprint is another one than that of the step before.

    That is the step before, in the same trace, that the same model answered with a fingerprint.
    """
    runs = ("trace_id", "model")  # as numbers, which are sorted many times faster than text
    coded = frame.select_seq("row", "step", "event", _NAME, *(_code(name) for name in runs))
    known = coded.filter(IS_STEP & _NAME.is_not_null() & pl.col("trace_id").is_not_null())
    in_order = known.sort(*runs, "step", maintain_order=True, nulls_last=True)
    same_run = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in runs)
    rows = in_order.filter(same_run & (_NAME.shift(1) != _NAME))["row"]
    return frame.with_columns_seq(changed=pl.col("row").is_in(rows.implode()))


def _code(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Categorical).to_physical()


@dataclass(frozen=True)
class FingerprintChange:
    """A provider's model settled on `fingerprint` for the first time, and before on `previous`.

    `before` is over the last COMPARED_CALLS calls with `previous` before, `after` over the first
    as many with `fingerprint`, `calls` counts all of these; `row` and `ts` are of the first call
    that is settled, `fired_row` of the one that settled it, `last_row` and `last_ts` of the last
    with `fingerprint`; `current` says whether that one answered last.
    """

    provider: str | None
    model: str | None
    previous: str
    fingerprint: str
    ts: datetime | None
    row: int
    fired_row: int
    last_ts: datetime | None
    last_row: int
    calls: int
    before: CohortStats
    after: CohortStats
    table: tuple[MetricChange, ...]
    current: bool


class FingerprintChanges:
    """Finds changes of fingerprint in calls as they come in, per provider and model.

    A model settles on a fingerprint when it answers `settled_calls` calls in a row with it. So
    several that are served at once are a mix, and no change.
    """

    def __init__(self, rule: FingerprintRule) -> None:
        self._rule = rule
        self._calls = 0
        self._by_key = KeyPartitioner(*_KEYS, few=2 * rule.settled_calls - 1)
        self._models: dict[Key, _Model] = {}

    def add(self, calls: pl.DataFrame) -> None:
        """Take in more calls."""
        place = pl.int_range(pl.len()) + self._calls
        self._calls += calls.height
        rows = calls.lazy().select(
            *("row", "ts", *_KEYS, "requested_model", "system_fingerprint"),
            *("latency_ms", "tokens_per_sec", "finish_reason"),
            position=place,
        )
        known = rows.filter(_NAME.is_not_null()).collect()
        for key, part in self._by_key.split(known).items():
            self._models.setdefault(key, _Model(key, self._rule)).add(part)

    def found(self, calls: pl.DataFrame) -> list[FingerprintChange]:
        """Those in `calls`, which are all that were taken in; of over CHANGES_SHOWN the latest."""
        turns = [(turn, model) for model in self._models.values() for turn in model.turns]
        turns.sort(key=lambda pair: pair[0].position)
        return [model.change(turn, calls) for turn, model in turns[-CHANGES_SHOWN:]]


def fingerprint_changes(
    calls: pl.DataFrame, rule: FingerprintRule = DEFAULT.fingerprint
) -> list[FingerprintChange]:
    """Per provider and model, each change of fingerprint; of over CHANGES_SHOWN the latest."""
    all_of = FingerprintChanges(rule)
    all_of.add(calls)
    return all_of.found(calls)


@dataclass(eq=False)
class _Turn:
    """A model settled on `fingerprint`; `older` and `near` are the calls that are compared."""

    previous: str
    fingerprint: str
    row: int
    ts: datetime | None
    position: int
    fired_row: int
    older: pl.DataFrame
    near: pl.DataFrame
    compared: tuple[int, Comparison] | None = None
    """So many near calls, and what comparing them gave."""


class _Last(NamedTuple):
    """How many calls had a fingerprint; key and ts of the last."""

    calls: int
    row: int
    ts: datetime | None


class _Model:
    """What one provider's model answered with."""

    def __init__(self, key: Key, rule: FingerprintRule) -> None:
        self.turns: list[_Turn] = []
        self._provider, self._name = key
        self._rule = rule
        self._settled: dict[str, None] = {}  # all it ever settled on
        self._on: str | None = None  # and the one it settled on last
        self._run: list[pl.DataFrame] = []  # its last calls, if they had the same one
        self._last: dict[str, _Last] = {}
        self._recent: dict[str, pl.DataFrame] = {}
        self._current: str | None = None

    def add(self, rows: pl.DataFrame) -> None:
        """Take in more calls that have a fingerprint."""
        for turn in self.turns:
            if more := COMPARED_CALLS - turn.near.height:
                same = rows.filter(turn.fingerprint == _NAME).head(more)
                turn.near = detach(pl.concat([turn.near, same]), rows.height)
        self._settle(pl.concat([*self._run, rows]))
        for (name,), part in rows.partition_by(
            "system_fingerprint", as_dict=True, maintain_order=True
        ).items():
            known = [self._recent[name]] if name in self._recent else []
            recent = pl.concat([*known, part.tail(COMPARED_CALLS)]).tail(COMPARED_CALLS)
            self._recent[name] = detach(recent, part.height)
            before = self._last[name].calls if name in self._last else 0
            self._last[name] = _Last(before + part.height, *part.select("row", "ts").row(-1))
        self._current = rows["system_fingerprint"][-1]

    def _settle(self, rows: pl.DataFrame) -> None:
        """Find what it settled on in the last calls before, if they were alike, and in new ones."""
        least = self._rule.settled_calls
        runs = (
            rows.with_columns(run=_NAME.rle_id())
            .group_by("run", maintain_order=True)
            .agg(
                pl.col("system_fingerprint", "row", "ts", "position").first(),
                calls=pl.len(),
                fired_row=pl.col("row").slice(least - 1, 1).first(),
            )
        )
        self._run = [detach(rows.tail(min(least, runs["calls"][-1])), rows.height)]
        settled = runs.filter(pl.col("calls") >= least).drop("run", "calls")
        for name, row, ts, position, fired_row in settled.iter_rows():
            if self._on is not None and name not in self._settled:
                older = [self._recent[self._on]] if self._on in self._recent else []
                before = pl.concat([*older, rows]).unique("position", maintain_order=True)
                before = before.filter((self._on == _NAME) & (pl.col("position") < position))
                near = rows.filter((name == _NAME) & (pl.col("position") >= position))
                self.turns.append(
                    _Turn(
                        *(self._on, name, row, ts, position, fired_row),
                        detach(before.tail(COMPARED_CALLS), rows.height),
                        detach(near.head(COMPARED_CALLS), rows.height),
                    )
                )
            self._settled[name] = None
            self._on = name
        del self.turns[:-CHANGES_SHOWN]

    def change(self, turn: _Turn, calls: pl.DataFrame) -> FingerprintChange:
        """What a turn is, among all calls."""
        if turn.compared is None or turn.compared[0] < turn.near.height:
            turn.compared = turn.near.height, self._compared(turn, calls)
        sides = turn.compared[1]
        last = self._last[turn.fingerprint]
        return FingerprintChange(
            provider=self._provider,
            model=self._name,
            previous=turn.previous,
            fingerprint=turn.fingerprint,
            ts=turn.ts,
            row=turn.row,
            fired_row=turn.fired_row,
            last_ts=last.ts,
            last_row=last.row,
            calls=last.calls,
            before=sides.before,
            after=sides.after,
            table=sides.table,
            current=self._current == turn.fingerprint,
        )

    def _compared(self, turn: _Turn, calls: pl.DataFrame) -> Comparison:
        """Both sides; every call counts, also a failed one, that was to be answered like them."""
        older, near = turn.older, turn.near
        asked = pl.concat([older["requested_model"], near["requested_model"]]).unique().drop_nulls()
        at_it = pl.col("provider").eq_missing(pl.lit(self._provider))
        of_it = pl.col("model").eq_missing(pl.lit(self._name)) | (
            pl.col("model").is_null() & pl.col("requested_model").is_in(asked.implode())
        )
        begin, at, end = older["position"][0], turn.position, near["position"][-1] + 1
        every = (
            calls.slice(start, stop - start).lazy().filter(at_it & of_it).select("status").collect()
            for start, stop in ((begin, at), (at, end))
        )
        before, after = map(Cohort, (older, near), every)
        return compare(before, after, self._rule.level)
