"""Alert rule `budget`: hours that cost more than the budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.alerts.detector import CallSpan, Detector
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.config.rules import BudgetRule


@dataclass(frozen=True, kw_only=True)
class BudgetOverrun(CallSpan):
    """Calls of an hour (UTC) since the budget was exceeded; `spent` in USD."""

    spent: float


class BudgetDetector(Detector[BudgetRule]):
    """Find hours over the budget in calls from cost.priced()."""

    name = "budget"
    config_key = "budget"
    needs_cost = True

    def __init__(self, config: BudgetRule) -> None:
        self._limit = config.usd_per_hour or 0.0
        self._spent: defaultdict[datetime, float] = defaultdict(float)
        self._overruns: dict[datetime, BudgetOverrun] = {}

    def add(self, calls: Calls) -> None:
        if "cost_usd" not in calls.columns:
            return
        timed = calls.lazy().filter(pl.col("ts").is_not_null())
        rows = timed.select(
            "row", "ts", usd=pl.col("cost_usd").fill_null(0), hour=pl.col("ts").dt.truncate("1h")
        ).collect()
        parts = rows.partition_by("hour", maintain_order=True, as_dict=True, include_key=False)
        for (hour,), part in parts.items():
            before = pl.Series([self._spent[hour]])
            spent = pl.concat([before, part["usd"]]).cum_sum().slice(1)
            self._spent[hour] = spent[-1]
            over = part.filter(spent > self._limit)
            if over.height:
                self._extend(hour, over)

    def _extend(self, hour: datetime, calls: pl.DataFrame) -> None:
        (row, ts), (last_row, last_ts) = (calls.select("row", "ts").row(n) for n in (0, -1))
        new = BudgetOverrun(
            spent=self._spent[hour],
            calls=calls.height,
            row=row,
            ts=ts,
            last_row=last_row,
            last_ts=last_ts,
        )
        if before := self._overruns.get(hour):
            new = replace(new, calls=before.calls + new.calls, row=before.row, ts=before.ts)
        self._overruns[hour] = new

    def alerts(self) -> Iterator[Alert]:
        newest = max(self._spent, default=None)
        for hour, found in self._overruns.items():
            yield self._alert(
                found,
                "all models",
                f"{humanize.money(found.spent)} since {humanize.local(hour):%H:%M}",
                f"the budget is {humanize.money(self._limit)} an hour",
                ongoing=hour == newest,
            )

    @classmethod
    def scope(cls, alert: Alert, calls: Calls) -> str:  # noqa: ARG003 - of all models
        return "cost_usd is not null"

    @classmethod
    def explain(cls, config: BudgetRule) -> str:
        return (
            "What the calls of an hour of the clock cost: an alert over "
            f"{humanize.money(config.usd_per_hour)}, from the call that went over."
        )

    @classmethod
    def proximity(cls, config: BudgetRule, calls: Calls) -> float | None:
        """Return the part of the budget that the newest hour has spent."""
        if not config.usd_per_hour or "cost_usd" not in calls.columns:
            return None
        newest = pl.col("ts").max()
        costs = pl.col("cost_usd").filter(pl.col("ts") >= newest.dt.truncate("1h")).drop_nulls()
        spent = calls.select(pl.when(costs.len() > 0).then(costs.sum())).item()
        return None if spent is None else float(spent) / config.usd_per_hour


DETECTOR = BudgetDetector
