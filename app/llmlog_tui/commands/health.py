"""`llmlog health`: faults of a log, each with the place of its first occurrence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click

from llmlog_tui import humanize
from llmlog_tui.analysis.calls import health as health_
from llmlog_tui.commands.open_log import OpenLog, is_plain, open_log
from llmlog_tui.commands.options import files_argument, where_option
from llmlog_tui.commands.output import echo_texts, to_json
from llmlog_tui.log.sources import path_text
from llmlog_tui.log.store import Snapshot, SourceLocation
from llmlog_tui.sanitize import sanitize


class Fault(NamedTuple):
    """A kind of fault, its number of occurrences, and the place of the first."""

    kind: str
    name: str | None
    times: int
    first: SourceLocation | None  # unknown of values that an archive lacks


_MEANING = {
    "skipped": "lines without a record: {}",
    "nulled": "values of {} have a wrong type, read as null",
    "unjoinable": "records without {}",
    "duplicate_step": "records repeat a step of their trace",
    "missing_step": "steps are missing between others of their trace",
    "step_backwards": "steps began before the step before them",
    "end_backwards": "records ended over 1 s before the one before them in their file",
    "unknown_event": "records of the event {}, unknown to llmlog",
}


@click.command()
@files_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object; its keys are stable.")
@where_option
def health(files: tuple[str, ...], *, as_json: bool, where: str | None) -> None:
    """List the faults of a log: lost lines and values, records that cannot be joined.

    JSON: files, lines (records + skipped + blanks, but of other formats a line may hold no
    record or several), records, skipped, blanks, and faults, each with
    kind (skipped, nulled, unjoinable, duplicate_step, missing_step, step_backwards, end_backwards,
    unknown_event), name (the kind of a skipped line, the field of nulled and unjoinable, the
    event), count, and the file and line of the first (null of values that an archive lacks). All
    but the faults, and among these skipped lines and nulled values, are counted over the whole log,
    regardless of --where and --last. Matching records are compared with all; missing steps are
    left out if --last left out records.
    """
    with open_log(files, where) as log:
        faults = list(_faults(log))
    if as_json:
        click.echo(to_json(_whole_object(log, faults)))
    else:
        echo_texts(_lines(log, faults))


def _whole_object(log: OpenLog, faults: Sequence[Fault]) -> dict[str, object]:
    counts = log.snapshot.counts
    return {
        "files": [path_text(path) for path in log.snapshot.files],
        "lines": counts.lines,
        "records": counts.records,
        "skipped": counts.skipped.total(),
        "blanks": counts.blanks,
        **_in_flight(log.snapshot),
        "faults": [_as_object(fault) for fault in faults],
        "format": log.format,
    }


def _lines(log: OpenLog, faults: Sequence[Fault]) -> Iterator[str]:
    counts, examined = log.snapshot.counts, log.frame.height
    if not is_plain(log.snapshot):
        yield sanitize(f"format: {log.format}")
    is_part = examined != counts.records
    yield (
        f"{humanize.plural(counts.lines, 'line')}: {humanize.plural(counts.records, 'record')}, "
        f"{counts.skipped.total():,} skipped, {counts.blanks:,} blank"
        + (f", {humanize.plural(counts.starts, 'start')}" if counts.starts else "")
        + (f"; {humanize.plural(examined, 'record')} examined" if is_part else "")
    )
    if running := log.snapshot.running:
        last = running[-1]
        called = humanize.run_label(last.trace_id or humanize.UNKNOWN, last.trace_name)
        text = f"{len(running):,} begun and not ended, the last is {last.label} in run {called}"
        yield sanitize(text)
    yield from map(_as_text, faults)
    if not faults:
        yield "no faults"


def _faults(log: OpenLog) -> Iterator[Fault]:
    counts = log.snapshot.counts
    yield from _counted("skipped", counts.skipped, counts.first_skipped)
    yield from _counted("nulled", counts.nulled, counts.first_nulled)
    snapshot = log.snapshot
    is_whole = not snapshot.dropped and not log.reader.rows_outside
    for found in health_.health(
        snapshot.frame, snapshot.running, shown=log.frame, is_whole=is_whole
    ):
        yield Fault(found.kind, found.name or None, found.count, log.place(found.row))


def _counted(kind: str, counts: Counter[str], first: dict[str, SourceLocation]) -> Iterator[Fault]:
    for name, count in counts.most_common():
        yield Fault(kind, name, count, first.get(name))


def _as_object(fault: Fault) -> dict[str, object]:
    first = fault.first
    place = {"file": first and path_text(first.file), "line": first and first.line}
    return {"kind": fault.kind, "name": fault.name, "count": fault.times, **place}


def _as_text(fault: Fault) -> str:
    meaning = _MEANING[fault.kind].format(sanitize(fault.name or "", 60))
    place = ""
    if fault.first is not None:
        place = sanitize(f", first at {path_text(fault.first.file)}:{fault.first.line}")
    return f"{fault.times:>9,}  {meaning}{place}"


def _in_flight(snapshot: Snapshot) -> dict[str, int]:
    """Return the number of starts, and of those without a record; empty without any."""
    starts = snapshot.counts.starts
    return {"starts": starts, "not_ended": len(snapshot.running)} if starts else {}
