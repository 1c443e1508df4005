"""`llmlog session`, `traces`, `trace`: runs, listed and step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls import calls as calls_
from llmlog_tui.analysis.calls.calls import FAILED
from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.calls.detail import detail
from llmlog_tui.analysis.calls.lookup import given_ids, resolve_id, resolve_trace
from llmlog_tui.analysis.calls.slow_reason import FAILED_CALL
from llmlog_tui.analysis.traces.cache_misses import cache_misses
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.in_flight import of_trace, with_started
from llmlog_tui.analysis.traces.run_names import compared_runs, first_calls, first_words, run_name
from llmlog_tui.analysis.traces.running_steps import begin_of, counted, name_of, session_of
from llmlog_tui.analysis.traces.timeline import timeline
from llmlog_tui.analysis.traces.traces import totals
from llmlog_tui.analysis.traces.traces import traces as summaries
from llmlog_tui.commands.open_log import OpenLog, hint_at_health, open_log
from llmlog_tui.commands.options import files_argument, json_option, utc_option, where_option
from llmlog_tui.commands.output import echo_json, echo_records, echo_texts
from llmlog_tui.commands.param_types import Id
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.text_tables import (
    SLOW_MS,
    day_time,
    head,
    line_of,
    table,
    toned,
    trace_lines,
)
from llmlog_tui.commands.unfinished import run_marks, start_objects, unfinished_lines
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.schema import decategorize
from llmlog_tui.log.starts import RunningStep
from llmlog_tui.sanitize import sanitize

_FLAGS = {"failed": "✗", "cut_off": "┤", "retried": "↻", "changed": "≠"}


@click.command()
@files_argument
@json_option
@click.option(
    "--by",
    type=click.Choice(["trace_name"]),
    help="Compare the runs of one name: median steps, time, tokens and cost, failed ones.",
)
@where_option
@rules_option
@utc_option
def traces(
    files: tuple[str, ...], *, as_json: bool, by: str | None, where: str | None, rules: Rules
) -> None:
    """List runs, in the order of their first record.

    A run is named as the application named it, else by the first words of the user if the log has
    content, else by its root span or first tool.

    JSON columns: trace_id, session_id, ts (start), steps, time_ms, tokens, cost_usd, saved_usd (by
    caching), unpriced_calls, failed, truncated, retried, changed (a fingerprint, within the run),
    models, trace_name (as given), name, and if the log has starts unfinished: the steps that have
    begun and not ended. In text they have the flag ?, or another within 10 minutes. A run of such
    steps alone is listed, too, except with --where or --by.
    """
    with open_log(files, where, rules=rules) as log:
        hint_at_health(log.snapshot)
        found = decategorize(summaries(priced(with_changed(log.frame), rates(rules))))
        if where is None and by is None:
            found = with_started(found, log.snapshot.running)
        names = _names(log, found)
        called = pl.Series("name", [names[each] for each in found["trace_id"]], pl.String)
        found = found.with_columns(called).drop("row", "at")
        has_starts, begun = log.snapshot.counts.starts > 0, log.snapshot.running
    if by is not None:
        _print_compared(compared_runs(found, "name"), as_json=as_json)
    elif as_json:
        counts = Counter(step.trace_id for step in begun)
        unfinished = pl.Series("unfinished", [counts[each] for each in found["trace_id"]], pl.Int64)
        listed = found.with_columns(unfinished) if has_starts else found
        echo_json(listed.drop("cut_off").iter_rows(named=True))
    else:
        echo_texts(_listed(found, run_marks(begun)))


def _names(log: OpenLog, found: pl.DataFrame) -> dict[str, str | None]:
    """Return the name of each run of traces.traces(), by trace_id."""
    unnamed = found.filter(pl.col("trace_name").is_null())["trace_id"]
    calls = first_calls(log.frame, unnamed)
    traces = dict(calls.select("row", "trace_id").iter_rows())
    words = {traces[row]: first_words(record) for row, record in log.contents(calls)}
    rows = decategorize(found).iter_rows(named=True)
    return {run["trace_id"]: run_name(run, words) for run in rows}


def _print_compared(found: pl.DataFrame, *, as_json: bool) -> None:
    if as_json:
        echo_json(found.iter_rows(named=True))
        return
    titles = (
        "runs",
        "failed",
        "p50 steps",
        "p50 time",
        "p95 time",
        "p50 tokens",
        "p50 $",
        "cost $",
    )
    rows = (
        [
            run["name"],
            humanize.integer(run["runs"]),
            humanize.integer(run["failed"]),
            humanize.fit_number(run["p50_steps"], 9),
            humanize.duration(run["p50_time_ms"]),
            humanize.duration(run["p95_time_ms"]),
            humanize.count(None if run["p50_tokens"] is None else round(run["p50_tokens"])),
            humanize.dollars(run["p50_cost_usd"], 8),
            humanize.dollars(run["cost_usd"], 8),
        ]
        for run in found.iter_rows(named=True)
    )
    echo_texts(table(("name", *titles), rows, right=titles))


def _listed(found: pl.DataFrame, marks: Mapping[str | None, str]) -> Iterator[str]:
    began = f"began{humanize.zone_note()}"
    numbers = ("steps", "time", "tokens", "cost $")
    cells = (
        [
            trace["trace_id"],
            trace["name"],
            trace["session_id"],
            day_time(trace["ts"]),
            humanize.integer(trace["steps"]),
            humanize.duration(trace["time_ms"]),
            humanize.count(trace["tokens"]),
            humanize.dollars(trace["cost_usd"], 7)
            + humanize.unpriced_mark(trace["cost_usd"], trace["unpriced_calls"]),
            "".join(flag for name, flag in _FLAGS.items() if trace[name])
            + marks.get(trace["trace_id"], ""),
            trace["models"],
        ]
        for trace in found.iter_rows(named=True)
    )
    lines = table(
        ("trace", "name", "session", began, *numbers, "flag", "models"), cells, right=numbers
    )
    yield next(lines)
    for line, failed in zip(lines, found["failed"], strict=True):
        yield toned(line, failed=failed)


@click.command()
@click.argument("trace_id", metavar="ID", type=Id())
@files_argument
@json_option
@where_option
@rules_option
@utc_option
def trace(
    trace_id: str, files: tuple[str, ...], *, as_json: bool, where: str | None, rules: Rules
) -> None:
    """Show one run, step by step, with its totals.

    ID may be its first 6 characters or more, or the word latest, or failed for the newest run that
    failed or has a step with no end in 10 min. JSON columns: the record's fields (null where
    unknown), file, line, cost_usd, and cache: why a prompt missed the cache, if prefix_hashes show
    it (else null). A step that has begun and not ended follows with event start; no total counts
    it.
    """
    with open_log(files, where, rules=rules, ids=given_ids(trace_id)) as log:
        begun = log.snapshot.running
        wanted = resolve_trace(log.frame, trace_id, () if where else begun)
        run, begun = steps_of(log, wanted, rules), of_trace(begun, wanted)
        if as_json:
            steps = placed_steps(log, run)
            echo_records(steps)
            echo_json(start_objects(begun, steps.columns))
        else:
            name = _names(log, summaries(run)).get(wanted)
            echo_texts(_run(run, wanted, _remarks(log, run), name, begun))


def steps_of(log: OpenLog, trace_id: str, rules: Rules) -> pl.DataFrame:
    """Return the records of a trace with their costs, by step."""
    run = with_changed(log.frame).filter(pl.col("trace_id") == trace_id)
    return _in_steps(priced(run, rates(rules)))


def placed_steps(log: OpenLog, run: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of `llmlog trace --json`."""
    misses = cache_misses(run, log.hashes(run))
    cache = pl.Series("cache", [misses.get(row) for row in run["row"]], dtype=pl.String)
    return log.placed(run).with_columns(run["cost_usd"], cache)


