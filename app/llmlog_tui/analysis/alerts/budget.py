"""Budget: the hours that cost more than they may."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl


@dataclass(frozen=True)
class BudgetOverrun:
    """An hour (of the clock, UTC) that cost more than it may: `spent`, in USD.

    `calls` are those from the one that went over it, which is `row`, to `last_row`; `is_now` says
    that no call is of a later hour.
    """

    hour: datetime
    spent: float
    calls: int
    row: int
    ts: datetime
    last_row: int
    last_ts: datetime
    is_now: bool = False


class HourlySpending:
    """Finds hours over the budget in calls from cost.priced() as they come in."""

    def __init__(self, usd_per_hour: float) -> None:
        self._most = usd_per_hour
        self._spent: defaultdict[datetime, float] = defaultdict(float)
        self._over: dict[datetime, BudgetOverrun] = {}

    def add(self, calls: pl.DataFrame) -> None:
        """Take in more calls."""
        timed = calls.lazy().filter(pl.col("ts").is_not_null())
        rows = timed.select(
            "row", "ts", usd=pl.col("cost_usd").fill_null(0), hour=pl.col("ts").dt.truncate("1h")
        ).collect()
        parts = rows.partition_by("hour", maintain_order=True, as_dict=True, include_key=False)
        for (hour,), part in parts.items():
            before = pl.Series([self._spent[hour]])
            spent = pl.concat([before, part["usd"]]).cum_sum().slice(1)
            self._spent[hour] = spent[-1]
            over = part.filter(spent > self._most)
            if over.height:
                self._take(hour, over)

    @property
    def found(self) -> list[BudgetOverrun]:
        """All of them, in the order in which they went over."""
        now = max(self._spent, default=None)
        return [replace(over, is_now=hour == now) for hour, over in self._over.items()]

    def _take(self, hour: datetime, calls: pl.DataFrame) -> None:
        (row, ts), (last_row, last_ts) = (calls.select("row", "ts").row(n) for n in (0, -1))
        spent = self._spent[hour]
        new = BudgetOverrun(hour, spent, calls.height, row, ts, last_row, last_ts)
        if before := self._over.get(hour):
            new = replace(new, calls=before.calls + new.calls, row=before.row, ts=before.ts)
        self._over[hour] = new
