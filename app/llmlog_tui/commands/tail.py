"""`llmlog tail`: a log's last records, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import click
import polars as pl

from llmlog_tui.commands.common import echo_lines, files_argument
from llmlog_tui.commands.shown import HEAD, line_of
from llmlog_tui.log.piped import STDIN
from llmlog_tui.log.reader import Reader, read_all
from llmlog_tui.log.sources import Sources
from llmlog_tui.log.window import Window
from llmlog_tui.text import inert

_POLL_S: Final = 0.05
_BOM: Final = b"\xef\xbb\xbf"


@click.command()
@files_argument
@click.option("--json", "as_json", is_flag=True, help="The good lines as they stand.")
@click.option(
    "--lines", type=click.IntRange(0), default=10, show_default=True, help="Records to begin with."
)
@click.option("--no-follow", is_flag=True, help="End there; do not wait for more.")
def tail(files: tuple[str, ...], *, as_json: bool, lines: int, no_follow: bool) -> None:
    """Show the last records, and go on with those that are written, through rotation, until Ctrl-C.

    A file that is not there yet is waited for. Lines that hold no record are left out.
    """
    sources = Sources(files, must_exist=no_follow)
    with closing(Reader(sources, window=Window(records=lines))) as reader:
        if not as_json:
            click.echo(HEAD)
        if no_follow:
            read_all(reader)
            _show_last(reader, as_json=as_json)
        else:
            _follow(reader, as_json=as_json)


def _follow(reader: Reader, *, as_json: bool) -> None:
    told: set[str] = set()
    reader.catch_up()
    reader.loaded()
    _show_last(reader, as_json=as_json)
    while True:
        if reader.step():
            _show_taken(reader, as_json=as_json)
            continue
        for trouble in set(_troubles(reader)) - told:
            told.add(trouble)
            click.echo(f"llmlog: {inert(trouble)}", err=True)
        if set(reader.files) != {STDIN}:
            time.sleep(_POLL_S)
        elif not reader.wait():
            break
    reader.taken = None
    reader.finish()
    _show_taken(reader, as_json=as_json)


def _troubles(reader: Reader) -> Iterator[str]:
    for path, why in reader.problems.items():
        yield f"{path}: {why}"
    for path in reader.waiting_for():
        if path not in reader.problems:
            yield f"{path} is not there yet"


def _show_last(reader: Reader, *, as_json: bool) -> None:
    frame = reader.snapshot().frame
    if not as_json:
        _show(frame)
        return
    places = frame.select("block", "line").iter_rows()
    raw = (reader.raw_line(block, line) for block, line in places)
    echo_lines(line.removeprefix(_BOM) for line in raw if line is not None)


def _show_taken(reader: Reader, *, as_json: bool) -> None:
    if reader.taken is None:
        return
    _, block, parsed = reader.taken
    if not as_json:
        _show(parsed.frame)
        return
    lines = block.data.split(b"\n")
    echo_lines(lines[number].removeprefix(_BOM) for number in parsed.frame["line"])


def _show(frame: pl.DataFrame) -> None:
    for record in frame.iter_rows(named=True):
        click.echo(line_of(record))
