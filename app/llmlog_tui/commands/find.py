"""`llmlog find`: the record a ticket, a screen or somebody's log line speaks of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls import calls as calls_
from llmlog_tui.analysis.calls.detail import detail
from llmlog_tui.analysis.calls.lookup import find_by_id
from llmlog_tui.commands.common import (
    OpenLog,
    echo_json,
    echo_texts,
    files_argument,
    json_option,
    open_log,
    path_text,
    utc_option,
    where_option,
)
from llmlog_tui.commands.text_tables import SLOW_MS, fitted, head, line_of
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.sanitize import grep, sanitize


@click.command(short_help="Find records by any id, or by its first 6 characters.")
@click.argument("wanted", metavar="ID")
@files_argument
@json_option
@where_option
@utc_option
def find(wanted: str, files: tuple[str, ...], *, as_json: bool, where: str | None) -> None:
    """Find records by id, request_id, trace_id or session_id, or by its first 6 characters or more.

    One record is shown whole, with where its time went and why it was slow or cut off; several as a
    list. JSON columns: the record's fields (null where unknown), then file, line and format.
    """
    with open_log(files, where) as log:
        found = find_by_id(log.frame, wanted)
        if as_json:
            placed = log.placed(found).with_columns(log.formats(found))
            echo_json(placed.iter_rows(named=True))
        elif found.height == 1:
            click.echo("\n".join(_whole(log, found)))
        else:
            rows = found.iter_rows(named=True)
            echo_texts(chain([head()], map(line_of, rows)))


def _whole(log: OpenLog, found: pl.DataFrame) -> Iterator[str]:
    """All fields as they stand in the line, where it stands, and how to find it again."""
    ((row, line),) = log.raw(found)
    place = log.place(row)
    yield sanitize(f"{path_text(place.file)}:{place.line}")
    record = log.whole(found.row(0, named=True))
    for name, value in record.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{fitted(sanitize(name), 30)}  {sanitize(text)}"
    yield from _said(log, found)
    if (name := log.formats(found).item()) != LLMLOG.name:
        yield f"{'(format)':<30}  {name}"
    for name in ("trace_id", "request_id"):
        if isinstance(record.get(name), str):
            yield sanitize(grep(name, record[name], line, str(place.file)))


def _said(log: OpenLog, found: pl.DataFrame) -> Iterator[str]:
    """What is to be said of a record: where its time went, and why it was slow or cut off."""
    usual = calls_.baselines(calls_.model_calls(log.snapshot.frame))
    (record,) = found.iter_rows(named=True)
    known = detail(record, usual.get(record["model"]), SLOW_MS)
    parts = {
        "server": known.split.server_ms,
        "retry wait": known.split.retry_wait_ms,
        "rest": known.split.rest_ms,
    }
    times = [f"{name} {humanize.duration(ms)}" for name, ms in parts.items() if ms is not None]
    split = ", ".join(times) if known.is_call else ""
    for name, text in (("time", split), ("why slow", known.why_slow), ("cut off", known.cut_off)):
        if text:
            yield f"{f'({name})':<30}  {sanitize(text)}"