def _in_steps(records: pl.DataFrame) -> pl.DataFrame:
    return records.sort("step", maintain_order=True, nulls_last=True)


Remarks = dict[int, list[str]]
"""Explanations of records, by their keys."""


def _remarks(log: OpenLog, records: pl.DataFrame) -> Remarks:
    """Return why calls were slow, were cut off, or missed the cache."""
    baselines = calls_.baselines(calls_.model_calls(log.snapshot.frame))
    misses = cache_misses(records, log.hashes(records))
    remarks: Remarks = {}
    for record in records.iter_rows(named=True):
        baseline, server = baselines.get(record["model"]), log.server_moment(record)
        known = detail(record, baseline, SLOW_MS, server)
        why = "" if known.why_slow.startswith(FAILED_CALL) else known.why_slow
        whys = (why, known.cut_off and f"┤ {known.cut_off}")
        texts = [*whys, *_error(record, why), misses.get(record["row"])]
        remarks[record["row"]] = [text for text in texts if text]
    return remarks


def _error(record: Mapping[str, Any], why_slow: str) -> Iterator[str | None]:
    """Yield status, code and message of a failure, without a status named before them."""
    if record["status"] == "error":
        status, code = record["error_status"], record["error_code"]
        is_named = not record["error_type"] or f", {status}" in why_slow
        yield ", ".join(str(fact) for fact in (None if is_named else status, code) if fact)
        yield record["error_message"]


