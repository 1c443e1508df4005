"""Texts to copy for a record: its ids, a grep command, its line, its trace."""

from __future__ import annotations

import json
import re
import shlex
from typing import Final

from llmlog_tui import humanize
from llmlog_tui.analysis.live.overview import Overview
from llmlog_tui.analysis.reports.reproduction import reproduction
from llmlog_tui.analysis.traces.conversation import arguments_of, conversation, decode
from llmlog_tui.analysis.traces.timeline import timeline
from llmlog_tui.copy_choices import CHOICES
from llmlog_tui.sanitize import grep, sanitize


def copy_text(  # noqa: PLR0913 - `message` by name
    overview: Overview,
    row: int,
    key: str,
    line: bytes | None,
    file: str,
    *,
    message: int | None = None,
) -> str | None:
    r"""Return the text of a choice for record `row`; None without one.

    `line` is its raw line in `file`, None if that is gone. Values of a log are hostile: pasted into
    a shell no text runs a command. Ids of other than harmless characters are quoted, and a line
    writes `$` and its like as `\u0024`, as which JSON reads them. `message` is the index of the
    message to copy; None for the newest.
    """
    if key in CONTENT_KEYS:
        return _content(key, line, message)
    record = overview.record(row)
    if key in ("i", "r"):
        value = record[CHOICES[key]]
        return None if value is None else shlex.quote(sanitize(value))
    if key == "l":
        return None if line is None else _line(line)
    if key == "g":
        name = "request_id" if record["request_id"] else "trace_id"
        has_one = line is not None and record[name]
        return sanitize(grep(name, record[name], line, file), _MAX) if has_one and line else None
    return None if record["trace_id"] is None else _markdown(overview, record["trace_id"])


CONTENT_KEYS: Final = frozenset("mpafcy")
"""Keys of texts from a record's content, and of programs that repeat its call."""


def _content(key: str, line: bytes | None, message: int | None) -> str | None:
    record = decode(line)
    if record is None:
        return None
    if key in "cy":
        return reproduction(record, "curl" if key == "c" else "python")
    found = conversation(record)
    if key == "f":
        return _printable(arguments_of(found))
    if key == "m" and found.messages:
        last = len(found.messages) - 1
        return _printable(found.messages[last if message is None else min(message, last)].text)
    asked = [each for each in found.messages if each.is_answer == (key == "a")]
    if len(asked) == 1:
        return _printable(asked[0].text)
    return _printable("\n\n".join(f"{each.role}:\n{each.text}" for each in asked) or None)


def _printable(text: str | None) -> str | None:
    """Return a text with its line breaks and tabs, but no other control characters."""
    if not text:
        return None
    lines = (line.split("\t") for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join("\t".join(sanitize(each, len(each)) for each in line) for line in lines)


def _markdown(overview: Overview, trace_id: str) -> str:
    run = timeline(overview.frame, trace_id, overview.slow_ms)
    began = humanize.rfc3339(run.begin) or humanize.UNKNOWN
    session, took = run.session_id or humanize.UNKNOWN, humanize.duration(run.duration_ms)
    # A shell takes no line that begins with a bar, and runs nothing of it.
    lines = [
        "| trace | session | began | took |",
        "|---|---|---|---|",
        f"| {_cell(trace_id)} | {_cell(session)} | {began} | {took} |",
        "",
        "| step | name | ms | notes |",
        "|---|---|---|---|",
    ]
    for step in run.steps:
        number = humanize.step_number(step.step)
        notes = ", ".join(note.text for note in step.notes)
        mark = "✗ " if step.failed else ""
        ms = humanize.integer(step.latency_ms)
        lines.append(f"| {number} | {mark}{_cell(step.name)} | {ms} | {_cell(notes)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return sanitize(text, 200).replace("|", "¦").replace("`", "'").replace("$", "＄")


def _line(line: bytes) -> str:
    """Return a JSON line without characters that a shell expands."""
    text = sanitize(line.decode(errors="replace"), _MAX)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return shlex.quote(text)
    return _EXPANDED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_EXPANDED: Final = re.compile("[$`!]")
"""What a shell expands inside double quotes."""

_MAX: Final = 1_000_000
"""Maximum characters of a line or command that is copied."""
