"""A log that a command has read, open to read its lines again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.query.predicate import filter_records
from llmlog_tui.analysis.traces.cache_misses import hashes_in
from llmlog_tui.analysis.traces.conversation import decode
from llmlog_tui.commands.options import current_window
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.load import read_all
from llmlog_tui.log.parse_cache import user_cache
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.schema import COLUMNS, decategorize
from llmlog_tui.log.sources import (
    STDIN,
    SourceError,
    Sources,
    metrics_of,
    path_text,
    unread_parts,
)
from llmlog_tui.log.store import Snapshot, SourceLocation
from llmlog_tui.log.tags import tag_types
from llmlog_tui.sanitize import sanitize
from llmlog_tui.server.metrics import ServerMetrics, ServerMoment
from llmlog_tui.server.sidecar import read


@dataclass(frozen=True, eq=False)
class OpenLog:
    """A complete log, kept open to read raw lines again.

    `snapshot` has all records, `frame` the ones matching --where.
    """

    reader: Reader
    snapshot: Snapshot
    frame: pl.DataFrame

    @cached_property
    def server(self) -> ServerMetrics:
        """The metrics of servers that are kept beside the log's files."""
        return server_metrics(self.snapshot.files)

    def server_moment(self, record: Mapping[str, Any]) -> ServerMoment | None:
        """Return what a call's server did at that time, if known."""
        return self.server.moment(record["provider"], record["ts"], record["latency_ms"])

    def placed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the records' fields and tags as plain types, then `file` and `line` (from 1)."""
        files = pl.Series([path_text(path) for path in self.snapshot.files], dtype=pl.String)
        return decategorize(frame).select(
            *COLUMNS,
            *tag_types(frame),
            file=files.gather(frame["file"]),
            line=self.reader.line_numbers(frame),
        )

    def place(self, row: int) -> SourceLocation:
        """Return the file and line of the record with this key."""
        record = self.snapshot.frame.filter(pl.col("row") == row)
        file, line = self.placed(record).select("file", "line").row(0)
        return SourceLocation(Path(file), line)

    def raw(self, frame: pl.DataFrame) -> Iterator[tuple[int, bytes]]:
        """Yield (key, raw line without its newline) of each record.

        Raises ClickException if the file was replaced since it was read.
        """
        for row, line in self._lines(frame, LineForm.AS_WRITTEN):
            yield row, line.removeprefix(BOM)

    def lines(self, frame: pl.DataFrame) -> Iterator[tuple[int, bytes]]:
        """Yield (key, line as llmlog writes it), of other formats without content; as raw()."""
        return self._lines(frame, LineForm.RECORD)

    def _lines(self, frame: pl.DataFrame, form: LineForm) -> Iterator[tuple[int, bytes]]:
        return zip(frame["row"], complete(self.reader.lines(frame, form)), strict=True)

    def contents(self, frame: pl.DataFrame) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (key, record with the content of its line) of each record; raises as raw()."""
        for row, line in self._lines(frame, LineForm.WITH_CONTENT):
            yield row, decode(line) or {}  # without the line that polars alone can parse

    @property
    def format(self) -> str | None:
        """Names of the log's formats, the commonest first; None if it has no records."""
        return format_names(self.snapshot)

    def formats(self, frame: pl.DataFrame) -> pl.Series:
        """Return the name of the format of each record's file."""
        of_files = [self.reader.format_of(file) for file in range(len(self.snapshot.files))]
        return pl.Series("format", of_files, pl.String).gather(frame["file"])

    def hashes(self, frame: pl.DataFrame) -> dict[int, list[str]]:
        """Return prefix_hashes by key, for records that have them."""
        found = ((row, hashes_in(line)) for row, line in self.lines(frame))
        return {row: hashes for row, hashes in found if hashes}


def server_metrics(files: Iterable[Path]) -> ServerMetrics:
    """Return the metrics of servers that are kept beside files."""
    return read(dict.fromkeys(metrics_of(path) for path in files if path != STDIN))


BOM: Final = b"\xef\xbb\xbf"


