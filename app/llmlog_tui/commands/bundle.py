"""`llmlog bundle`: what a support ticket needs of one run, without content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import click
import polars as pl

from llmlog_tui import units
from llmlog_tui.analysis.cost import priced, rates
from llmlog_tui.analysis.find import the_one
from llmlog_tui.analysis.fingerprints import with_changed
from llmlog_tui.analysis.identity import name_of
from llmlog_tui.analysis.rules import Rules
from llmlog_tui.analysis.traces import traces
from llmlog_tui.commands.common import Log, files_argument, opened, path_text, where_option
from llmlog_tui.commands.rules import rules_option
from llmlog_tui.log.schema import plain
from llmlog_tui.text import grep, inert

_STEPS: Final = (
    *("step", "ts", "event", "latency_ms", "ttft_ms", "server_ms", "retries", "finish_reason"),
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
)
_IDS: Final = ("step", "provider", "model", "system_fingerprint", "id", "request_id")
_ERRORS: Final = ("step", "error_type", "error_status", "error_code", "request_id", "retries")


@click.command()
@click.argument("trace_id", metavar="TRACE_ID")
@files_argument
@click.option(
    "--to",
    "out",
    type=click.File("w", encoding="utf-8", atomic=True),
    default="-",
    metavar="OUT.md",
    help="File to write; standard output without it.",
)
@where_option
@rules_option
def bundle(
    trace_id: str, files: tuple[str, ...], *, out: IO[str], where: str | None, rules: Rules
) -> None:
    """Write one run as Markdown for a support ticket: ids, timings, fingerprints, errors, greps.

    No prompts, answers, arguments, error messages or tags of your own. TRACE_ID may be its first 6
    characters or more.
    """
    with opened(files, where) as log:
        wanted = the_one(log.frame, "trace_id", trace_id)
        run = log.frame.filter(pl.col("trace_id") == wanted)
        run = run.sort("step", maintain_order=True, nulls_last=True)
        text = "\n".join(_markdown(log, run, wanted, rules))
    out.write(text + "\n")


def _markdown(log: Log, run: pl.DataFrame, trace_id: str, rules: Rules) -> Iterator[str]:
    records = [{**record, "ts": units.rfc3339(record["ts"])} for record in _rows(run)]
    yield f"# Run {_code(trace_id)}"
    yield ""
    yield from _summary(run, rules)
    yield from _section("Steps", ("what", *_STEPS), [{**r, "what": name_of(r)} for r in records])
    calls = [r for r in records if any(r[name] for name in _IDS[3:])]
    yield from _section("Ids and fingerprints", _IDS, calls)
    yield from _section("Errors", _ERRORS, [r for r in records if r["status"] == "error"])
    yield ""
    yield "## The lines"
    yield ""
    yield "    " + "\n    ".join(dict.fromkeys(_greps(log, run)))


def _rows(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return plain(frame).iter_rows(named=True)


def _summary(run: pl.DataFrame, rules: Rules) -> Iterator[str]:
    for found in _rows(traces(priced(with_changed(run), rates(rules)))):
        yield f"- session: {_code(found['session_id'])}"
        yield f"- began: {_code(units.rfc3339(found['ts']))}"
        yield f"- took: {units.duration(found['time_ms'])}, {found['steps']:,} steps"
        yield f"- tokens: {units.whole(found['tokens'])}, cost {units.money(found['cost_usd'])}"
        yield f"- models: {', '.join(map(_code, found['models'])) or units.UNKNOWN}"


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
    """A value as Markdown shows and does not obey it."""
    if value is None:
        return units.UNKNOWN
    number = f"{value:g}" if isinstance(value, float) else str(value)
    text = inert(number, 200).replace("`", "'").replace("|", "¦")
    return f"`{text}`" if isinstance(value, str) and text else text


def _greps(log: Log, run: pl.DataFrame) -> Iterator[str]:
    files = [path_text(Path(path)) for path in log.snapshot.files]
    where = zip(log.raw(run), run["file"], run["trace_id"], run["request_id"], strict=True)
    failed = (run["status"] == "error").to_list()
    for index, ((_, line), file, trace_id, request_id) in enumerate(where):
        yield inert(grep("trace_id", trace_id, line, files[file]))
        if failed[index] and request_id is not None:
            yield inert(grep("request_id", request_id, line, files[file]))
