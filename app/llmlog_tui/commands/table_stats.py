"""`llmlog stats` over the whole of a ClickHouse table: the server counts, prices are ours."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, Final

import polars as pl

from llmlog.record import CALL_EVENTS
from llmlog_tui.analysis.calls.call_model import MODEL
from llmlog_tui.analysis.calls.cost import (
    COST_USD,
    PRICE_KEY,
    RATES,
    SAVED_USD,
    PriceSteps,
    most_frequent,
    price_steps,
    rates,
    rates_of,
    unused_prices,
)
from llmlog_tui.analysis.query.predicate import predicate_problem
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.reports.stats import Stats
from llmlog_tui.clickhouse.client import Client
from llmlog_tui.clickhouse.errors import ClickHouseError
from llmlog_tui.clickhouse.url import Login, TableUrl, quoted
from llmlog_tui.commands.table_where import TablePredicate, table_predicate
from llmlog_tui.config.rules import Rules
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.store import RecordCounts, Snapshot

_UNKNOWN_COLUMN: Final = 47
"""Code of a query for a column that the table lacks."""

_NOTHING: Final[Mapping[str, object]] = {}

_CALLS: Final = ", ".join(f"'{event}'" for event in CALL_EVENTS)
_TERMS: Final = f"""
    nullIf(ts, toDateTime64(0, 6, 'UTC')) AS at,
    event IN ({_CALLS}) AS is_call,
    event = 'tool_call' AS is_tool,
    status = 'error' AS failed,
    ifNull(finish_reason = 'length', 0) AS is_truncated,
    NOT is_truncated AND NOT failed AND (
        ifNull(max_tokens > 0 AND completion_tokens >= max_tokens, 0)
        OR ifNull(NOT tool_args_ok, 0) OR ifNull(stream_end = 'truncated', 0)) AS is_hidden,
    coalesce(tokens_per_sec,
        if(latency_ms > 0, completion_tokens * 1000 / latency_ms, NULL)) AS speed,
    coalesce(completion_tokens, if(event = 'embedding', 0, NULL)) AS completion
"""
"""Terms of the queries, each the equivalent of a predicate of ours."""

_TOTALS: Final = """
    count() AS records,
    uniqExact(session_id) AS sessions, uniqExact(trace_id) AS traces,
    countIf(is_tool) AS tools, countIf((is_call OR is_tool) AND failed) AS errors,
    min(at) AS first_ts, max(at) AS last_ts
"""
_TOKENS: Final = (
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
    "cache_write_tokens",
)
_FIGURES: Final = (
    """
    count() AS calls, countIf(failed) AS errors, countIf(is_truncated) AS truncated,
    countIf(is_hidden) AS hidden_cut,
    countIf(event IN ('chat_completion', 'response')) AS can_be_cut,
    countIf(latency_ms > {over_ms:Float64}) AS slow_calls,
    countIf(latency_ms > {over_ms:Float64} AND reasoning_tokens * 2 > completion_tokens)
        AS slow_mostly_reasoning,
    """
    + ", ".join(
        f"quantileExactInclusive({percent / 100})({column}) AS {name}"
        for name, column, percent in (
            *((f"p{percent}_ms", "latency_ms", percent) for percent in (50, 90, 95, 99)),
            ("tokens_per_sec_p50", "speed", 50),
            *((f"ttft_p{percent}_ms", "ttft_ms", percent) for percent in (50, 95)),
        )
    )
    + "".join(f", sum({name}) AS sum_{name}" for name in _TOKENS)
)
_PARTS: Final = """
    provider, model, requested_model, count() AS calls, min(at) AS first_at,
    min(prompt) AS first_prompt, countIf(is_known) AS known,
    sumIf(prompt, is_known) AS prompts, sumIf(completion, is_known) AS completions,
    sumIf(least(ifNull(cached_tokens, 0), prompt), is_known) AS hits,
    sumIf(least(ifNull(cache_write_tokens, 0), prompt - least(ifNull(cached_tokens, 0), prompt)),
        is_known) AS writes,
    sumIf(least(ifNull(reasoning_tokens, 0), completion), is_known) AS reasoning