def complete(lines: Iterable[bytes | None]) -> Iterator[bytes]:
    """Yield lines. Raises ClickException for None: its file was replaced since it was read."""
    for line in lines:
        if line is None:
            raise click.ClickException("the file was replaced while it was read")
        yield line


@contextmanager
def open_log(  # noqa: PLR0913 - options by name
    names: Sequence[str],
    where: str | None = None,
    *,
    columns: Collection[str] = COLUMNS,
    rules: Rules = DEFAULT,
    ids: Sequence[str] = (),
    on_step: Callable[[Reader], object] = lambda _: None,
) -> Iterator[OpenLog]:
    """Read the logs `names` once, and keep them open; `rules` gives the prices.

    Only `columns` are kept, but all fields with `where`, which may name any. Records with one of
    `ids` are read from the whole of a table; of a big archive only these, and its newest part.
    Raises SourceError for an unreadable file or one without calls, QueryError for a bad `where`.
    """
    kept = columns if where is None else COLUMNS
    sources = Sources(names, must_exist=True)
    reader = Reader(sources, window=current_window(), columns=kept, cache=user_cache(), ids=ids)
    with closing(reader):
        snapshot = _with_all_counted(read_all(reader, on_step=lambda: on_step(reader)), reader)
        report_source(reader, names, is_whole=bool(ids))
        frame = snapshot.frame if where is None else filter_records(snapshot.frame, where, rules)
        yield OpenLog(reader, snapshot, frame)


def _with_all_counted(snapshot: Snapshot, reader: Reader) -> Snapshot:
    """Return a snapshot whose counts have the records of an archive that were not read."""
    counts, more = snapshot.counts, reader.records_passed_over
    counts = replace(counts, lines=counts.lines + more, records=counts.records + more)
    return replace(snapshot, counts=counts)


def report_source(reader: Reader, names: Sequence[str], *, is_whole: bool = False) -> None:
    """Print formats of other tools, unread parts, and a table's window unless `is_whole`.

    Raises SourceError if it is known to hold no calls.
    """
    if refusal := reader.refusal:
        raise SourceError(refusal)
    snapshot = reader.snapshot()
    if not is_plain(snapshot):
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        click.echo(sanitize(f"{names[0]}{more}: {format_names(snapshot)}"), err=True)
    if hint := unread_parts(names):
        click.echo(sanitize(hint), err=True)
    window = window_of(reader)
    if window and not is_whole:
        click.echo(f"over {window}", err=True)


def report_window(kept: int, total: int) -> None:
    """Print which part of all records an answer is about, unless it is about all."""
    if kept < total:
        click.echo(f"over {_newest_of(kept, total)}", err=True)


def window_of(reader: Reader) -> str:
    """Return which part of a table or archive was read; empty for all."""
    outside = reader.rows_outside
    if not outside:
        return ""
    snapshot = reader.snapshot()
    kept = snapshot.counts.records if reader.is_stream else snapshot.frame.height
    return _newest_of(kept, kept + outside)


def _newest_of(kept: int, total: int) -> str:
    return f"the newest {kept:,} of {humanize.count(total)} records"


def format_names(snapshot: Snapshot) -> str | None:
    """Return a log's format names, commonest first; None without records."""
    return ", ".join(snapshot.formats) or None


def is_plain(snapshot: Snapshot) -> bool:
    """Return whether a log has no other format than llmlog's."""
    return snapshot.formats in ((), (LLMLOG.name,))


# A list without rows is true of such a log: it warns, and exits with 0. But without alerts `check`
# would pass, and an export would replace a file by an empty one: both refuse.


def hint_at_health(snapshot: Snapshot) -> None:
    """Warn on stderr if a log has lines, but no records."""
    if _lacks_records(snapshot):
        click.echo("no line is a record; see llmlog health", err=True)


def check_has_records(snapshot: Snapshot) -> None:
    """Raise SourceError if a log has lines, but no records."""
    if _lacks_records(snapshot):
        raise SourceError(f"no line is a record: {', '.join(map(path_text, snapshot.files))}")


def _lacks_records(snapshot: Snapshot) -> bool:
    return bool(snapshot.counts.skipped.total()) and not snapshot.counts.records
