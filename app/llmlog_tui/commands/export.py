"""`llmlog export`: records for other tools."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Final, TypeVar

import click
import orjson

from llmlog.record import to_line
from llmlog_tui.commands.common import (
    SPANS,
    OpenLog,
    files_argument,
    hint_at_health,
    open_log,
    where_option,
)
from llmlog_tui.commands.sql import flat
from llmlog_tui.formats import Record
from llmlog_tui.formats.otlp_export import to_lines
from llmlog_tui.formats.otlp_traces import TRACES
from llmlog_tui.humanize import CSV_TIME
from llmlog_tui.log.schema import COLUMNS, decategorize
from llmlog_tui.log.sources import expand

Progress = Callable[[int, int], object]
"""Callback (done, total) of a long operation."""

Write = Callable[[OpenLog, IO[bytes], Progress], None]
"""Function that writes the records of a log to a file."""

_PROGRESS_EVERY: Final = 1_000
"""Records between two calls of a Progress."""


def _parquet(log: OpenLog, out: IO[bytes], _: Progress) -> None:
    log.placed(log.frame).write_parquet(out)


def _csv(log: OpenLog, out: IO[bytes], _: Progress) -> None:
    flat(log.placed(log.frame)).write_csv(out, datetime_format=CSV_TIME)


def _jsonl(log: OpenLog, out: IO[bytes], progress: Progress) -> None:
    lines = _counted(log.raw(log.frame), log.frame.height, progress)
    out.writelines(line + b"\n" for _, line in lines)


def _otlp(log: OpenLog, out: IO[bytes], progress: Progress) -> None:
    records = decategorize(log.frame).select(COLUMNS.keys()).iter_rows(named=True)
    out.writelines(to_lines(_counted(records, log.frame.height, progress)))


_Record = TypeVar("_Record")


def _counted(records: Iterable[_Record], total: int, progress: Progress) -> Iterator[_Record]:
    """Yield the records, and report progress."""
    for number, record in enumerate(records):
        if number % _PROGRESS_EVERY == 0:
            progress(number, total)
        yield record


_WRITERS: Final[dict[str, Write]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    SPANS: _otlp,
    ".jsonl": _jsonl,
}


@click.command(short_help="Write the records to .parquet, .csv, .jsonl or .otlp.jsonl.")
@files_argument
@click.option(
    "--to",
    "out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT",
    help="File to write, ending in .parquet, .csv, .otlp.jsonl or .jsonl.",
)
@where_option
def export(files: tuple[str, ...], *, out: Path, where: str | None) -> None:
    """Write the records to a .parquet, .csv, .jsonl or .otlp.jsonl file.

    Columns of .parquet and .csv: the record's fields, then file and line. A .jsonl has the raw
    lines. An .otlp.jsonl has spans of OpenTelemetry's GenAI conventions, without prompts, answers
    and tags.

    Files ending in .otlp.jsonl are read as such spans, of any application, and are written to a
    .jsonl that llmlog can read. An existing OUT is replaced once everything is written.
    """
    write = _writer(out)
    paths = expand(files, must_exist=True)
    if any(_is_same(path, out) for path in paths):
        raise click.ClickException(f"{out}: is one of the input files")
    if any(path.name.endswith(SPANS) for path in paths):
        if where or write is not _jsonl or not all(path.name.endswith(SPANS) for path in paths):
            raise click.ClickException(f"spans in {SPANS} go to a .jsonl, all of them, alone")
        _from_spans(paths, out)
        return
    with contextlib.ExitStack() as resources:
        with _bar("reading") as progress:
            reading = open_log(files, where, on_step=lambda reader: progress(*reader.progress()))
            log = resources.enter_context(reading)
        hint_at_health(log)
        try:
            with _bar("writing") as progress, _replacing(out) as file:
                write(log, file, progress)
        except OSError as error:
            raise click.ClickException(f"{out}: {error.strerror}") from error
    click.echo(f"{out}: {log.frame.height:,} records written", err=True)


def _from_spans(paths: Iterable[Path], out: Path) -> None:
    try:
        with contextlib.ExitStack() as resources:
            files = [resources.enter_context(path.open("rb")) for path in paths]
            records, bad = _records(chain.from_iterable(files))
        with _replacing(out) as file:
            file.writelines(map(to_line, records))
    except OSError as error:
        raise click.ClickException(f"{error.filename or out}: {error.strerror}") from error
    without = f"; lines without spans: {bad:,}" if bad else ""
    click.echo(f"{out}: {len(records):,} records written{without}", err=True)


def _records(lines: Iterable[bytes]) -> tuple[list[Record], int]:
    """Return the records of OTLP lines, and how many lines held no spans."""
    converter = TRACES.converter({})
    records: list[Record] = []
    bad = 0
    for number, line in enumerate(lines):
        try:
            item = orjson.loads(line)
        except orjson.JSONDecodeError:
            bad += 1
            continue
        if not isinstance(item, dict) or not TRACES.detect([item]):
            bad += 1
            continue
        records += (found.record for found in converter.feed(number, item))
    records += (found.record for found in converter.flush())
    return records, bad


def _writer(out: Path) -> Write:
    for ending, write in _WRITERS.items():
        if out.name.endswith(ending):
            return write
    *others, last = _WRITERS
    raise click.ClickException(f"{out}: does not end in {', '.join(others)} or {last}")


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False


@contextlib.contextmanager
def _replacing(out: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `out` on success; private to its owner."""
    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".llmlog-", delete=False) as file:
        try:
            yield file.file
            file.flush()
            os.replace(file.name, out)  # noqa: PTH105 - a name, not a Path
        except BaseException:
            os.unlink(file.name)  # noqa: PTH108 - as above
            raise


@contextlib.contextmanager
def _bar(label: str) -> Iterator[Progress]:
    """Show a progress bar, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def update(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(max(0, done - bar.pos))

        yield update
        update(bar.length or 1, bar.length or 1)
