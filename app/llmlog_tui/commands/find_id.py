"""`llmlog find ID`: one record with all its fields, or several as a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls import calls as calls_
from llmlog_tui.analysis.calls.detail import detail
from llmlog_tui.analysis.calls.lookup import NoIdError, find_by_id
from llmlog_tui.commands.open_log import OpenLog, open_log
from llmlog_tui.commands.output import echo_json, echo_records, echo_texts
from llmlog_tui.commands.text_tables import SLOW_MS, fitted, head, line_of
from llmlog_tui.commands.unfinished import start_fields, start_lines, start_objects
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.sources import path_text, url_of
from llmlog_tui.sanitize import grep, sanitize


def find_id(wanted: str, files: tuple[str, ...], *, as_json: bool, where: str | None) -> bool:
    """Print the records and begun steps with an id; return whether there are any."""
    if not wanted:
        raise click.UsageError("an empty id: is a variable empty?")
    with open_log(files, where, ids=[wanted]) as log:
        try:
            found, begun = find_by_id(log.frame, wanted, () if where else log.snapshot.running)
        except NoIdError as error:
            click.echo(f"llmlog: {sanitize(str(error))}", err=True)
            return False
        if as_json:
            records = log.placed(found).with_columns(log.formats(found))
            echo_records(records)
            echo_json(start_objects(begun, records.columns))
        elif found.height + len(begun) == 1:
            click.echo("\n".join(start_fields(begun[0]) if begun else _whole(log, found)))
        else:
            rows = found.iter_rows(named=True)
            echo_texts(chain([head()], map(line_of, rows), start_lines(begun, found.columns)))
    return True


def _whole(log: OpenLog, found: pl.DataFrame) -> Iterator[str]:
    """Yield the record's place, all fields of its line, the explanations, and its grep."""
    ((row, line),) = log.raw(found)
    place = log.place(row)
    yield sanitize(f"{path_text(place.file)}:{place.line}")
    ((_, record),) = log.contents(found)
    for name, value in record.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{fitted(sanitize(name), 30)}  {sanitize(text)}"
    yield from _explanations(log, found)
    if (name := log.formats(found).item()) != LLMLOG.name:
        yield f"{'(format)':<30}  {name}"
    for name in ("trace_id", "request_id"):
        if isinstance(record.get(name), str):
            yield sanitize(grep(name, record[name], line, url_of(place.file) or str(place.file)))


def _explanations(log: OpenLog, found: pl.DataFrame) -> Iterator[str]:
    """Yield the breakdown of a record's latency, and why it was slow or cut off."""
    baselines = calls_.baselines(calls_.model_calls(log.snapshot.frame))
    (record,) = found.iter_rows(named=True)
    baseline, server = baselines.get(record["model"]), log.server_moment(record)
    known = detail(record, baseline, SLOW_MS, server)
    parts = {
        "server": known.split.server_ms,
        "retry wait": known.split.retry_wait_ms,
        "rest": known.split.rest_ms,
    }
    times = [f"{name} {humanize.duration(ms)}" for name, ms in parts.items() if ms is not None]
    split = ", ".join(times) if known.is_call else ""
    explained = {
        "time": split,
        "why slow": known.why_slow,
        "server load": known.server_load,
        "cut off": known.cut_off,
    }
    for name, text in explained.items():
        if text:
            yield f"{f'({name})':<30}  {sanitize(text)}"
