"""Records, runs and tables as lines of text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.detail import cut_off
from llmlog_tui.analysis.calls.slow_reason import FAILED_CALL
from llmlog_tui.commands.wrapping import cell_width
from llmlog_tui.glyphs import steady
from llmlog_tui.log.record_key import record_label
from llmlog_tui.sanitize import sanitize

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Note, Timeline

SLOW_MS: Final = 500.0
"""Latency in ms above which a record is explained, without an option for it."""


def head() -> str:
    """Return the header of lines from line_of()."""
    time = f"time{humanize.zone_note()}"
    return (
        f"{time:<23} {'trace':<8} {'step':>4} {'what':<24} {'ms':>8} {'rsn':>6} {'in':>7}"
        f" {'out':>6}  notes"
    )


def line_of(record: Mapping[str, Any], why: str = "") -> str:
    """Return a record as a line, red if failed, yellow with a `why`."""
    when = record["ts"]
    time = f"{humanize.local(when):%Y-%m-%d %H:%M:%S.%f}"[:23] if when else humanize.UNKNOWN
    trace = sanitize(humanize.short_id(record["trace_id"]))
    step = humanize.step_number(record["step"])
    text = (
        f"{time:<23} {fitted(trace, 8)} {step:>4} {fitted(sanitize(record_label(record)), 24)}"
        f" {humanize.fit_number(record['latency_ms'], 8):>8}"
        f" {humanize.fit_number(record['reasoning_tokens'], 6):>6}"
        f" {humanize.fit_number(record['prompt_tokens'], 7):>7}"
        f" {humanize.fit_number(record['completion_tokens'], 6):>6}"
        f"  {'  '.join(_notes(record, why))}"
    ).rstrip()
    return toned(text, failed=record["status"] == "error", slow=bool(why))


def toned(line: str, *, failed: bool, slow: bool = False) -> str:
    """Return the line in red if failed, in yellow if slow."""
    tone = "red" if failed else "yellow" if slow else None
    return click.style(line, fg=tone) if tone else line


UNKNOWN_FAILURE: Final = "failed"
"""Text of a failure without a known type."""


def failure(record: Mapping[str, Any]) -> str:
    """Return the type, HTTP status, code and logged message of a failure."""
    known = (record["error_type"], record["error_status"], record["error_code"])
    reason = ", ".join(str(fact) for fact in known if fact) or UNKNOWN_FAILURE
    return f"{reason}: {record['error_message']}" if record.get("error_message") else reason


def _notes(record: Mapping[str, Any], why: str) -> Iterator[str]:
    if record["status"] == "error":
        yield sanitize(f"✗ {failure(record)}", _MAX_FAILURE)
    if record["finish_reason"] == "length":
        yield "┤ length"
    elif record["status"] != "error" and (how := cut_off(record)):
        yield f"┤ {how}"
    if record["retries"]:
        yield f"↻ {record['retries']}"
    if why and not why.startswith(FAILED_CALL):  # the failure has its own mark
        yield sanitize(why)


def day_time(when: datetime | None) -> str:
    """Return day and time to the second, in local time or within humanize.in_utc() in UTC."""
    return f"{humanize.local(when):%Y-%m-%d %H:%M:%S}" if when else humanize.UNKNOWN


def trace_lines(timeline: Timeline, remarks: Mapping[int, Sequence[str]]) -> Iterator[str]:
    """Yield a run, one line per step, indented by its spans.

    `remarks` by the record's key; notes that a remark contains are left out.
    """
    yield f"{'step':>4}  {'what':<32} {'began ms':>10} {'ms':>9}  notes"
    for step in timeline.steps:
        number = humanize.step_number(step.step)
        name = fitted(sanitize(step.branch + step.name), 32)
        remarked = remarks.get(step.row, ())
        notes = [note.text for note in step.notes if not _is_in(note, remarked)]
        notes = [sanitize(text) for text in (*notes, *remarked)]
        began = humanize.fit_number(step.start if timeline.timed else None, 10)
        took = humanize.fit_number(step.latency_ms, 9)
        line = f"{number:>4}  {name} {began:>10} {took:>9}  {'  '.join(notes)}"
        yield toned(line.rstrip(), failed=step.failed, slow=step.slow)


def _is_in(note: Note, remarks: Sequence[str]) -> bool:
    sign, _, text = note.text.partition(" ")
    return not sign.isalnum() and sign != "✗" and any(text in remark for remark in remarks)


_MAX_FAILURE: Final = 200
"""Maximum characters of a failure in a line."""
_MAX_CELL: Final = 60
"""Maximum characters of a cell."""


def table(
    titles: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[str] = ()
) -> Iterator[str]:
    """Yield rows as a table, in columns as wide as their values.

    Columns of numbers, and those with a title in `right`, are aligned to the right.
    """
    rows = list(rows)
    cells = [[sanitize(_cell(value), _MAX_CELL) for value in row] for row in rows]
    heads = [sanitize(title, _MAX_CELL) for title in titles]
    columns = list(zip(heads, *cells, strict=True))
    widths = [max(map(cell_width, column)) for column in columns]
    aligned = [
        title in right or _are_numbers(row[index] for row in rows)
        for index, title in enumerate(titles)
    ]
    for line in (heads, *cells):
        yield "  ".join(
            fitted(cell, width, right=is_right)
            for cell, width, is_right in zip(line, widths, aligned, strict=True)
        ).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return humanize.UNKNOWN
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"  # noqa: PLR2004 - six digits
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _are_numbers(values: Iterable[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, (int, float)) for value in known)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` padded or cut to `width` cells, the same in every terminal."""
    if not text.isascii():
        text = steady(text)
    while cell_width(text) > width:
        text = text[:-1]
    spaces = " " * (width - cell_width(text))
    return spaces + text if right else text + spaces
