"""system_fingerprint: when it changed, and what that did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.calls import FAILED, TRUNCATED
from llmlog_tui.analysis.chance import chance_of_difference, mann_whitney
from llmlog_tui.analysis.rules import DEFAULT, Fingerprint

CHANGES_SHOWN: Final = 50
"""Of more changes than this only the latest are told."""

COMPARED_CALLS: Final = 500
"""So many calls on each side of a change are compared: those near it."""

_KEYS: Final = ("provider", "model")
_NAME: Final = pl.col("system_fingerprint")


def with_changed(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `changed`: the fingerprint is another one than that of the step before.

    That is the step before, in the same trace, that the same model answered with a fingerprint.
    """
    runs = ("trace_id", "model")  # as numbers, which are sorted many times faster than text
    coded = frame.select("row", "step", _NAME, *(_code(name) for name in runs))
    known = coded.filter(_NAME.is_not_null() & pl.col("trace_id").is_not_null())
    in_order = known.sort(*runs, "step", maintain_order=True, nulls_last=True)
    same_run = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in runs)
    rows = in_order.filter(same_run & (_NAME.shift(1) != _NAME))["row"]
    return frame.with_columns(changed=pl.col("row").is_in(rows.implode()))


def _code(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Categorical).to_physical()


@dataclass(frozen=True)
class Side:
    """One side of a change: its calls, latency in ms, median tokens/s, shares cut off and failed.

    Failed calls have no fingerprint: the share is of all calls to the model in the same time.
    """

    calls: int
    p50_ms: float | None
    p95_ms: float | None
    tokens_per_sec: float | None
    truncated: float
    failed: float


@dataclass(frozen=True)
class Compared:
    """One figure on both sides, and the chance of such a difference without a cause (None: ?).

    `is_chance` says that it is within noise, by the level of the rule; p50 and p95 share the test.
    """

    name: str
    before: float | None
    after: float | None
    p: float | None
    is_chance: bool


@dataclass(frozen=True)
class Change:
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
    before: Side
    after: Side
    table: tuple[Compared, ...]
    current: bool


def changes(calls: pl.DataFrame, rule: Fingerprint = DEFAULT.fingerprint) -> list[Change]:
    """Per provider and model, each change of fingerprint; of over CHANGES_SHOWN the latest.

    A model settles on a fingerprint when it answers `settled_calls` calls in a row with it. So
    several that are served at once are a mix, and no change.
    """
    known = calls.select(
        *("row", "ts", "provider", "model", "requested_model", "system_fingerprint"),
        *("latency_ms", "tokens_per_sec", "finish_reason"),
        position=pl.int_range(pl.len()),
    ).filter(_NAME.is_not_null())
    several = known.group_by(_KEYS).agg(several=_NAME.min() != _NAME.max()).filter("several")
    known = known.join(several, on=_KEYS, how="semi", nulls_equal=True, maintain_order="left")
    found = [
        _change(calls, of_model, turn, rule)
        for _, of_model in known.group_by(_KEYS, maintain_order=True)
        for turn in _turns(of_model, rule.settled_calls)[-CHANGES_SHOWN:]
    ]
    return [change for _, change in sorted(found, key=lambda pair: pair[0])][-CHANGES_SHOWN:]


class _Turn(NamedTuple):
    previous: str
    fingerprint: str
    nth: int
    fired: int


def _turns(of_model: pl.DataFrame, settled_calls: int) -> list[_Turn]:
    runs = (
        of_model.select(_NAME, run=_NAME.rle_id(), nth=pl.int_range(pl.len()))
        .group_by("run", maintain_order=True)
        .agg(_NAME.first(), pl.col("nth").first(), calls=pl.len())
        .filter(pl.col("calls") >= settled_calls)
        .select("system_fingerprint", "nth")
    )
    settled: list[str] = []
    seen: set[str] = set()
    turns = []
    for name, nth in runs.iter_rows():
        if settled and name not in seen:
            turns.append(_Turn(settled[-1], name, nth, nth + settled_calls - 1))
        seen.add(name)
        settled.append(name)
    return turns