"""
_GROUPED: Final[Mapping[str, tuple[str, str]]] = {
    "model": ("coalesce(model, requested_model)", "is_call"),
    "session": ("session_id", "is_call"),
    "trace": ("trace_id", "is_call"),
    "provider": ("provider", "is_call"),
    "hour": ("formatDateTime(at, '%Y-%m-%dT%H:00:00Z', 'UTC')", "is_call"),
    "tool": ("tool_name", "is_tool"),
    "error": (
        "coalesce(error_type, toString(error_status))",
        "(is_call OR is_tool) AND failed",
    ),
}
"""By grouping: the key of its groups, and its records."""


def table_stats(
    url: str, where: str | None, *, over_ms: float, by: str, rules: Rules
) -> tuple[Snapshot, Stats] | None:
    """Return the statistics of a table, and a Snapshot with its counts but without records.

    None for a grouping or a predicate that only the window can answer, or a table that lacks a
    column. Raises QueryError for a bad predicate, and ClickHouseError.
    """
    if where is not None and (why := predicate_problem(where)):
        raise QueryError(why)
    predicate = TablePredicate() if where is None else table_predicate(where)
    is_known = by in _GROUPED or (by in COLUMNS and by not in {"ts", "tool_calls"})
    if predicate is None or not is_known:
        return None
    table = TableUrl.of(url)
    with closing(Client(table, Login.to(table))) as client:
        try:
            return _TableFigures(client, predicate, over_ms, rules).stats(Path(url), by)
        except ClickHouseError as error:
            if error.code == _UNKNOWN_COLUMN:
                return None
            raise


@dataclass(frozen=True)
class _TableFigures:
    """Queries for the figures of a table's records that match a predicate."""

    client: Client
    predicate: TablePredicate
    over_ms: float
    rules: Rules

    def stats(self, path: Path, by: str) -> tuple[Snapshot, Stats]:
        totals = self._ask(_TOTALS, "1").row(0, named=True)
        count = f"SELECT count() FROM {self.client.url.quoted} WHERE event != 'start'"  # noqa: S608 - a checked name
        records = int(self.client.frame(count).item())
        counts = RecordCounts(records, records)
        formats = (LLMLOG.name,) if records else ()
        snapshot = Snapshot((path,), Snapshot.empty([path]).frame, counts, formats=formats)
        key, members = _GROUPED.get(by, (quoted(by), "is_call"))
        models = list(self._ask(f"DISTINCT {', '.join(PRICE_KEY)}", "is_call").iter_rows())
        steps = price_steps(models, rates(self.rules))
        figures = self._ask(_FIGURES, "is_call").row(0, named=True)
        of_calls = {name: value for name, value in figures.items() if name in _OF_CALLS}
        parts = self._costs("NULL", "is_call", steps)
        cost = _summed(parts).drop("key")
        groups = (
            self._ask(
                f"{key} AS key, {_FIGURES}",
                members,
                "GROUP BY key ORDER BY calls DESC, min((ts, ifNull(step, -1)))",
            )
            .join(
                _summed(self._costs(key, members, steps)),
                on="key",
                how="left",
                nulls_equal=True,
                maintain_order="left",
            )
            .with_columns(pl.col("unpriced_calls").fill_null(0))
        )
        of_cost = cost.row(0, named=True) if cost.height else _NO_COST
        return snapshot, Stats(
            **totals,
            **of_calls,
            **of_cost,
            groups=groups,
            unpriced_models=most_frequent([_without_price(parts)]),
            unused_prices=unused_prices(self.rules.prices, models),
            priced=_NO_CALLS,
        )

    def _costs(self, key: str, members: str, steps: PriceSteps) -> pl.DataFrame:
        """Return cost_usd, saved_usd and unpriced_calls by key, model and side of price steps."""
        days = [f"{day.isoformat()} 00:00:00" for day in steps.days]
        seconds = [_second(at) for at in steps.times]
        found = self._ask(
            f"{key} AS key, {_PARTS}",
            f"{members} AND is_call",
            "GROUP BY key, provider, model, requested_model, isNull(at),"
            " arrayCount(day -> at >= toDateTime64(day, 6, 'UTC'), {days:Array(String)}),"
            " arrayCount(second -> toSecond(at) + 60 * toMinute(at) + 3600 * toHour(at) >= second,"
            " {seconds:Array(UInt32)}),"
            " arrayCount(step -> prompt > step, {tokens:Array(Int64)})"
            " ORDER BY min((ts, ifNull(step, -1)))",
            {"days": days, "seconds": seconds, "tokens": list(steps.tokens)},
        )
        return _priced(found, self.rules)

    def _ask(
        self,
        columns: str,
        members: str,
        rest: str = "",
        values: Mapping[str, object] = _NOTHING,
    ) -> pl.DataFrame:
        sql = (
            f"WITH {_TERMS}, prompt_tokens AS prompt,"  # noqa: S608 - of checked names
            " prompt IS NOT NULL AND completion IS NOT NULL AS is_known"
            f" SELECT {columns} FROM {self.client.url.quoted}"
            f" WHERE event != 'start' AND ({self.predicate.sql}) AND ({members}) {rest}"
        )
        found = self.client.frame(sql, {**self.predicate.values, "over_ms": self.over_ms, **values})
        # The name of a column is no name of a sum in SQL: the one would be read for the other.
        return found.rename({f"sum_{name}": name for name in _TOKENS}, strict=False)


