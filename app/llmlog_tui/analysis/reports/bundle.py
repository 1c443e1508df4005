"""One run as Markdown for a support ticket, without content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.log.record_key import record_label
from llmlog_tui.log.schema import decategorize
from llmlog_tui.log.tags import tag_types
from llmlog_tui.sanitize import grep, sanitize

_STEPS: Final = (
    *("step", "ts", "event", "latency_ms", "ttft_ms", "server_ms", "retries", "finish_reason"),
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
)
_IDS: Final = ("step", "provider", "model", "system_fingerprint", "id", "request_id")
_MAX_VALUES: Final = 5
"""Maximum values of a tag that are listed."""
_ERRORS: Final = ("step", "error_type", "error_status", "error_code", "request_id", "retries")


def bundle(
    run: pl.DataFrame, trace_id: str, lines: Mapping[int, bytes], files: Sequence[str]
) -> str:
    """Return the totals, steps, ids, fingerprints, errors and grep commands of one run.

    `run` has its records with costs (see cost.priced), `lines` their lines by key, if their files
    exist, `files` the names of a Snapshot's. Prompts, answers, arguments and error messages are
    left out.
    """
    run = run.sort("step", maintain_order=True, nulls_last=True)
    return "\n".join(_markdown(run, trace_id, lines, files))


def _markdown(
    run: pl.DataFrame, trace_id: str, lines: Mapping[int, bytes], files: Sequence[str]
) -> Iterator[str]:
    records = [{**record, "ts": humanize.rfc3339(record["ts"])} for record in _rows(run)]
    yield f"# Run {_code(trace_id)}"
    yield ""
    yield from _summary(run)
    yield from _section(
        "Steps", ("what", *_STEPS), [{**r, "what": record_label(r)} for r in records]
    )
    calls = [r for r in records if any(r[name] for name in _IDS[3:])]
    yield from _section("Ids and fingerprints", _IDS, calls)
    yield from _section("Errors", _ERRORS, [r for r in records if r["status"] == "error"])
    yield ""
    yield "## The lines"
    yield ""
    yield "    " + "\n    ".join(dict.fromkeys(_greps(run, lines, files)))


def _rows(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return decategorize(frame).iter_rows(named=True)


def _summary(run: pl.DataFrame) -> Iterator[str]:
    for found in _rows(traces(run)):
        yield f"- session: {_code(found['session_id'])}"
        yield f"- began: {_code(humanize.rfc3339(found['ts']))}"
        yield f"- took: {humanize.duration(found['time_ms'])}, {found['steps']:,} steps"
        partly = f", without {lacks:,} unpriced" if (lacks := found["unpriced_calls"]) else ""
        cost = humanize.money(found["cost_usd"]) + partly
        yield f"- tokens: {humanize.integer(found['tokens'])}, cost {cost}"
        yield f"- models: {', '.join(map(_code, found['models'])) or humanize.UNKNOWN}"
    for tag in tag_types(run):
        values = run[tag].drop_nulls().unique(maintain_order=True).cast(pl.String)
        if len(values):
            more = f" and {len(values) - _MAX_VALUES:,} more" if len(values) > _MAX_VALUES else ""
            yield f"- {_code(tag)}: {', '.join(map(_code, values.head(_MAX_VALUES)))}{more}"


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


def _greps(run: pl.DataFrame, lines: Mapping[int, bytes], files: Sequence[str]) -> Iterator[str]:
    for record in run.select("row", "file", "trace_id", "request_id", "status").iter_rows(
        named=True
    ):
        line, file = lines.get(record["row"]), files[record["file"]]
        if line is not None:
            yield sanitize(grep("trace_id", record["trace_id"], line, file))
            if record["status"] == "error" and record["request_id"] is not None:
                yield sanitize(grep("request_id", record["request_id"], line, file))
