"""The charts and lists of a report, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.alert import Alert
from llmlog_tui.analysis.calls.calls import FAILED, Baseline, baselines, model_calls, slow
from llmlog_tui.analysis.calls.cost import PRICED_TOKENS, priced, rates
from llmlog_tui.analysis.calls.percentiles import IS_TOOL
from llmlog_tui.analysis.reports.trends import CALLS_PER_GROUP, Trends, marks_of, trends
from llmlog_tui.analysis.reports.trends import COLUMNS as OF_TRENDS
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.schema import COLUMNS, IS_CALL, IS_STEP, without_nulls

LISTED: Final = 25
"""Maximum calls, runs and groups of a list."""

_SLICES: Final = 60

_OF_BASELINES: Final = ("model", "status", "ttft_ms", "prompt_tokens")
_KEPT: Final = tuple(dict.fromkeys((*OF_TRENDS, *_OF_BASELINES)))
"""Columns that are kept of each call."""

_SHOWN: Final = (
    *("ts", "event", "trace_id", "step", "status", "model", "requested_model", "provider"),
    *("tool_name", "name", "latency_ms", "ttft_ms", "server_ms", "stream", "retries"),
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "tokens_per_sec"),
    *("error_type", "error_status", "error_code", "error_message"),
)
"""Columns of a call in a list."""

_OF_RUNS: Final = ("session_id", "trace_name", "parent_span_id", "total_tokens")

NEEDED: Final = frozenset((*_SHOWN, *_OF_RUNS, *_KEPT, *PRICED_TOKENS)) & COLUMNS.keys()
"""Columns of records that the lists read."""

_MERGED: Final = 16
"""Frames of runs that are merged into one."""


@dataclass(frozen=True, eq=False)
class Listed:
    """The first `rows` of a list of `total`."""

    rows: pl.DataFrame
    total: int


@dataclass(frozen=True, eq=False)
class OverTime:
    """Series of calls, None of too few, and the baselines per model."""

    trends: Trends | None
    baselines: Mapping[str | None, Baseline]


class ReportLists:
    """Slow and failed calls, expensive runs and series of the records of add().

    About 85 bytes are kept of each call, and the id and the cost of each run.
    """

    def __init__(self, slow_ms: float, rules: Rules) -> None:
        self._slow_ms = slow_ms
        self._rates = rates(rules)
        self._calls: list[pl.DataFrame] = []
        self._slow: list[pl.DataFrame] = []
        self._failed: list[pl.DataFrame] = []
        self._runs: list[pl.DataFrame] = []
        self._slow_calls = self._failures = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Add the next records, with NEEDED."""
        frame = self._priced(frame)
        calls = model_calls(frame)
        self._calls.append(without_nulls(calls.select(_KEPT)))

        late = calls.filter(slow(self._slow_ms)).select(_SHOWN)
        self._slow_calls += late.height
        self._slow = [_slowest(pl.concat([*self._slow, _slowest(late)]))]

        failures = frame.filter((IS_CALL | IS_TOOL) & FAILED).select(_SHOWN)
        self._failures += failures.height
        self._failed = [pl.concat([*self._failed, failures.tail(LISTED)]).tail(LISTED)]

        steps = frame.filter(IS_STEP & pl.col("trace_id").is_not_null())
        self._runs.append(_costs(steps.select("trace_id", "cost_usd")))
        if len(self._runs) >= _MERGED:
            self._runs = [_costs(pl.concat(self._runs))]

    def over_time(self, alerts: Sequence[Alert]) -> OverTime:
        """Return the series of the calls, with the marks of alerts; the calls are dropped."""
        calls = pl.concat(self._calls)
        self._calls.clear()
        slices = min(_SLICES, max(1, calls.height // CALLS_PER_GROUP))
        found = trends(calls, marks_of(alerts, None), slices, self._slow_ms)
        has_charts = found.begin is not None and slices > 1
        return OverTime(found if has_charts else None, baselines(calls))

    @property
    def slow(self) -> Listed:
        """The slow calls, the slowest first."""
        return Listed(pl.concat(self._slow), self._slow_calls)

    @property
    def failed(self) -> Listed:
        """The failed calls and tool executions, the newest first."""
        return Listed(pl.concat(self._failed).reverse(), self._failures)

    def expensive_runs(self, frames: Callable[[], Iterable[pl.DataFrame]]) -> Listed:
        """Return runs as traces(), the most expensive first; `frames` are those of add() again."""
        costs = _costs(pl.concat(self._runs)).drop_nulls()
        ids = _most_expensive(costs)["trace_id"]
        is_listed = pl.col("trace_id").is_in(ids.implode())
        steps = [self._priced(frame.filter(is_listed)) for frame in frames()] if len(ids) else []
        if not steps:
            return Listed(pl.DataFrame(), 0)
        # Changed fingerprints are not shown, and depend on the runs before.
        runs = traces(pl.concat(steps, how="diagonal").with_columns(changed=False))
        return Listed(_most_expensive(runs), costs.height)

    def _priced(self, frame: pl.DataFrame) -> pl.DataFrame:
        return priced(frame, self._rates)


def _slowest(calls: pl.DataFrame) -> pl.DataFrame:
    return calls.sort("latency_ms", descending=True, maintain_order=True).head(LISTED)


def _most_expensive(runs: pl.DataFrame) -> pl.DataFrame:
    return runs.sort("cost_usd", descending=True, maintain_order=True).head(LISTED)


def _costs(steps: pl.DataFrame) -> pl.DataFrame:
    """Return the cost per run, null if unknown, in order of appearance."""
    known = pl.when(pl.col("cost_usd").is_not_null().any()).then(pl.col("cost_usd").sum())
    return steps.group_by("trace_id", maintain_order=True).agg(known.alias("cost_usd"))
