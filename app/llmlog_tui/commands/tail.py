"""`llmlog tail`: a log's last records, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import click
import polars as pl

from llmlog_tui.analysis.query.sql import QueryError, filter_records, predicate_problem
from llmlog_tui.commands.common import (
    echo_lines,
    files_argument,
    name_format,
    utc_option,
    where_option,
)
from llmlog_tui.commands.text_tables import head, line_of
from llmlog_tui.log.reader import Reader, read_all
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import STDIN, Sources
from llmlog_tui.sanitize import sanitize

_POLL_S: Final = 0.05


@click.command(short_help="Show the last records, and those that come.")
@files_argument
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The good lines as they stand; of other formats, as llmlog writes them.",
)
@click.option(
    "--lines", type=click.IntRange(0), default=10, show_default=True, help="Records to begin with."
)
@click.option("--no-follow", is_flag=True, help="End there; do not wait for more.")
@where_option
@utc_option
def tail(
    files: tuple[str, ...], *, as_json: bool, lines: int, no_follow: bool, where: str | None
) -> None:
    """Show the last records, and go on with those that are written, through rotation, until Ctrl-C.

    A file that is not there yet is waited for. Lines that hold no record are left out.
    """
    sources = Sources(files, must_exist=no_follow)
    if where is not None and (why := predicate_problem(where)):
        raise QueryError(why)
    window = Retention(records=lines) if where is None else EVERYTHING
    with closing(Reader(sources, window=window)) as reader:
        shown = _Shown(reader, lines, as_json=as_json, where=where)
        if not as_json:
            click.echo(head())
        if no_follow:
            read_all(reader)
        else:
            reader.catch_up()
            reader.loaded()
        name_format(reader, reader.snapshot(), sources.names)
        shown.last()
        if not no_follow:
            _follow(reader, shown)


def _follow(reader: Reader, shown: _Shown) -> None:
    told: set[str] = set()
    reader.on_records = shown.records
    while True:
        if reader.step():
            continue
        for trouble in set(_troubles(reader)) - told:
            told.add(trouble)
            click.echo(f"llmlog: {sanitize(trouble)}", err=True)
        if set(reader.files) != {STDIN}:
            time.sleep(_POLL_S)
        elif not reader.wait():
            break
    reader.finish()


def _troubles(reader: Reader) -> Iterator[str]:
    for path, why in reader.problems.items():
        yield f"{path}: {why}"
    for path in reader.waiting_for():
        if path not in reader.problems:
            yield f"{path} is not there yet"
    for path in reader.gone():
        yield f"{path} is gone; another one is waited for"


@dataclass(frozen=True)
class _Shown:
    """Shows records of a reader, as text or as their lines stand; those for which `where` holds."""

    reader: Reader
    lines: int
    as_json: bool
    where: str | None

    def last(self) -> None:
        """The last ones of all that was read."""
        self._show(self._narrowed(self.reader.snapshot().frame).tail(self.lines))

    def records(self, frame: pl.DataFrame) -> None:
        """Those that were read last."""
        self._show(self._narrowed(frame))

    def _show(self, frame: pl.DataFrame) -> None:
        if self.as_json:
            lines = self.reader.record_lines(frame)
            echo_lines(line for line in lines if line is not None)
            return
        for record in frame.iter_rows(named=True):
            click.echo(line_of(record))

    def _narrowed(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.where is None:
            return frame
        return filter_records(frame.drop("row", strict=False).with_row_index("row"), self.where)
