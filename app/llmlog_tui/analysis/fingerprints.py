"""system_fingerprint: when it changed, and what that did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import polars as pl

from llmlog_tui.analysis.calls import TRUNCATED


def changed_within_trace() -> pl.Expr:
    """Predicate: another fingerprint than the call to the same model before it in its trace."""
    known = pl.col("system_fingerprint")
    before = known.forward_fill().shift(1).over("trace_id", "model")
    return (known != before).fill_null(value=False) & pl.col("trace_id").is_not_null()


@dataclass(frozen=True)
class Side:
    """One side of a change: its calls, their p95 in ms, and the share that was cut off."""

    calls: int
    p95_ms: float | None
    truncated: float


@dataclass(frozen=True)
class Change:
    """A model answered with `fingerprint`, never seen before, after `previous`.

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
    """Per model, each first sight of a new fingerprint after others, in order of `row`."""
    known = calls.filter(pl.col("system_fingerprint").is_not_null())
    seen = known.group_by("model", "system_fingerprint", maintain_order=True).agg(
        pl.col("ts").first(),
        pl.col("row").first(),
        last=pl.col("row").last(),
        calls=pl.len(),
        p95_ms=pl.col("latency_ms").quantile(0.95, interpolation="linear"),
        truncated=TRUNCATED.mean(),
    )
    found: list[Change] = []
    for _, served in seen.group_by("model", maintain_order=True):
        rows = served.to_dicts()
        newest = max(row["last"] for row in rows)
        found.extend(
            Change(
                model=new["model"],
                previous=old["system_fingerprint"],
                fingerprint=new["system_fingerprint"],
                ts=new["ts"],
                row=new["row"],
                before=Side(old["calls"], old["p95_ms"], old["truncated"]),
                after=Side(new["calls"], new["p95_ms"], new["truncated"]),
                current=new["last"] == newest,
            )
            for old, new in pairwise(rows)
        )
    return sorted(found, key=lambda change: change.row)
