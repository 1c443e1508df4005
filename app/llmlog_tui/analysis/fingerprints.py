"""system_fingerprint: when it changed, and what that did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls import TRUNCATED

CHANGES_SHOWN: Final = 200
"""Of more changes than this only the latest are told: so many are a mix, and no news."""

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
    """One side of a change: its calls, their p95 in ms, and the share that was cut off."""

    calls: int
    p95_ms: float | None
    truncated: float


@dataclass(frozen=True)
class Change:
    """A model answered with `fingerprint`, never seen before, right after `previous`.

    `before` is over the model's calls with `previous`, `after` over those with `fingerprint`;
    `current` says whether it is the one that answered last.
    """

    model: str | None
    previous: str
    fingerprint: str
    ts: datetime | None
    row: int
    before: Side
    after: Side
    current: bool


def changes(calls: pl.DataFrame) -> list[Change]:
    """Per model, each first sight of a new fingerprint after others, in the order of `calls`.

    Of more than CHANGES_SHOWN the latest.
    """
    known = (
        calls.with_row_index("position")
        .filter(_NAME.is_not_null())
        .with_columns(previous=_NAME.shift(1).over("model"))
    )
    served = known.group_by("model", "system_fingerprint", maintain_order=True).agg(
        pl.col("ts", "row", "position", "previous").first(),
        last=pl.col("position").last(),
        calls=pl.len(),
        p95_ms=pl.col("latency_ms").quantile(0.95, interpolation="linear"),
        truncated=TRUNCATED.mean(),
    )
    before = served.select("model", "calls", "p95_ms", "truncated", previous="system_fingerprint")
    new = (
        served.with_columns(current=pl.col("last") == pl.col("last").max().over("model"))
        .filter(pl.col("previous").is_not_null())
        .sort("position")
        .tail(CHANGES_SHOWN)
        .join(before, on=["model", "previous"], suffix="_before", nulls_equal=True)
        .sort("position")
    )
    return [
        Change(
            model=row["model"],
            previous=row["previous"],
            fingerprint=row["system_fingerprint"],
            ts=row["ts"],
            row=row["row"],
            before=Side(row["calls_before"], row["p95_ms_before"], row["truncated_before"]),
            after=Side(row["calls"], row["p95_ms"], row["truncated"]),
            current=row["current"],
        )
        for row in new.iter_rows(named=True)
    ]
