"""`llmlog export`: records for other tools."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import click

from llmlog_tui.commands.common import Log, files_argument, opened, where_option
from llmlog_tui.commands.sql import flat
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.sources import expand
from llmlog_tui.units import CSV_TIME

Write = Callable[[Log, IO[bytes]], None]


def _parquet(log: Log, out: IO[bytes]) -> None:
    log.placed(log.frame).write_parquet(out)


def _csv(log: Log, out: IO[bytes]) -> None:
    flat(log.placed(log.frame)).write_csv(out, datetime_format=CSV_TIME)


def _jsonl(log: Log, out: IO[bytes]) -> None:
    out.writelines(line + b"\n" for _, line in log.raw(log.frame))


_WRITERS: Final[dict[str, Write]] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}


@click.command()
@files_argument
@click.option(
    "--to",
    "out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT",
    help="File to write, ending in .parquet, .csv or .jsonl.",
)
@where_option
def export(files: tuple[str, ...], *, out: Path, where: str | None) -> None:
    """Write the records to a file: .parquet and .csv, or .jsonl with the lines as they stand.

    Columns of .parquet and .csv: the record's fields, then file and line. A file at OUT is
    replaced once all is written.
    """
    write = _writer(out)
    if any(_is_same(path, out) for path in expand(files, must_exist=True)):
        raise click.ClickException(f"{out}: is one of the files that are read")
    with _progress() as on_step, opened(files, where, on_step=on_step) as log:
        try:
            with _replacing(out) as file:
                write(log, file)
        except OSError as error:
            raise click.ClickException(f"{out}: {error.strerror}") from error
    click.echo(f"{out}: {log.frame.height:,} records written", err=True)


def _writer(out: Path) -> Write:
    if out.name.endswith(".otlp.jsonl"):
        raise click.ClickException(f"{out}: OTLP is not written yet, only {_known()}")
    try:
        return _WRITERS[out.suffix]
    except KeyError:
        raise click.ClickException(f"{out}: does not end in {_known()}") from None


def _known() -> str:
    *others, last = _WRITERS
    return f"{', '.join(others)} or {last}"


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False


@contextlib.contextmanager
def _replacing(out: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `out` when it is whole; readable by its owner, as a log is."""
    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".llmlog-", delete=False) as file:
        try:
            yield file.file
            file.flush()
            os.replace(file.name, out)  # noqa: PTH105 - a name, not a Path
        except BaseException:
            os.unlink(file.name)  # noqa: PTH108 - as above
            raise


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[Reader], object]]:
    """A bar on a terminal, of bytes read; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=1, label="reading", file=sys.stderr) as bar:

        def on_step(reader: Reader) -> None:
            read, bar.length = reader.progress()
            bar.update(max(0, read - bar.pos))

        yield on_step