def _run(
    run: pl.DataFrame,
    trace_id: str,
    remarks: Remarks,
    name: str | None,
    begun: Sequence[RunningStep],
) -> Iterator[str]:
    found = timeline(run, trace_id, SLOW_MS)
    begin = found.begin or begin_of(begun)
    began = f", began {day_time(begin)}{humanize.zone_note()}" if begin else ""
    session = sanitize(found.session_id or session_of(begun) or humanize.UNKNOWN)
    took = humanize.duration(found.duration_ms)
    name = name or name_of(begun)
    called = "" if name is None else f" {sanitize(name, 60)}"
    yield f"trace {sanitize(trace_id)}{called}, session {session}{began}, took {took}"
    yield _totals(run, totals(run), begun)
    yield from trace_lines(found, remarks)
    yield from unfinished_lines(begun, found)


@click.command()
@click.argument("session_id", metavar="ID", type=Id())
@files_argument
@json_option
@where_option
@rules_option
@utc_option
def session(
    session_id: str, files: tuple[str, ...], *, as_json: bool, where: str | None, rules: Rules
) -> None:
    """Show one conversation: its totals, then its runs in order, each step by step.

    ID may be its first 6 characters or more. JSON columns: the record's fields (null where
    unknown), then file, line and cost_usd.
    """
    with open_log(files, where, rules=rules, ids=[session_id]) as log:
        begun = log.snapshot.running
        ids = [] if where else [step.session_id for step in begun]
        wanted = resolve_id(log.frame, "session_id", session_id, ids)
        begun = tuple(step for step in begun if step.session_id == wanted)
        found = with_changed(log.frame).filter(pl.col("session_id") == wanted)
        found = priced(found, rates(rules))
        runs = found.partition_by("trace_id", maintain_order=True)
        if as_json:
            in_order = pl.concat(map(_in_steps, runs)) if runs else found
            steps = log.placed(in_order).with_columns(in_order["cost_usd"])
            echo_records(steps)
            echo_json(start_objects(begun, steps.columns))
        else:
            remarks = _remarks(log, found)
            names = _names(log, summaries(found))
            texts = (_any_run(run, remarks, names, begun) for run in runs)
            started = _started_runs(found, begun)
            echo_texts(_apart(chain([_session_head(found, wanted, begun)], texts, started)))


def _started_runs(records: pl.DataFrame, begun: Sequence[RunningStep]) -> Iterator[Iterator[str]]:
    """Yield the texts of runs that have no record yet."""
    known = set(records["trace_id"])
    for trace_id in dict.fromkeys(step.trace_id for step in begun):
        if trace_id is not None and trace_id not in known:
            yield _run(records.clear(), trace_id, {}, None, of_trace(begun, trace_id))


def _session_head(
    records: pl.DataFrame, session_id: str, begun: Sequence[RunningStep]
) -> Iterator[str]:
    found = totals(records)
    runs = len({*records["trace_id"], *(step.trace_id for step in begun)} - {None})
    took = humanize.duration(found["time_ms"])
    yield f"session {sanitize(session_id)}: {humanize.plural(runs, 'run')}, took {took}"
    yield _totals(records, found, begun)


def _totals(records: pl.DataFrame, found: Mapping[str, Any], begun: Sequence[RunningStep]) -> str:
    """Return `9 steps, 8,123 tokens, cost $0.0031, 1 record failed, 1 running` of records."""
    steps, tokens = humanize.plural(found["steps"], "step"), humanize.integer(found["tokens"])
    failed = records.select(FAILED.sum()).item()
    unpriced = humanize.plural(found["unpriced_calls"], "call") + " unpriced"
    texts = [
        f"{steps}, {tokens} tokens, cost {humanize.money(found['cost_usd'])}",
        unpriced if found["unpriced_calls"] else "",
        f"{humanize.plural(failed, 'record')} failed" if failed else "",  # spans, too
        counted(begun, datetime.now(UTC)),
    ]
    return ", ".join(filter(None, texts))


def _apart(texts: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of all texts, separated by blank lines."""
    for index, lines in enumerate(texts):
        yield from [""] if index else []
        yield from lines


def _any_run(
    run: pl.DataFrame,
    remarks: Remarks,
    names: Mapping[str, str | None],
    begun: Sequence[RunningStep],
) -> Iterator[str]:
    trace_id = run["trace_id"][0]
    if trace_id is not None:
        yield from _run(run, trace_id, remarks, names.get(trace_id), of_trace(begun, trace_id))
        return
    yield "without a trace_id"
    yield head()
    yield from map(line_of, run.iter_rows(named=True))
