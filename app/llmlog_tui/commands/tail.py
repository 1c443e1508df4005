"""`llmlog tail`: the last records of a log, then new ones as they arrive."""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import click
import polars as pl

from llmlog_tui.analysis.query.predicate import filter_records, predicate_problem, reads_several
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.commands.open_log import report_source
from llmlog_tui.commands.options import followed_files_argument, utc_option, where_option
from llmlog_tui.commands.output import echo_lines
from llmlog_tui.commands.text_tables import head, line_of
from llmlog_tui.commands.wrapping import on_terminal
from llmlog_tui.log.load import problems_of, read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import STDIN, Sources
from llmlog_tui.sanitize import sanitize

_POLL_S: Final = 0.05

_MAX_LINES: Final = 2**40
"""Numbers above it overflow in polars; no log is that long."""


@click.command()
@followed_files_argument
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The raw lines of valid records; of other formats, as llmlog writes them.",
)
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
    if where is not None and not no_follow and reads_several(where):
        raise click.UsageError(
            "--where compares fields of one record while a log is followed, no aggregates; "
            "see --no-follow."
        )
    lines = min(lines, _MAX_LINES)
    window = Retention(records=lines) if where is None else EVERYTHING
    with closing(Reader(sources, window=window)) as reader:
        printer = _TailPrinter(reader, lines, as_json=as_json, where=where)
        if not as_json:
            click.echo(on_terminal(head()))
        if no_follow:
            read_all(reader)
        else:
            reader.read_to_end()
            reader.loaded()
        report_source(reader, sources.names)
        printer.print_last()
        if not no_follow:
            _follow(reader, printer)


def _follow(reader: Reader, printer: _TailPrinter) -> None:
    reported: set[str] = set()
    reader.on_records = printer.print_new
    while True:
        if reader.step():
            continue
        for problem in set(_problems(reader)) - reported:
            reported.add(problem)
            click.echo(f"llmlog: {sanitize(problem)}", err=True)
        if reader.has_ended:
            break
        if set(reader.files) == {STDIN}:
            reader.wait(_POLL_S)
        else:
            time.sleep(_POLL_S)
        _check_stdout()
    reader.finish()


def _check_stdout() -> None:
    """Raise BrokenPipeError if nothing reads standard output any more.

    Without it a quiet log would be followed for ever after `llmlog tail | head`.
    """
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or replaced by an object of Python's
        return
    pipe = select.poll()
    pipe.register(descriptor, 0)
    if any(events & (select.POLLERR | select.POLLHUP) for _, events in pipe.poll(0)):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _problems(reader: Reader) -> Iterator[str]:
    yield from problems_of(reader)
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
        self._print(self._matching(self.reader.snapshot().frame).tail(self.lines))

    def print_new(self, frame: pl.DataFrame) -> None:
        """Print records that were read."""
        self._print(self._matching(frame))

    def _print(self, frame: pl.DataFrame) -> None:
        if self.as_json:
            echo_lines(self._lines(frame))
            return
        for record in frame.iter_rows(named=True):
            click.echo(on_terminal(line_of(record)))

    def _lines(self, frame: pl.DataFrame) -> Iterator[bytes]:
        for number, line in enumerate(self.reader.lines(frame, LineForm.RECORD)):
            # A file that was written over is not read again, but its records are not lost.
            yield line or self.reader.known_fields(frame.row(number, named=True))

    def _matching(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.where is None:
            return frame
        numbered = frame.drop("row", strict=False).with_row_index("row")
        return filter_records(numbered, self.where, may_lack_tags=True)
