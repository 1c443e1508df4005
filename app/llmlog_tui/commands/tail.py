"""`llmlog tail`: the last records of a log, then new ones as they arrive."""

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
    BOM,
    echo_lines,
    followed_files_argument,
    lines_as_they_stand,
    utc_option,
    where_option,
)
from llmlog_tui.commands.text_tables import head, line_of
from llmlog_tui.log.reader import Reader, read_all
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import STDIN, Sources
from llmlog_tui.sanitize import sanitize

_POLL_S: Final = 0.05


@click.command(short_help="Show the last records, then new ones as they arrive.")
@followed_files_argument
@click.option("--json", "as_json", is_flag=True, help="The raw lines of valid records.")
@click.option(
    "--lines",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Number of records to start with.",
)
@click.option("--no-follow", is_flag=True, help="Exit without waiting for new records.")
@where_option
@utc_option
def tail(
    files: tuple[str, ...], *, as_json: bool, lines: int, no_follow: bool, where: str | None
) -> None:
    """Show the last records, then new ones as they are written, until Ctrl-C.

    Follows rotation, and waits for a file that does not exist yet. Lines without a record are
    left out.
    """
    sources = Sources(files, must_exist=no_follow)
    if where is not None and (why := predicate_problem(where)):
        raise QueryError(why)
    window = Retention(records=lines) if where is None else EVERYTHING
    with closing(Reader(sources, window=window)) as reader:
        printer = _TailPrinter(reader, lines, as_json=as_json, where=where)
        if not as_json:
            click.echo(head())
        if no_follow:
            read_all(reader)
            printer.print_last()
        else:
            _follow(reader, printer)


def _follow(reader: Reader, printer: _TailPrinter) -> None:
    reported: set[str] = set()
    reader.read_to_end()
    reader.loaded()
    printer.print_last()
    while True:
        if reader.step():
            printer.print_new()
            continue
        for problem in set(_problems(reader)) - reported:
            reported.add(problem)
            click.echo(f"llmlog: {sanitize(problem)}", err=True)
        if set(reader.files) != {STDIN}:
            time.sleep(_POLL_S)
        elif not reader.wait():
            break
    reader.last_block = None
    reader.finish()
    printer.print_new()


def _problems(reader: Reader) -> Iterator[str]:
    for path, why in reader.problems.items():
        yield f"{path}: {why}"
    for path in reader.waiting_for():
        if path not in reader.problems:
            yield f"{path}: does not exist yet, waiting for it"
    for path in reader.gone():
        yield f"{path}: was deleted, waiting for a new file"


@dataclass(frozen=True)
class _TailPrinter:
    """Prints the records of a reader that match `where`, as text or as raw lines."""

    reader: Reader
    lines: int
    as_json: bool
    where: str | None

    def print_last(self) -> None:
        """Print the last records of the log."""
        frame = self._matching(self.reader.snapshot().frame).tail(self.lines)
        if not self.as_json:
            _print_text(frame)
            return
        lines = lines_as_they_stand(self.reader, frame)
        echo_lines(line for line in lines if line is not None)

    def print_new(self) -> None:
        """Print the records of the block that was read last."""
        if self.reader.last_block is None:
            return
        _, block, parsed = self.reader.last_block
        frame = self._matching(parsed.frame)
        if not self.as_json:
            _print_text(frame)
            return
        lines = block.data.split(b"\n")
        echo_lines(lines[number].removeprefix(BOM) for number in frame["line"])

    def _matching(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.where is None:
            return frame
        return filter_records(frame.drop("row", strict=False).with_row_index("row"), self.where)


def _print_text(frame: pl.DataFrame) -> None:
    for record in frame.iter_rows(named=True):
        click.echo(line_of(record))
