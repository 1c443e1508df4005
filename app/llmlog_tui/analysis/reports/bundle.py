"""One run as Markdown for a support ticket, without content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from llmlog.redaction import redact
from llmlog_tui import humanize
from llmlog_tui.analysis.traces.running_steps import as_row
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.log.record_key import record_label
from llmlog_tui.log.schema import decategorize
from llmlog_tui.log.starts import RunningStep
from llmlog_tui.log.tags import tag_types
from llmlog_tui.sanitize import grep, sanitize

STEPS: Final = (
    *("step", "ts", "event", "latency_ms", "ttft_ms", "server_ms", "retries", "finish_reason"),
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
)
IDS: Final = ("step", "provider", "model", "system_fingerprint", "id", "request_id")
ERRORS: Final = ("step", "error_type", "error_status", "error_code", "request_id", "retries")
UNFINISHED: Final = ("what", "step", "ts", "session_id", "state")
_MAX_VALUES: Final = 5
"""Maximum values of a tag that are listed."""


def bundle(
    run: pl.DataFrame,
    trace_id: str,
    lines: Mapping[int, bytes],
    files: Sequence[str],
    begun: Sequence[RunningStep] = (),
) -> str:
    """Return the totals, steps, ids, fingerprints, errors and grep commands of one run.

    `run` has its records with costs (see cost.priced), `lines` their lines by key, if their files
    exist, `files` the names of a Snapshot's, `begun` its steps without a record. Prompts,
    answers, arguments and error messages are left out.
    """
    run = run.sort("step", maintain_order=True, nulls_last=True)
    return "\n".join(_markdown(run, trace_id, lines, files, begun))


def _markdown(
    run: pl.DataFrame,
    trace_id: str,
    lines: Mapping[int, bytes],
    files: Sequence[str],
    begun: Sequence[RunningStep],
) -> Iterator[str]:
    records = redacted_records(run)
    yield f"# Run {_code(trace_id)}"
    if run.height:
        yield ""
    yield from _summary(run)
    for tag, values in tag_values(run, records).items():
        yield f"- {_code(tag)}: {', '.join(map(_code, values))}"
    yield from _section(
        "Steps", ("what", *STEPS), [{**r, "what": record_label(r)} for r in records]
    )
    yield from _section("Not ended", UNFINISHED, unfinished(begun))
    yield from _section("Ids and fingerprints", IDS, [r for r in records if has_ids(r)])
    yield from _section("Errors", ERRORS, [r for r in records if r["status"] == "error"])
    if run.height:
        yield ""
        yield "## The lines"
        yield ""
        yield "    " + "\n    ".join(dict.fromkeys(grep_commands(run, lines, files)))


def redacted_records(run: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the records without secrets, ts as text."""
    rows = decategorize(run).iter_rows(named=True)
    clean = redact([{**record, "ts": humanize.rfc3339(record["ts"])} for record in rows])
    assert isinstance(clean, list)  # noqa: S101 - a list stays one
    return clean


def unfinished(begun: Sequence[RunningStep]) -> list[dict[str, Any]]:
    """Return the columns UNFINISHED of steps without a record, without secrets."""
    now = datetime.now(UTC)
    rows = [
        {**as_row(step, now), "what": step.label, "session_id": step.session_id} for step in begun
    ]
    clean = redact(rows)
    assert isinstance(clean, list)  # noqa: S101 - a list stays one
    return clean


def has_ids(record: Mapping[str, Any]) -> bool:
    return any(record[name] for name in IDS[3:])


def summaries(run: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return decategorize(traces(run)).iter_rows(named=True)


def _summary(run: pl.DataFrame) -> Iterator[str]:
    for found in summaries(run):
        yield f"- session: {_code(found['session_id'])}"
        yield f"- began: {_code(humanize.rfc3339(found['ts']))}"
        steps = humanize.plural(found["steps"], "step")
        yield f"- took: {humanize.duration(found['time_ms'])}, {steps}"
        lacks = found["unpriced_calls"]
        partly = f", {humanize.plural(lacks, 'call')} unpriced" if lacks else ""
        cost = humanize.money(found["cost_usd"]) + partly
        yield f"- tokens: {humanize.integer(found['tokens'])}, cost {cost}"
        yield f"- models: {', '.join(map(_code, found['models'])) or humanize.UNKNOWN}"


def tag_values(run: pl.DataFrame, records: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the first values of each tag of a run, as in `records`."""
    found = {}
    for tag in tag_types(run):
        values = list(dict.fromkeys(str(r[tag]) for r in records if r[tag] is not None))
        if values:
            more = [f"and {len(values) - _MAX_VALUES:,} more"] if len(values) > _MAX_VALUES else []
            found[tag] = values[:_MAX_VALUES] + more
    return found


def _section(title: str, names: tuple[str, ...], records: list[dict[str, Any]]) -> Iterator[str]:
    if not records:
        return
    yield ""
    yield f"## {title}"
    yield ""
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for record in records:
        yield f"| {' | '.join(_code(record[name]) for name in names)} |"


def _code(value: object) -> str:
    if value is None:
        return humanize.UNKNOWN
    number = f"{value:g}" if isinstance(value, float) else str(value)
    text = sanitize(number, 200).replace("`", "'").replace("|", "¦")
    return f"`{text}`" if isinstance(value, str) and text else text


def grep_commands(
    run: pl.DataFrame, lines: Mapping[int, bytes], files: Sequence[str]
) -> Iterator[str]:
    """Yield the commands that find the run, and its failed calls, in its files."""
    for record in run.select("row", "file", "trace_id", "request_id", "status").iter_rows(
        named=True
    ):
        line, file = lines.get(record["row"]), files[record["file"]]
        if line is not None:
            yield sanitize(grep("trace_id", record["trace_id"], line, file))
            if record["status"] == "error" and record["request_id"] is not None:
                yield sanitize(grep("request_id", record["request_id"], line, file))
