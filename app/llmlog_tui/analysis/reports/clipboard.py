"""Texts to copy for a record: its ids, a grep command, its line, its trace."""

from __future__ import annotations

from typing import Final

from llmlog_tui import humanize
from llmlog_tui.analysis.live.overview import Overview
from llmlog_tui.analysis.traces.timeline import timeline
from llmlog_tui.sanitize import grep, sanitize

CHOICES: Final = {
    "i": "id",
    "r": "request_id",
    "g": "grep",
    "l": "line",
    "t": "trace as Markdown",
}
"""Texts by the key that copies them."""


def copy_text(overview: Overview, row: int, key: str, line: bytes | None, file: str) -> str | None:
    """Return the text of a choice for record `row`; None without one.

    `line` is its raw line in `file`, None if that is gone. Ids are unchanged but for control
    characters.
    """
    record = overview.record(row)
    if key in ("i", "r"):
        value = record[CHOICES[key]]
        return None if value is None else sanitize(value)
    if key == "l":
        return None if line is None else sanitize(line.decode(errors="replace"))
    if key == "g":
        name = "request_id" if record["request_id"] else "trace_id"
        has_one = line is not None and record[name]
        return sanitize(grep(name, record[name], line, file)) if has_one and line else None
    return None if record["trace_id"] is None else _markdown(overview, record["trace_id"])


def _markdown(overview: Overview, trace_id: str) -> str:
    run = timeline(overview.frame, trace_id, overview.slow_ms)
    began = humanize.rfc3339(run.begin) or humanize.UNKNOWN
    names = f"`{_cell(trace_id)}`, session `{_cell(run.session_id or humanize.UNKNOWN)}`"
    lines = [
        f"Trace {names}, began {began}, took {humanize.duration(run.duration_ms)}",
        "",
        "| step | name | ms | notes |",
        "|---|---|---|---|",
    ]
    for step in run.steps:
        number = humanize.UNKNOWN if step.step is None else str(step.step)
        notes = ", ".join(note.text for note in step.notes)
        mark = "✗ " if step.failed else ""
        ms = humanize.integer(step.latency_ms)
        lines.append(f"| {number} | {mark}{_cell(step.name)} | {ms} | {_cell(notes)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return sanitize(text, 200).replace("|", "¦").replace("`", "'")
