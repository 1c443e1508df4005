"""What the commands share: their files, `--where`, `--json`, and where a record stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click
import orjson
import polars as pl
from click.shell_completion import CompletionItem

from llmlog_tui import humanize
from llmlog_tui.analysis.query.sql import filter_records
from llmlog_tui.analysis.traces.cache_misses import hashes_in
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.reader import Reader, read_all
from llmlog_tui.log.schema import COLUMNS, decategorize
from llmlog_tui.log.sources import SourceError, Sources
from llmlog_tui.log.store import Snapshot, SourceLocation
from llmlog_tui.sanitize import sanitize


def complete_file(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Lets the shell complete a file name; a type of click's would refuse globs and `-`."""
    return [CompletionItem(incomplete, type="file")]


files_argument: Final = click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", shell_complete=complete_file
)
json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="JSON, one object a line; its keys are stable."
)
where_option: Final = click.option(
    "--where",
    metavar="SQL",
    help="Only records for which this holds, e.g. \"model = 'gpt-5' and latency_ms > 500\".",
)


def _in_utc(context: click.Context, _: click.Parameter, utc: bool) -> None:  # noqa: FBT001 - click's
    if utc:
        context.with_resource(humanize.in_utc())


utc_option: Final = click.option(
    "--utc",
    is_flag=True,
    expose_value=False,
    callback=_in_utc,
    help="Show times in UTC, not in local time. (JSON always has UTC.)",
)


@dataclass(frozen=True, eq=False)
class OpenLog:
    """A log that was read, open so that raw lines can be read again; `frame` is what --where left.

    `snapshot` has all of it.
    """

    reader: Reader
    snapshot: Snapshot
    frame: pl.DataFrame

    @cached_property
    def _first_lines(self) -> pl.Series:
        return pl.Series(self.reader.first_lines(), dtype=pl.Int64)

    def placed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records' fields with strings for categoricals; `file`, its path; `line`, from 1."""
        files = pl.Series([path_text(path) for path in self.snapshot.files], dtype=pl.String)
        return decategorize(frame).select(
            *COLUMNS,
            file=files.gather(frame["file"]),
            line=self._first_lines.gather(frame["block"]) + frame["line"].cast(pl.Int64),
        )

    def place(self, row: int) -> SourceLocation:
        """Where the record with this key stands."""
        record = self.snapshot.frame.filter(pl.col("row") == row)
        file, line = self.placed(record).select("file", "line").row(0)
        return SourceLocation(Path(file), line)

    @property
    def format(self) -> str | None:
        """The name of the log's format, of each of them the commonest first; None if unknown."""
        return ", ".join(self.snapshot.formats) or None

    def formats(self, frame: pl.DataFrame) -> pl.Series:
        """The name of the format that each record's file has."""
        of_files = [self.reader.format_of(file) for file in range(len(self.snapshot.files))]
        return pl.Series("format", of_files, pl.String).gather(frame["file"])

    def raw(self, frame: pl.DataFrame) -> Iterator[tuple[int, bytes]]:
        """(key, line without its newline) of each record, as it stands in its file.

        Raises ClickException if the file was replaced since it was read.
        """
        blocks = lru_cache(maxsize=8)(self.reader.raw_lines)  # files may alternate, by ts
        for row, block, line in frame.select("row", "block", "line").iter_rows():
            lines = blocks(block)
            if lines is None:
                raise click.ClickException(_REPLACED)
            yield row, lines[line].removeprefix(BOM)

    def lines(self, frame: pl.DataFrame) -> Iterator[tuple[int, bytes]]:
        """(key, line as llmlog writes it) of each record: of other formats without content.

        Raises as raw().
        """
        for row, line in zip(frame["row"], self.reader.record_lines(frame), strict=True):
            if line is None:
                raise click.ClickException(_REPLACED)
            yield row, line

    def whole(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A row of the frame with all that its line says, content too. Raises as raw()."""
        line = self.reader.record_line(record)
        if line is None:
            raise click.ClickException(_REPLACED)
        return as_object(line)

    def hashes(self, frame: pl.DataFrame) -> dict[int, list[str]]:
        """prefix_hashes by key, of the records that have some."""
        found = ((row, hashes_in(line)) for row, line in self.lines(frame))
        return {row: hashes for row, hashes in found if hashes}


BOM: Final = b"\xef\xbb\xbf"
_REPLACED: Final = "the file was replaced while it was read"


def as_object(line: bytes) -> dict[str, Any]:
    """A raw line as an object; empty where orjson is stricter than polars was."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def open_log(
    names: Sequence[str],
    where: str | None = None,
    *,
    columns: Collection[str] = COLUMNS,
    rules: Rules = DEFAULT,
    on_step: Callable[[Reader], object] = lambda _: None,
) -> Iterator[OpenLog]:
    """Everything in the files that `names` mean, as it stands now; costs at the prices of `rules`.

    Of its fields only `columns` are kept, but all of them where `where` may ask for any.
    Raises SourceError for one that cannot be read or holds no calls, QueryError for a bad `where`.
    """
    kept = columns if where is None else COLUMNS
    with closing(Reader(Sources(names, must_exist=True), columns=kept)) as reader:
        snapshot = read_all(reader, on_step=lambda: on_step(reader))
        name_format(reader, snapshot, names)
        frame = snapshot.frame if where is None else filter_records(snapshot.frame, where, rules)
        yield OpenLog(reader, snapshot, frame)


def name_format(reader: Reader, snapshot: Snapshot, names: Sequence[str]) -> None:
    """Say on stderr what a log is that other tools wrote.

    Raises SourceError for one that is known to hold no calls.
    """
    if refusal := reader.refusal:
        raise SourceError(refusal)
    if snapshot.formats and not is_plain(snapshot):
        named = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        click.echo(sanitize(f"{named}: {', '.join(snapshot.formats)}"), err=True)


def is_plain(snapshot: Snapshot) -> bool:
    """Whether all records of a log are of llmlog's own format."""
    return snapshot.formats in ((), (LLMLOG.name,))


def hint_at_health(log: OpenLog) -> None:
    """Say on stderr that a log seems empty because no line of it is a record, if that is so."""
    counts = log.snapshot.counts
    if counts.skipped.total() and not counts.records:
        click.echo("no line is a record; llmlog health says why", err=True)


def path_text(path: Path) -> str:
    """A path as JSON can hold it: bytes that are no UTF-8 become `�`."""
    return os.fsencode(path).decode(errors="replace")


_AT_ONCE: Final = 1_000


def echo_texts(lines: Iterable[str]) -> None:
    """Lines for people to stdout, in few writes, as they come; in colour if that is a terminal."""
    rest = iter(lines)
    while some := list(islice(rest, _AT_ONCE)):
        click.echo("\n".join(some))


def echo_lines(lines: Iterable[bytes]) -> None:
    """Lines to stdout, in few writes."""
    rest = iter(lines)
    while some := list(islice(rest, _AT_ONCE)):
        click.echo(b"".join(line + b"\n" for line in some), nl=False)


def echo_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line to stdout; times as RFC 3339."""
    echo_lines(map(to_json, rows))


def to_json(row: Mapping[str, Any]) -> bytes:
    """An object as JSON; times as RFC 3339, what JSON has no word for as text."""
    return orjson.dumps(row, default=_plain_value, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _plain_value(value: object) -> str | None:
    if isinstance(value, datetime):
        return humanize.rfc3339(value if value.tzinfo else value.replace(tzinfo=UTC))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