def _priced(parts: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return parts of groups, whose calls have one price each, with their costs."""
    rows = parts.with_columns(
        event=pl.lit("chat_completion"), ts="first_at", prompt_tokens="first_prompt"
    )
    known = rates_of(rows, rates(rules))
    if known is not None:
        rows = pl.concat([rows, known], how="horizontal")
    else:
        unknown = pl.lit(None, pl.Float64)
        rows = rows.with_columns(unknown.alias(name) for name in RATES)
    has_cost = (pl.col("known") > 0) & pl.col("input").is_not_null()
    return rows.select(
        "key",
        cost_usd=pl.when(has_cost).then(COST_USD),
        saved_usd=pl.when(has_cost).then(SAVED_USD),
        unpriced_calls=pl.col("calls") - pl.when(has_cost).then("known").otherwise(0),
        without_price=pl.when(pl.col("input").is_null()).then("known").otherwise(0),
        name=MODEL,
    )


def _without_price(parts: pl.DataFrame) -> pl.DataFrame:
    """Return the models of parts that have tokens and no price, as cost.unpriced_models()."""
    found = parts.filter((pl.col("without_price") > 0) & pl.col("name").is_not_null())
    return found.select("name", calls="without_price")


def _summed(parts: pl.DataFrame) -> pl.DataFrame:
    def known(name: str) -> pl.Expr:
        return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())

    return parts.group_by("key", maintain_order=True).agg(
        known("cost_usd").alias("cost_usd"),
        known("saved_usd").alias("saved_usd"),
        pl.col("unpriced_calls").sum(),
    )


def _second(at: time) -> int:
    return at.hour * 3_600 + at.minute * 60 + at.second


_NO_COST: Final[Mapping[str, Any]] = {"cost_usd": None, "saved_usd": None, "unpriced_calls": 0}
_NO_CALLS: Final = pl.DataFrame(
    schema={name: COLUMNS[name] for name in ("ts", "status", "latency_ms", "event")}
)
"""Calls are counted where they are: there is none to draw."""
_OF_CALLS: Final = (
    *("calls", "slow_calls", "slow_mostly_reasoning", "truncated", "hidden_cut", "can_be_cut"),
    *_TOKENS,
)
