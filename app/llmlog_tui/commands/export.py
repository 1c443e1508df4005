"""`llmlog export`: records for other tools."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, Final, Protocol

import click
import polars as pl
from polars.exceptions import PolarsError

from llmlog_tui import humanize
from llmlog_tui.analysis.reports.csv_cells import flat
from llmlog_tui.clickhouse.url import Login, TableUrl, is_table_url
from llmlog_tui.commands.export_source import ExportSource, export_source
from llmlog_tui.commands.export_table import ship
from llmlog_tui.commands.frame_spool import FrameSpool
from llmlog_tui.commands.options import files_argument, formulas_option, where_option
from llmlog_tui.commands.output import check_output
from llmlog_tui.commands.progress import progress_bar
from llmlog_tui.errors import reason
from llmlog_tui.formats.otlp_export import to_lines
from llmlog_tui.humanize import CSV_TIME, plural
from llmlog_tui.log.sources import expand
from llmlog_tui.log.tags import with_tags_apart
from llmlog_tui.private_file import replacing
from llmlog_tui.shipping.shipper import Shipper

_ROWS: Final = 20_000
"""Records whose lines are in memory at once."""


class Writer(Protocol):
    """Function that writes the records of a log to a file, and returns their number."""

    def __call__(self, source: ExportSource, out: IO[bytes]) -> int: ...


def _jsonl(source: ExportSource, out: IO[bytes]) -> int:
    written = 0

    def write(frame: pl.DataFrame) -> None:
        nonlocal written
        for rows in frame.iter_slices(_ROWS):
            out.writelines(line + b"\n" for line in source.lines(rows))
            written += rows.height

    source.each(write)
    return written


@contextlib.contextmanager
def _spooled(source: ExportSource) -> Iterator[FrameSpool]:
    """Give all records with the same columns, known only after the last frame."""
    with tempfile.TemporaryDirectory(prefix="llmlog-") as folder:
        spool = FrameSpool(Path(folder))
        source.each(lambda frame: spool.add(source.located(frame)))
        yield spool


def _parquet(source: ExportSource, out: IO[bytes]) -> int:
    with _spooled(source) as spool:
        pl.concat(spool.frames()).sink_parquet(out)
        return spool.rows


def _csv(source: ExportSource, out: IO[bytes], *, keep_formulas: bool = False) -> int:
    with _spooled(source) as spool:
        for number, frame in enumerate(spool.frames()):
            cells = flat(frame.collect(), keep_formulas=keep_formulas, integers=spool.integers)
            cells.write_csv(out, include_header=not number, datetime_format=CSV_TIME)
        return spool.rows


def _otlp(source: ExportSource, out: IO[bytes]) -> int:
    with _spooled(source) as spool:
        frames = (frame.drop("file", "line").collect() for frame in spool.frames())
        records = (record for frame in frames for record in frame.iter_rows(named=True))
        out.writelines(to_lines(map(with_tags_apart, records)))
        return spool.rows


_WRITERS: Final[dict[str, Writer]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".otlp.jsonl": _otlp,
    ".jsonl": _jsonl,
}


@click.command()
@files_argument
@click.option(
    "--to",
    "out",
    required=True,
    type=click.Path(dir_okay=False),
    metavar="OUT",
    help="File to write, ending in .parquet, .csv, .otlp.jsonl or .jsonl; or a table.",
)
@where_option
@formulas_option
def export(files: tuple[str, ...], *, out: str, where: str | None, keep_formulas: bool) -> None:
    """Write the records to a .parquet, .csv, .jsonl or .otlp.jsonl file, or to ClickHouse.

    Columns of .parquet and .csv: the record's fields, its tags, then file and line. A .jsonl has
    the raw lines. An .otlp.jsonl has spans of OpenTelemetry's GenAI conventions, with tags and
    without prompts and answers. Each of them is read back as a log.

    Logs of other tools are written to a .jsonl as llmlog's records, without prompts and answers.
    An existing OUT is replaced once everything is written.

    To clickhouse[s]://user@host:port/db.lines, the table that llmlog schema clickhouse describes,
    the raw lines are sent in batches; its password is CLICKHOUSE_PASSWORD of the environment.
    A batch that is sent again, after a broken connection or by another export of the same log, is
    inserted once.
    """
    if is_table_url(out):
        _export_to_table(files, TableUrl.of(out), where)
    else:
        _export_to_file(files, Path(out), where, keep_formulas=keep_formulas)


def _export_to_table(files: Sequence[str], url: TableUrl, where: str | None) -> None:
    with closing(Shipper(url, Login.to(url))) as shipper:
        shipper.check()
        if not shipper.remembers_inserts():
            click.echo(f"{url.database}: no table of it remembers inserts; {_AGAIN}", err=True)
        with progress_bar("sending") as progress:
            sent = ship(files, where, shipper, progress)
    click.echo(f"{url}: {humanize.plural(sent, 'record')} sent", err=True)


_AGAIN: Final = "a repeated batch is inserted again"


def _export_to_file(
    files: Sequence[str], out: Path, where: str | None, *, keep_formulas: bool
) -> None:
    write = _writer(out)
    if keep_formulas and write is _csv:
        write = partial(_csv, keep_formulas=True)
    paths = expand(files, must_exist=True)
    if any(_is_same(path, out) for path in paths):
        raise click.ClickException(f"{out}: is one of the input files")
    check_output(out, files)
    with (
        progress_bar("exporting") as progress,
        export_source(files, where, progress) as source,
    ):
        try:
            with replacing(out, paths) as file:
                written = write(source, file)
        except (OSError, PolarsError) as error:  # as on a full disk
            raise click.ClickException(f"{out}: {reason(error)}") from error
    click.echo(f"{out}: {plural(written, 'record')} written", err=True)


def _writer(out: Path) -> Writer:
    for ending, write in _WRITERS.items():
        if out.name.endswith(ending):
            return write
    *others, last = _WRITERS
    raise click.ClickException(f"{out}: does not end in {', '.join(others)} or {last}")


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False
