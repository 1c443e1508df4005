"""One run as an HTML page: totals, timeline, steps, errors, content by option."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from llmlog.redaction import redact
from llmlog_tui import humanize
from llmlog_tui.analysis.calls.calls import FAILED
from llmlog_tui.analysis.reports.bundle import (
    ERRORS,
    IDS,
    STEPS,
    UNFINISHED,
    grep_commands,
    has_ids,
    redacted_records,
    summaries,
    tag_values,
    unfinished,
)
from llmlog_tui.analysis.reports.html_page import Html, element, figures, page, section, table
from llmlog_tui.analysis.reports.svg_charts import MAX_STEPS, timeline_chart
from llmlog_tui.analysis.traces.conversation import Message, against, conversation
from llmlog_tui.analysis.traces.timeline import Timeline, timeline
from llmlog_tui.log.record_key import record_label
from llmlog_tui.log.starts import RunningStep

_NUMBERS: Final = (
    *("step", "latency_ms", "ttft_ms", "server_ms", "retries", "error_status"),
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
)
_EARLIER: Final = 5
"""Maximum earlier steps that are searched for the same messages."""


def bundle_html(  # noqa: PLR0913 - the parts of one page
    run: pl.DataFrame,
    trace_id: str,
    lines: Mapping[int, bytes],
    files: Sequence[str],
    *,
    slow_ms: float,
    content: Mapping[int, Mapping[str, Any]] | None = None,
    begun: Sequence[RunningStep] = (),
) -> str:
    """Return the page of one run; arguments as of bundle.bundle().

    `content` has the records with their content by key; without it, and in records that have none,
    prompts, answers, arguments and error messages are left out. Secrets are replaced.
    """
    run = run.sort("step", maintain_order=True, nulls_last=True)
    records = redacted_records(run)
    steps = [
        {**record, "what": record_label(record), "ts": time and f"{time:%H:%M:%S.%f}"[:-3]}
        for record, time in zip(records, map(_local, run["ts"]), strict=True)
    ]
    errors = ("step", "what", *ERRORS[1:], *(() if content is None else ("error_message",)))
    drawn = timeline(run, trace_id, slow_ms)
    note = f"The first {MAX_STEPS} steps." if len(drawn.steps) > MAX_STEPS else ""
    return page(
        f"Run {redact(trace_id)}",
        figures(_figures(run)),
        *_tags(run, records),
        section("Timeline", timeline_chart(_redacted(drawn)), element("p", note, _class="dim")),
        *_records("Steps", ("step", "what", *STEPS[1:]), steps),
        *_unfinished(begun),
        *_records("Errors", errors, [step for step in steps if step["status"] == "error"]),
        *(() if content is None else [_content(run, content)]),
        *_records("Ids and fingerprints", IDS, [step for step in steps if has_ids(step)]),
        section(
            "The lines", element("pre", "\n".join(dict.fromkeys(grep_commands(run, lines, files))))
        ),
        element("footer", _foot(content)),
    )


def _tags(run: pl.DataFrame, records: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    rows = [
        {"tag": tag, "values": ", ".join(values), "status": None}
        for tag, values in tag_values(run, records).items()
    ]
    return _records("Tags", ("tag", "values"), rows)


def _unfinished(begun: Sequence[RunningStep]) -> Iterator[Html]:
    """Yield the section of steps without a record, if there are any."""
    rows = [
        {**row, "ts": f"{_moment(step.ts)}", "status": None}
        for row, step in zip(unfinished(begun), begun, strict=True)
    ]
    return _records("Not ended", UNFINISHED, rows)


def _foot(content: object) -> str:
    left_out = "" if content else " Prompts, answers and arguments are left out."
    return f"Made by llmlog.{left_out} Secrets and personal data are replaced."


def _figures(run: pl.DataFrame) -> Iterator[tuple[str, object, str | None]]:
    for found in summaries(run):
        partly = humanize.unpriced_mark(found["cost_usd"], found["unpriced_calls"])
        yield "session", redact(found["session_id"]), None
        yield "began", _moment(found["ts"]), None
        yield "took", humanize.duration(found["time_ms"]), None
        yield "steps", humanize.integer(found["steps"]), None
        failed = run.select(FAILED.sum()).item()
        yield "failed", humanize.integer(failed), "bad" if failed else None
        yield "tokens", humanize.count(found["tokens"]), None
        yield "cost", f"{humanize.money(found['cost_usd'])}{partly}", None


def _moment(ts: datetime | None) -> str:
    return f"{humanize.local(ts):%d %b %H:%M:%S}{humanize.zone_note()}" if ts else humanize.UNKNOWN


def _local(ts: datetime | None) -> datetime | None:
    return None if ts is None else humanize.local(ts)


def _redacted(drawn: Timeline) -> Timeline:
    names = redact([step.name for step in drawn.steps])
    assert isinstance(names, list)  # noqa: S101 - a list stays one
    steps = zip(drawn.steps, names, strict=True)
    return replace(drawn, steps=tuple(replace(step, name=str(name)) for step, name in steps))


def _records(
    title: str, names: Sequence[str], records: Sequence[Mapping[str, Any]]
) -> Iterator[Html]:
    """Yield a section with a table, without columns that are unknown in all records."""
    known = [name for name in names if any(record[name] is not None for record in records)]
    if not known:
        return
    rows = [[_cell(name, record[name]) for name in known] for record in records]
    tones = ["bad" if record["status"] == "error" else None for record in records]
    titles = {name: _TITLES.get(name, name.replace("_", " ")) for name in known}
    numbers = [titles[name] for name in known if name in _NUMBERS]
    yield section(title, table([*titles.values()], rows, numbers=numbers, tones=tones))


def _cell(name: str, value: object) -> object:
    if name == "error_status" or not isinstance(value, (int, float)):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


_TITLES: Final = {
    "latency_ms": "ms",
    "ttft_ms": "ttft ms",
    "finish_reason": "finish",
    "prompt_tokens": "in",
    "completion_tokens": "out",
    "reasoning_tokens": "rsn",
    "cached_tokens": "cached",
}
"""Field -> its title on the page, as in the dashboard."""


_SHOWN: Final = (
    *("event", "step", "tool_name", "name", "model", "requested_model"),
    *("input", "output", "error_message"),
)
"""Fields of a record that its content is shown with."""


def _content(run: pl.DataFrame, content: Mapping[int, Mapping[str, Any]]) -> Html:
    """Return each step's messages, folded; those of an earlier step are only counted."""
    earlier: list[tuple[int | None, bytes]] = []
    steps = []
    for row in run["row"]:
        record = content.get(row, {})
        clean = redact({name: record[name] for name in _SHOWN if name in record})
        assert isinstance(clean, dict)  # noqa: S101 - an object stays one
        line = json.dumps(clean).encode()
        before = [(step, lambda line=line: line) for step, line in reversed(earlier[-_EARLIER:])]
        found = against(conversation(clean), before)
        if found.messages:
            steps.append(_step(clean, found.messages, found.shared, found.shared_with))
        if clean.get("input") is not None and clean.get("event") != "tool_call":
            earlier.append((clean.get("step"), line))
    none = element("p", "The log has no content: see the content policy.", _class="dim")
    return section("Content", *(steps or [none]))


def _step(
    record: Mapping[str, Any], messages: Sequence[Message], shared: int, shared_with: int | None
) -> Html:
    step = record.get("step")
    named = f"step {humanize.step_number(step)}  {_label(record)}"
    new = humanize.plural(len(messages) - shared, "message")
    as_before = f"{humanize.plural(shared, 'message')} as in step {shared_with}"
    head = element("summary", f"{named}: {new}" + (f" after {as_before}" if shared else ""))
    body = element("div", *_messages(messages[shared:]))
    return element("details", head, body)


def _label(record: Mapping[str, Any]) -> str:
    names = ("tool_name", "name", "model", "requested_model", "event")
    return next((str(record[name]) for name in names if record.get(name)), "")


def _messages(messages: Iterable[Message]) -> Iterator[Html]:
    for message in messages:
        yield element("p", message.role, _class=f"role {_ROLES.get(message.role, '')}".strip())
        yield element("pre", message.text)


_ROLES: Final = {
    role: role for role in ("user", "assistant", "error", "call", "result", "tool", "system")
}
"""Roles with a colour, by the name of its class."""
