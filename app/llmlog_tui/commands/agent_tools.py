"""The questions that `llmlog mcp` answers: read-only, bounded, without content unless asked."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import click
import polars as pl
from pydantic import Field, StringConstraints

from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.lookup import find_by_id, given_ids, resolve_trace
from llmlog_tui.analysis.calls.percentiles import GROUPINGS
from llmlog_tui.analysis.query.columns import column_named
from llmlog_tui.analysis.reports.stats import stats as figures
from llmlog_tui.analysis.traces.in_flight import of_trace
from llmlog_tui.commands.agent_log import CONTENT, AgentLog
from llmlog_tui.commands.alerts import alerts_of
from llmlog_tui.commands.bounded_answer import bounded
from llmlog_tui.commands.diff import as_object as diff_object
from llmlog_tui.commands.diff import difference
from llmlog_tui.commands.open_log import OpenLog, window_of
from llmlog_tui.commands.slow import reasons, slowest
from llmlog_tui.commands.stats import as_object as stats_object
from llmlog_tui.commands.traces import placed_steps, steps_of
from llmlog_tui.commands.unfinished import unfinished_objects
from llmlog_tui.config.rules import Rules
from llmlog_tui.errors import UserError, reason
from llmlog_tui.isolated_query import IsolatedQuery, QueryCancelled
from llmlog_tui.log.schema import restore_integers
from llmlog_tui.sanitize import sanitize

MAX_ROWS: Final = 200
"""Maximum rows of an answer, whatever limit is asked for."""

ROWS: Final = 20
"""Rows of an answer by default."""

QUERY_S: Final = 30.0
"""Seconds after which a query is cancelled."""

Id = Annotated[str, StringConstraints(strip_whitespace=True)]
Limit = Annotated[int, Field(description=f"maximum rows, {MAX_ROWS} at most")]
Where = Annotated[
    str,
    Field(
        description="SQL predicate of records, e.g. model = 'gpt-5'; failed calls have only a "
        "requested_model; times are UTC"
    ),
]
Group = Annotated[str, Field(description=f"{', '.join(GROUPINGS)}, or a field of records")]
TraceId = Annotated[
    Id, Field(description="trace_id, its first 6 characters or more, or the word latest or failed")
]


class ToolFault(Exception):  # noqa: N818 - for the model, not for a handler
    """A question without an answer; the message is one line."""


class AgentTools:
    """Answers about one log, as JSON; read again when its files have changed."""

    def __init__(self, names: Sequence[str], rules: Rules, *, content: bool) -> None:
        self._rules = rules
        self._content = content
        self._log = AgentLog(names, rules, content=content)

    def close(self) -> None:
        self._log.close()

    def tools(self) -> Iterator[tuple[str, str, Callable[..., str]]]:
        """Yield (name, description, function) of each tool."""
        for name in ("stats", "find", "trace", "diff", "slow", "alerts", "sql"):
            tool = getattr(self, name)
            yield name, inspect.cleandoc(tool.__doc__), tool

    def stats(self, by: Group = "model", slow_ms: float = 500, where: Where = "") -> str:
        """Count calls, errors, tokens and cost of the log, with latency percentiles by group.

        Costs are in USD, latencies in ms. truncated and hidden_cut are answers that were cut off.
        """
        with _faults():
            of_all = self._log.stats_of_all(where, slow_ms, by)
        if of_all is not None:
            answer = stats_object(*of_all, slow_ms)
        else:
            with self._reading(where) as log:
                by = by if by in GROUPINGS else column_named(log.frame, by)
                found = figures(log.frame, over_ms=slow_ms, by=by, rules=self._rules)
                answer = {**stats_object(log.snapshot, found, slow_ms), **_over(log)}
        groups = answer["groups"]
        return bounded({**answer, "groups": groups[:MAX_ROWS]}, {"groups": len(groups)})

    def find(self, id: Id, limit: Limit = ROWS) -> str:  # noqa: A002 - as in `llmlog find ID`
        """Find records by any id, or its first 6 characters.

        Ids are id, request_id, trace_id, session_id, span_id and tool_call_id.
        Fields that are unknown are left out. unfinished has the steps that have begun and not
        ended: running, or no end in 10 min.
        """
        with self._reading(ids=[id]) as log:
            found, begun = find_by_id(log.frame, id, log.snapshot.running)
            shown = found.head(_rows(limit))
            answer: dict[str, Any] = {"records": self._records(log, shown, log.placed(shown))}
            if unfinished := unfinished_objects(begun):
                answer["unfinished"] = unfinished[:MAX_ROWS]
        return bounded(answer, {"records": found.height})

    def trace(self, id: TraceId = "latest", limit: Limit = MAX_ROWS) -> str:  # noqa: A002 - as above
        """Show one run of the application step by step: each model call and tool execution.

        cost_usd is the cost of a step; cache tells why its prompt missed the provider's cache.
        unfinished has the steps that have begun and not ended: running, or no end in 10 min.
        """
        with self._reading(ids=given_ids(id)) as log:
            begun = log.snapshot.running
            trace_id = resolve_trace(log.frame, id, begun)
            run = steps_of(log, trace_id, self._rules)
            shown = run.head(_rows(limit))
            steps = self._records(log, shown, placed_steps(log, shown))
            answer = {"trace_id": trace_id, "steps": steps}
            if unfinished := unfinished_objects(of_trace(begun, trace_id)):
                answer["unfinished"] = unfinished[:MAX_ROWS]
        return bounded(answer, {"steps": run.height})

    def diff(self, a: TraceId, b: TraceId) -> str:
        """Compare two runs step by step.

        first is the index of the first pair that differs, delta is b minus a. why names the
        difference of a pair: an event, tool, model, finish_reason, status, a prompt
        (prefix_hashes), or a step of one run only.
        """
        with self._reading(ids=given_ids(a, b)) as log:
            begun = log.snapshot.running
            one, other = (resolve_trace(log.frame, wanted, begun) for wanted in (a, b))
            unfinished = of_trace(begun, one), of_trace(begun, other)
            answer = diff_object(difference(log, one, other, self._rules), unfinished)
        pairs = answer["pairs"]
        return bounded({**answer, "pairs": pairs[:MAX_ROWS]}, {"pairs": len(pairs)})

    def slow(self, over_ms: float = 500, where: Where = "", limit: Limit = ROWS) -> str:
        """List the calls that took longer than over_ms, the slowest first, and why."""
        with self._reading(where) as log:
            found = slowest(model_calls(log.frame), over_ms)
            shown = found.head(_rows(limit))
            whys = pl.Series("why", reasons(log, shown, over_ms), dtype=pl.String)
            calls = _objects(log.placed(shown).with_columns(whys))
            over = _over(log)
        return bounded({"calls": calls, **over}, {"calls": found.height})

    def alerts(self, where: Where = "") -> str:
        """List alerts (cut-offs, failures, retries, changes of latency or model) and rate limits.

        An alert is ongoing or cleared. A limit has the share that remains, from 0 to 1.
        """
        with self._reading(where) as log:
            answer = {**alerts_of(log, self._rules).as_object(), **_over(log)}
        totals = {name: len(answer[name]) for name in ("alerts", "limits")}
        return bounded({**answer, **{name: answer[name][:MAX_ROWS] for name in totals}}, totals)

    def sql(self, query: str, limit: Limit = ROWS) -> str:
        """Query the log in SQL (polars' dialect). The only statement is select; nothing is changed.

        Tables: calls (model calls, with cost_usd), traces (one row per run: trace_id, session_id,
        ts, steps, time_ms, tokens, cost_usd, failed, truncated, retried, models) and records
        (tool executions, too). "describe calls" lists the columns of a table. Times are UTC.
        Percentiles: quantile_cont(latency_ms, 0.95). Aggregate rather than list rows.
        """
        running = IsolatedQuery(query)
        timer = threading.Timer(QUERY_S, running.cancel)
        timer.daemon = True
        with self._reading() as log:
            timer.start()
            try:
                found = running.run(log.frame, self._rules)
            except QueryCancelled:
                raise ToolFault(f"the query took over {QUERY_S:g} s, and was cancelled") from None
            finally:
                timer.cancel()
            over = _over(log)
        rows = found.head(_rows(limit)).to_dicts()
        return bounded({"rows": rows, **over}, {"rows": found.height})

    def _records(
        self, log: OpenLog, shown: pl.DataFrame, placed: pl.DataFrame
    ) -> list[dict[str, Any]]:
        """Return records as objects, with the content of their lines if asked for."""
        records = _objects(placed)
        if not self._content:
            return records
        for record, (_, line) in zip(records, log.contents(shown), strict=True):
            record |= {name: line[name] for name in CONTENT if name in line}
        return records

    @contextmanager
    def _reading(self, where: str = "", ids: Sequence[str] = ()) -> Iterator[OpenLog]:
        """Open the log for one answer. Raises ToolFault for everything a user can mend."""
        with _faults(), self._log.reading(where, ids) as log:
            yield log


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise ToolFault(sanitize(str(error))) from error
    except click.ClickException as error:
        raise ToolFault(sanitize(error.format_message())) from error
    except OSError as error:
        raise ToolFault(sanitize(f"the log cannot be read: {reason(error)}")) from error


def _over(log: OpenLog) -> dict[str, str]:
    """Return the note on the part of a table or archive that was read."""
    window = window_of(log.reader)
    return {"over": window} if window else {}


def _objects(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return records as objects, without unknown fields: most of them are."""
    rows = restore_integers(frame).iter_rows(named=True)
    return [{name: item for name, item in row.items() if item is not None} for row in rows]


def _rows(limit: int) -> int:
    return max(1, min(limit, MAX_ROWS))