def _change(
    calls: pl.DataFrame, of_model: pl.DataFrame, turn: _Turn, rule: Fingerprint
) -> tuple[int, Change]:
    older = of_model.head(turn.nth).filter(turn.previous == _NAME).tail(COMPARED_CALLS)
    newer = of_model.filter(turn.fingerprint == _NAME)
    near = newer.filter(pl.col("position") >= of_model["position"][turn.nth]).head(COMPARED_CALLS)
    begin, at = older["position"][0], near["position"][0]
    asked = of_model["requested_model"].unique().drop_nulls()
    at_it = pl.col("provider").eq_missing(pl.lit(of_model["provider"][0]))
    of_it = pl.col("model").eq_missing(pl.lit(of_model["model"][0])) | (
        pl.col("model").is_null() & pl.col("requested_model").is_in(asked.implode())
    )
    sides = [
        (older, calls.slice(begin, at - begin).filter(at_it & of_it)),
        (near, calls.slice(at, near["position"][-1] - at + 1).filter(at_it & of_it)),
    ]
    before, after = (_side(side, every) for side, every in sides)
    row, ts = of_model.select("row", "ts").row(turn.nth)
    last_row, last_ts = newer.select("row", "ts").row(-1)
    return at, Change(
        provider=of_model["provider"][0],
        model=of_model["model"][0],
        previous=turn.previous,
        fingerprint=turn.fingerprint,
        ts=ts,
        row=row,
        fired_row=of_model["row"][turn.fired],
        last_ts=last_ts,
        last_row=last_row,
        calls=newer.height,
        before=before,
        after=after,
        table=_table(sides, before, after, rule.level),
        current=of_model["system_fingerprint"][-1] == turn.fingerprint,
    )


def _side(calls: pl.DataFrame, every: pl.DataFrame) -> Side:
    latency = calls["latency_ms"]
    failed, truncated = every.select(FAILED.mean()).item(), calls.select(TRUNCATED.mean()).item()
    speed = calls["tokens_per_sec"].median()
    return Side(
        calls=calls.height,
        p50_ms=latency.quantile(0.5, interpolation="linear"),
        p95_ms=latency.quantile(0.95, interpolation="linear"),
        tokens_per_sec=speed if isinstance(speed, float) else None,
        truncated=truncated,
        failed=failed or 0.0,
    )


def _table(
    sides: list[tuple[pl.DataFrame, pl.DataFrame]], before: Side, after: Side, level: float
) -> tuple[Compared, ...]:
    """The figures side by side: Mann-Whitney for latency and tokens/s, Fisher for shares."""
    (older, every_older), (newer, every_newer) = sides
    latency = mann_whitney(older["latency_ms"], newer["latency_ms"])
    speed = mann_whitney(older["tokens_per_sec"], newer["tokens_per_sec"])
    cut_off = _of_shares(older, newer, TRUNCATED)
    failed = _of_shares(every_older, every_newer, FAILED)
    figures = (
        ("p50 ms", before.p50_ms, after.p50_ms, latency),
        ("p95 ms", before.p95_ms, after.p95_ms, latency),
        ("tok/s", before.tokens_per_sec, after.tokens_per_sec, speed),
        ("cut off", before.truncated, after.truncated, cut_off),
        ("failed", before.failed, after.failed, failed),
    )
    return tuple(
        Compared(name, b, a, p, is_chance=p is None or p >= level) for name, b, a, p in figures
    )


def _of_shares(before: pl.DataFrame, after: pl.DataFrame, hit: pl.Expr) -> float:
    hits = (side.select(hit.sum()).item() for side in (before, after))
    return chance_of_difference(next(hits), before.height, next(hits), after.height)
