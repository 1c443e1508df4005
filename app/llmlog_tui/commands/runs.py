"""`llmlog session`, `traces`, `trace`, `diff`: runs, one by one and two by two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click
import polars as pl

from llmlog_tui import units
from llmlog_tui.analysis.cost import priced, rates
from llmlog_tui.analysis.divergence import Delta, Divergence, Pair, divergence
from llmlog_tui.analysis.find import the_one
from llmlog_tui.analysis.fingerprints import with_changed
from llmlog_tui.analysis.prefixes import cache_misses
from llmlog_tui.analysis.rules import Rules
from llmlog_tui.analysis.timeline import Step, timeline
from llmlog_tui.analysis.traces import traces as summaries
from llmlog_tui.commands.common import (
    Log,
    echo_json,
    files_argument,
    json_option,
    opened,
    to_json,
    where_option,
)
from llmlog_tui.commands.rules import rules_option
from llmlog_tui.commands.shown import HEAD, fitted, line_of, table, toned, trace_lines
from llmlog_tui.log.schema import plain
from llmlog_tui.text import inert

_SLOW_MS = 500.0
_FLAGS = {"failed": "✗", "truncated": "┤", "retried": "↻", "changed": "≠"}


@click.command()
@files_argument
@json_option
@where_option
@rules_option
def traces(files: tuple[str, ...], *, as_json: bool, where: str | None, rules: Rules) -> None:
    """List runs, in the order in which they began to be written.

    JSON columns: trace_id, session_id, ts (start), steps, time_ms, tokens, cost_usd, saved_usd (by
    caching), unpriced_calls, failed, truncated, retried, changed (a fingerprint, within the run),
    models.
    """
    with opened(files, where) as log:
        found = plain(summaries(priced(with_changed(log.frame), rates(rules)))).drop("row", "at")
    if as_json:
        echo_json(found.iter_rows(named=True))
    else:
        click.echo("\n".join(_listed(found)))


def _listed(found: pl.DataFrame) -> Iterator[str]:
    titles = ("trace", "session", "began", "steps", "time ms", "tokens", "cost $", "flag", "models")
    cells = (
        [
            trace["trace_id"],
            trace["session_id"],
            f"{units.local(trace['ts']):%Y-%m-%d %H:%M:%S}" if trace["ts"] else None,
            trace["steps"],
            None if trace["time_ms"] is None else round(trace["time_ms"]),
            trace["tokens"],
            trace["cost_usd"],
            "".join(flag for name, flag in _FLAGS.items() if trace[name]),
            trace["models"],
        ]
        for trace in found.iter_rows(named=True)
    )
    lines = table(titles, cells)
    yield next(lines)
    for line, failed in zip(lines, found["failed"], strict=True):
        yield toned(line, failed=failed)


@click.command()
@click.argument("trace_id", metavar="TRACE_ID")
@files_argument
@json_option
@where_option
def trace(trace_id: str, files: tuple[str, ...], *, as_json: bool, where: str | None) -> None:
    """Show one run, step by step; TRACE_ID may be its first 6 characters or more.

    JSON columns: the record's fields (null where unknown), file, line, and cache: why a prompt was
    not taken from the cache, where prefix_hashes tell (else null).
    """
    with opened(files, where) as log:
        wanted = the_one(log.frame, "trace_id", trace_id)
        run = _in_steps(with_changed(log.frame).filter(pl.col("trace_id") == wanted))
        misses = cache_misses(run, log.hashes(run))
        if as_json:
            cache = pl.Series("cache", [misses.get(row) for row in run["row"]], dtype=pl.String)
            echo_json(log.placed(run).with_columns(cache).iter_rows(named=True))
        else:
            click.echo("\n".join(_run(run, wanted, misses)))


def _in_steps(records: pl.DataFrame) -> pl.DataFrame:
    return records.sort("step", maintain_order=True, nulls_last=True)


def _run(run: pl.DataFrame, trace_id: str, misses: dict[int, str]) -> Iterator[str]:
    found = timeline(run, trace_id, _SLOW_MS)
    began = f", began {units.local(found.begin):%Y-%m-%d %H:%M:%S}" if found.begin else ""
    session = inert(found.session_id or units.UNKNOWN)
    took = units.duration(found.duration_ms)
    yield f"trace {inert(trace_id)}, session {session}{began}, took {took}"
    yield from trace_lines(found, misses)


@click.command()
@click.argument("session_id", metavar="ID")
@files_argument
@json_option
@where_option
def session(session_id: str, files: tuple[str, ...], *, as_json: bool, where: str | None) -> None:
    """Show one conversation: its runs in order, each step by step.

    ID may be its first 6 characters or more. JSON columns: the record's fields (null where
    unknown), then file and line.
    """
    with opened(files, where) as log:
        wanted = the_one(log.frame, "session_id", session_id)
        found = with_changed(log.frame).filter(pl.col("session_id") == wanted)
        runs = found.partition_by("trace_id", maintain_order=True)
        if as_json:
            in_order = pl.concat(map(_in_steps, runs))
            echo_json(log.placed(in_order).iter_rows(named=True))
        else:
            click.echo("\n\n".join("\n".join(_any_run(run)) for run in runs))


def _any_run(run: pl.DataFrame) -> Iterator[str]:
    trace_id = run["trace_id"][0]
    if trace_id is not None:
        yield from _run(run, trace_id, {})
        return
    yield "without a trace_id"
    yield HEAD
    yield from map(line_of, run.iter_rows(named=True))


@click.command()
@click.argument("trace_a", metavar="TRACE_A")
@click.argument("trace_b", metavar="TRACE_B")
@files_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object; its keys are stable.")
@where_option
@rules_option
def diff(  # noqa: PLR0913 - options by name
    trace_a: str,
    trace_b: str,
    files: tuple[str, ...],
    *,
    as_json: bool,
    where: str | None,
    rules: Rules,
) -> None:
    """Lay two runs side by side and say where they part.

    Ids may be the first 6 characters or more. JSON: a and b (trace ids), first (index of the first
    pair that differs, or null), delta (b less a: steps, time_ms, errors, prompt_tokens,
    completion_tokens, reasoning_tokens, cost_usd), and pairs, each with a and b (step, event,
    name, latency_ms, failed; null where a run has no such step), why (only in A, only in B, event,
    tool, model, finish_reason, status, prefix_hashes, or null) and message (from 0, the first that
    differs, where why is prefix_hashes).
    """
    with opened(files, where) as log:
        a, b = (the_one(log.frame, "trace_id", wanted) for wanted in (trace_a, trace_b))
        found = _divergence(log, a, b, rules)
    if as_json:
        click.echo(to_json(_as_object(found)))
    else:
        click.echo("\n".join(_side_by_side(found)))


def _divergence(log: Log, a: str, b: str, rules: Rules) -> Divergence:
    frame = with_changed(log.frame).filter(pl.col("trace_id").is_in([a, b]))
    return divergence(priced(frame, rates(rules)), a, b, log.hashes(frame), slow_ms=_SLOW_MS)


def _as_object(found: Divergence) -> dict[str, Any]:
    return {
        "a": found.a.trace_id,
        "b": found.b.trace_id,
        "first": found.first,
        "delta": asdict(found.delta),
        "pairs": [
            {"a": _fields(pair.a), "b": _fields(pair.b), "why": pair.why, "message": pair.message}
            for pair in found.pairs
        ],
    }


def _fields(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    names = ("step", "event", "name", "latency_ms", "failed")
    return {name: getattr(step, name) for name in names}


_SIDE = 42


def _side_by_side(found: Divergence) -> Iterator[str]:
    heads = (f"{side} {inert(run.trace_id)}, {len(run.steps):,} steps"
             for side, run in (("A", found.a), ("B", found.b)))  # fmt: skip
    yield "   ".join(fitted(head, _SIDE) for head in heads).rstrip()
    for index, pair in enumerate(found.pairs):
        mark = "=" if pair.why is None else "◄" if index == found.first else "≠"
        line = f"{_side(pair.a)} {mark} {_side(pair.b)}  {inert(pair.sentence())}"
        yield toned(line.rstrip(), failed=False, slow=pair.why is not None)
    yield ""
    yield _where_they_part(found)
    yield "B against A: " + ", ".join(_deltas(found.delta))


def _side(step: Step | None) -> str:
    if step is None:
        return fitted(f"{units.UNKNOWN:>4}", _SIDE)
    number = units.UNKNOWN if step.step is None else str(step.step)
    name = fitted(inert(step.name), _SIDE - 16)
    mark = "✗" if step.failed else "┤" if step.truncated else " "
    return f"{number:>4} {mark} {name} {units.within(step.latency_ms, 9):>9}"


def _where_they_part(found: Divergence) -> str:
    if found.first is None:
        return "the two runs do the same"
    pair: Pair = found.pairs[found.first]
    step = pair.a or pair.b
    number = units.UNKNOWN if step is None or step.step is None else str(step.step)
    return f"first divergence at step {number}: {pair.sentence()}"


def _deltas(delta: Delta) -> Iterator[str]:
    yield f"steps {delta.steps:+,}"
    if delta.time_ms is not None:
        yield f"time {'-' if delta.time_ms < 0 else '+'}{units.duration(abs(delta.time_ms))}"
    for label, tokens in (
        ("in", delta.prompt_tokens),
        ("out", delta.completion_tokens),
        ("rsn", delta.reasoning_tokens),
    ):
        if tokens is not None:
            yield f"{label} {tokens:+,}"
    if delta.cost_usd is not None:
        yield f"cost ${delta.cost_usd:+.4f}"
    yield f"errors {delta.errors:+,}"
