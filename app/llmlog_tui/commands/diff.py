"""`llmlog diff`: two runs side by side, and their first difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.calls.lookup import given_ids, resolve_trace
from llmlog_tui.analysis.traces.diff import AlignedPair, FieldDelta, TraceDiff, diff_traces
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.in_flight import of_trace
from llmlog_tui.analysis.traces.replay import Replay
from llmlog_tui.analysis.traces.running_steps import name_of
from llmlog_tui.analysis.traces.timeline import Step
from llmlog_tui.commands.open_log import OpenLog, open_log
from llmlog_tui.commands.options import files_argument, where_option
from llmlog_tui.commands.output import echo_texts, to_json
from llmlog_tui.commands.param_types import Id
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.text_tables import SLOW_MS, UNKNOWN_FAILURE, failure, fitted, toned
from llmlog_tui.commands.unfinished import unfinished_objects, unfinished_sentences
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.starts import RunningStep
from llmlog_tui.sanitize import sanitize


@click.command()
@click.argument("trace_a", metavar="A", type=Id())
@click.argument("trace_b", metavar="B", type=Id())
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
    """Show two runs side by side, with their first difference.

    A and B are trace ids, their first 6 characters or more, or the words latest, and failed for the
    newest run that failed or has a step with no end in 10 min.

    JSON: a and b (trace ids), first (index of the first pair that differs, or null), delta (b
    minus a: steps, time_ms, errors, prompt_tokens, completion_tokens, reasoning_tokens, cost_usd),
    unfinished (of a and b: steps that have begun and not ended; absent without any) and pairs,
    each with a and b (step, event, name, latency_ms, failed; null where a run has no such step),
    why (only in A, only in B, event, tool, model, finish_reason, status, prefix_hashes, or null)
    and message (from 0, the first that differs, if why is prefix_hashes).
    """
    ids = given_ids(trace_a, trace_b)
    with open_log(files, where, rules=rules, ids=ids) as log:
        begun = () if where else log.snapshot.running
        a, b = (resolve_trace(log.frame, wanted, begun) for wanted in (trace_a, trace_b))
        found = difference(log, a, b, rules)
        unfinished = tuple(of_trace(log.snapshot.running, each) for each in (a, b))
    if as_json:
        click.echo(to_json(as_object(found, unfinished)))
    else:
        reasons = [_differing_values(log, found), *_failures(log, found)]
        reasons += [
            f"{side}: {sentence}"
            for side, steps in zip("AB", unfinished, strict=True)
            for sentence in unfinished_sentences(steps)
        ]
        echo_texts(_side_by_side(found, reasons, unfinished))


def difference(log: OpenLog, a: str, b: str, rules: Rules) -> TraceDiff:
    frame = with_changed(log.frame).filter(pl.col("trace_id").is_in([a, b]))
    return diff_traces(priced(frame, rates(rules)), a, b, log.hashes(frame), slow_ms=SLOW_MS)


def as_object(
    found: TraceDiff, unfinished: Sequence[Sequence[RunningStep]] = ((), ())
) -> dict[str, Any]:
    """Return the JSON of a diff, with steps without a record if there are any."""
    begun = dict(zip("ab", map(unfinished_objects, unfinished), strict=True))
    return {
        "a": found.a.trace_id,
        "b": found.b.trace_id,
        "first": found.first,
        "delta": asdict(found.delta),
        "pairs": [
            {"a": _fields(pair.a), "b": _fields(pair.b), "why": pair.why, "message": pair.message}
            for pair in found.pairs
        ],
        **({"unfinished": begun} if any(begun.values()) else {}),
    }


def _fields(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    names = ("step", "event", "name", "latency_ms", "failed")
    return {name: getattr(step, name) for name in names}


_SIDE = 42


def _called(run: Replay, begun: Sequence[RunningStep]) -> str:
    """Return the name of a run, or of its first step without a record."""
    name = run.name or name_of(begun)
    return "" if name is None else f" {sanitize(name, 40)}"


def _side_by_side(
    found: TraceDiff, reasons: Sequence[str], unfinished: Sequence[Sequence[RunningStep]]
) -> Iterator[str]:
    heads = (
        f"{side} {sanitize(run.trace_id)}{_called(run, begun)}"
        f", {humanize.plural(len(run.steps), 'step')}"
        for side, run, begun in zip("AB", (found.a, found.b), unfinished, strict=True)
    )
    yield "   ".join(fitted(head, _SIDE) for head in heads).rstrip()
    for index, pair in enumerate(found.pairs):
        mark = "=" if pair.why is None else "◄" if index == found.first else "≠"
        line = f"{_side(pair.a)} {mark} {_side(pair.b)}  {sanitize(pair.sentence())}"
        yield toned(line.rstrip(), failed=False, slow=pair.why is not None)
    yield ""
    values, *failures = reasons
    yield _first_difference(found, is_whole=not any(unfinished)) + values
    yield from failures
    yield "B against A: " + ", ".join(_deltas(found.delta))


def _side(step: Step | None) -> str:
    if step is None:
        return fitted(f"{humanize.UNKNOWN:>4}", _SIDE)
    number = humanize.step_number(step.step)
    name = fitted(sanitize(step.name), _SIDE - 16)
    mark = "✗" if step.failed else "┤" if step.cut_off else " "
    return f"{number:>4} {mark} {name} {humanize.fit_number(step.latency_ms, 9):>9}"


def _first_difference(found: TraceDiff, *, is_whole: bool) -> str:
    if found.first is None:
        return "the two runs are the same" + ("" if is_whole else " so far")
    pair: AlignedPair = found.pairs[found.first]
    step = pair.a or pair.b
    number = humanize.step_number(None if step is None else step.step)
    return f"first divergence at step {number}: {pair.sentence()}"


def _deltas(delta: FieldDelta) -> Iterator[str]:
    yield f"steps {delta.steps:+,}"
    if delta.time_ms is not None:
        yield f"time {'-' if delta.time_ms < 0 else '+'}{humanize.duration(abs(delta.time_ms))}"
    for label, tokens in (
        ("in", delta.prompt_tokens),
        ("out", delta.completion_tokens),
        ("rsn", delta.reasoning_tokens),
    ):
        if tokens is not None:
            yield f"{label} {tokens:+,}"
    if delta.cost_usd is not None:
        yield f"cost {'-' if delta.cost_usd < 0 else '+'}{humanize.money(abs(delta.cost_usd))}"
    yield f"errors {delta.errors:+,}"


_MAX_VALUE: Final = 60
"""Maximum characters of a value."""
_FIELDS: Final = {
    "event": "event",
    "tool": "tool_name",
    "model": "model",
    "finish_reason": "finish_reason",
    "status": "status",
}


def _differing_values(log: OpenLog, found: TraceDiff) -> str:
    """Return `, stop in A, length in B`: the values of the first difference."""
    pair = None if found.first is None else found.pairs[found.first]
    if pair is None or pair.a is None or pair.b is None or pair.why not in _FIELDS:
        return ""
    a, b = (_record(log, step)[_FIELDS[pair.why]] for step in (pair.a, pair.b))
    return f", {_shown(a)} in A, {_shown(b)} in B"


def _failures(log: OpenLog, found: TraceDiff) -> Iterator[str]:
    """Yield why a step failed, of the pair that differs first."""
    pair = None if found.first is None else found.pairs[found.first]
    for side, step in (("A", pair and pair.a), ("B", pair and pair.b)):
        if step and step.failed and (reason := failure(_record(log, step))) != UNKNOWN_FAILURE:
            yield f"{side} failed: {sanitize(reason)}"


def _record(log: OpenLog, step: Step) -> dict[str, Any]:
    return log.frame.row(by_predicate=pl.col("row") == step.row, named=True)


def _shown(value: object) -> str:
    return humanize.UNKNOWN if value is None else sanitize(str(value), _MAX_VALUE)
