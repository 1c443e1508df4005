"""Records and tables as lines of text for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import click

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.detail import cut_off
from llmlog_tui.analysis.traces.timeline import Note, Timeline
from llmlog_tui.log.record_key import record_label
from llmlog_tui.sanitize import sanitize

SLOW_MS: Final = 500.0
"""A record that took longer says why, where no option says otherwise."""


def head() -> str:
    """The titles over lines from line_of()."""
    time = f"time{humanize.zone_note()}"
    return (
        f"{time:<23} {'trace':<8} {'step':>4} {'what':<24} {'ms':>8} {'rsn':>6} {'in':>7}"
        f" {'out':>6}  notes"
    )


def line_of(record: Mapping[str, Any], why: str = "") -> str:
    """One record in one line; red if it failed, yellow if there is a `why` it was slow."""
    when = record["ts"]
    time = f"{humanize.local(when):%Y-%m-%d %H:%M:%S.%f}"[:23] if when else humanize.UNKNOWN
    trace = sanitize(humanize.short_id(record["trace_id"]))
    step = humanize.UNKNOWN if record["step"] is None else str(record["step"])
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
    """The line in colour where it is remarkable; click takes away what is not wanted."""
    tone = "red" if failed else "yellow" if slow else None
    return click.style(line, fg=tone) if tone else line


def _notes(record: Mapping[str, Any], why: str) -> Iterator[str]:
    if record["status"] == "error":
        yield sanitize(f"✗ {record['error_type'] or record['error_status'] or 'failed'}")
    if record["finish_reason"] == "length":
        yield "┤ length"
    elif record["status"] != "error" and (how := cut_off(record)):
        yield f"┤ {how}"
    if record["retries"]:
        yield f"↻ {record['retries']}"
    if why:
        yield sanitize(why)


def day_time(when: datetime | None) -> str:
    """Day and time to the second, local or UTC as units.in_utc() says."""
    return f"{humanize.local(when):%Y-%m-%d %H:%M:%S}" if when else humanize.UNKNOWN


def trace_lines(timeline: Timeline, remarks: Mapping[int, Sequence[str]]) -> Iterator[str]:
    """A run, one line a step, indented as its spans are.

    `remarks` by the record's key; a note that one of them holds is not said again.
    """
    yield f"{'step':>4}  {'what':<32} {'began ms':>10} {'ms':>9}  notes"
    for step in timeline.steps:
        number = humanize.UNKNOWN if step.step is None else str(step.step)
        name = fitted(sanitize(step.branch + step.name), 32)
        said = remarks.get(step.row, ())
        notes = [note.text for note in step.notes if not _is_in(note, said)]
        notes = [sanitize(text) for text in (*notes, *said)]
        began = humanize.fit_number(step.start if timeline.timed else None, 10)
        took = humanize.fit_number(step.latency_ms, 9)
        line = f"{number:>4}  {name} {began:>10} {took:>9}  {'  '.join(notes)}"
        yield toned(line.rstrip(), failed=step.failed, slow=step.slow)


def _is_in(note: Note, remarks: Sequence[str]) -> bool:
    sign, _, text = note.text.partition(" ")
    return not sign.isalnum() and any(text in remark for remark in remarks)


_MAX_CELL: Final = 60


def table(
    titles: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[str] = ()
) -> Iterator[str]:
    """Any rows, in columns as wide as their values but for very long ones.

    Numbers are to the right, and so are the columns whose titles are in `right`.
    """
    rows = list(rows)
    cells = [[sanitize(_cell(value), _MAX_CELL) for value in row] for row in rows]
    heads = [sanitize(title, _MAX_CELL) for title in titles]
    columns = list(zip(heads, *cells, strict=True))
    widths = [max(map(_width, column)) for column in columns]
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
    """`text` in just so many cells, in every terminal as many, cut at its end."""
    if not text.isascii():
        from llmlog_tui.glyphs import steady  # noqa: PLC0415 - imports rich, which JSON needs not

        text = steady(text)
    while _width(text) > width:
        text = text[:-1]
    spaces = " " * (width - _width(text))
    return spaces + text if right else text + spaces


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - as in fitted()

    return cell_len(text)
