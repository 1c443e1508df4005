"""Shared options of the commands, the open log, and output of records."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import orjson
import polars as pl
from click.shell_completion import CompletionItem

from llmlog_tui import humanize
from llmlog_tui.analysis.query.sql import filter_records
from llmlog_tui.analysis.traces.cache_misses import hashes_in
from llmlog_tui.analysis.traces.conversation import decode
from llmlog_tui.commands import INTERRUPTED
from llmlog_tui.commands.clickhouse_options import connection_options
from llmlog_tui.commands.text_tables import on_terminal
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.errors import reason
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.cache_folder import without_cache
from llmlog_tui.log.load import read_all
from llmlog_tui.log.outputs import output_problem
from llmlog_tui.log.parse_cache import user_cache
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import COLUMNS, decategorize, restore_integers
from llmlog_tui.log.sources import (
    DEFAULT_LOG,
    STDIN,
    SourceError,
    Sources,
    metrics_of,
    path_text,
)
from llmlog_tui.log.store import Snapshot, SourceLocation
from llmlog_tui.log.tags import tag_types
from llmlog_tui.private_file import replacing
from llmlog_tui.sanitize import encodable, sanitize
from llmlog_tui.server.metrics import ServerMetrics, ServerMoment
from llmlog_tui.server.sidecar import read

R = TypeVar("R")


def complete_file(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a file name in the shell."""
    # click.Path would complete them too, but refuses globs and `-`.
    return [CompletionItem(incomplete, type="file")]


def default_log(context: click.Context, files: tuple[str, ...]) -> tuple[str, ...]:
    """Return the named logs, DEFAULT_LOG for none. Raises UsageError if that is not there."""
    if not files and not Path(DEFAULT_LOG).exists():
        raise click.UsageError(f"no LOG is named, and there is no {DEFAULT_LOG} here.", context)
    return files or (DEFAULT_LOG,)


def _without_cache(context: click.Context, _: click.Parameter, no_cache: bool) -> None:  # noqa: FBT001 - click's
    if no_cache:
        context.with_resource(without_cache())


_WINDOW: Final = ContextVar("window", default=EVERYTHING)
"""The records that open_log() keeps: those of --last."""


@contextmanager
def within(window: Retention) -> Iterator[None]:
    """Set the window of open_log(), as --last does."""
    before = _WINDOW.set(window)
    try:
        yield
    finally:
        _WINDOW.reset(before)


def current_window() -> Retention:
    """Return the window of --last; EVERYTHING without it."""
    return _WINDOW.get()


def has_window() -> bool:
    """Return whether --last is given."""
    return _WINDOW.get() != EVERYTHING


def _keep_last(context: click.Context, _: click.Parameter, last: str | None) -> None:
    if last is not None:
        try:
            context.with_resource(within(Retention.of(last)))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error


last_option: Final = click.option(
    "--last",
    metavar="N|24h",
    expose_value=False,
    callback=_keep_last,
    help="Only the last N records, or the last 24 hours; of a table, 100000 by default.",
)


def log_argument(*, must_exist: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that adds the argument `files`, the names of logs.

    DEFAULT_LOG is read where none is named; with `must_exist` only if it is there.
    """
    return click.argument(
        "files",
        nargs=-1,
        metavar="[LOG]...",
        shell_complete=complete_file,
        callback=lambda context, _parameter, files: (
            default_log(context, files) if must_exist else files or (DEFAULT_LOG,)
        ),
    )


def files_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument `files`, logs that are read once, and the options of reading them."""
    option = click.option(
        "--no-cache",
        is_flag=True,
        expose_value=False,
        callback=_without_cache,
        help="Parse a big log in full, and cache nothing.",
    )
    return log_argument()(last_option(option(connection_options(command))))


def followed_files_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument `files`, logs that are followed, and the options of a connection."""
    return log_argument(must_exist=False)(connection_options(command))


json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="JSON, one object a line; its keys are stable."
)
where_option: Final = click.option(
    "--where",
    metavar="SQL",
    help="Only records that match, e.g. \"model = 'gpt-5' and latency_ms > 500\".",
)


formulas_option: Final = click.option(
    "--keep-formulas",
    is_flag=True,
    help="Leave CSV cells that begin with = + - @, which spreadsheets take for formulas, as they "
    "are; by default they get a ' in front.",
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
    """A complete log, kept open to read raw lines again.

    `snapshot` has all records, `frame` the ones matching --where.
    """

    reader: Reader
    snapshot: Snapshot
    frame: pl.DataFrame

    @cached_property
    def server(self) -> ServerMetrics:
        """The metrics of servers that are kept beside the log's files."""
        files = (path for path in self.snapshot.files if path != STDIN)
        return read(dict.fromkeys(metrics_of(path) for path in files))

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
    reader = Reader(sources, window=_WINDOW.get(), columns=kept, cache=user_cache(), ids=ids)
    with closing(reader):
        snapshot = read_all(reader, on_step=lambda: on_step(reader))
        report_format(reader, names, is_whole=bool(ids))
        frame = snapshot.frame if where is None else filter_records(snapshot.frame, where, rules)
        yield OpenLog(reader, snapshot, frame)


def report_format(reader: Reader, names: Sequence[str], *, is_whole: bool = False) -> None:
    """Print formats of other tools, and a table's window unless `is_whole`.

    Raises SourceError if it is known to hold no calls.
    """
    if refusal := reader.refusal:
        raise SourceError(refusal)
    snapshot = reader.snapshot()
    if not is_plain(snapshot):
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        click.echo(sanitize(f"{names[0]}{more}: {format_names(snapshot)}"), err=True)
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


def interruptible(work: Callable[[], R]) -> R:
    """Return the result of work that polars does; Ctrl-C ends the process at once.

    polars runs until it is done, and sees no signal: the work is left behind in a thread.
    """
    before = signal.getsignal(signal.SIGINT)
    # Called in this thread, which only waits: an exception might not get past the waiting.
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result()
    finally:
        signal.signal(signal.SIGINT, before)


def hint_at_health(snapshot: Snapshot) -> None:
    """Warn on stderr if a log has lines, but no records."""
    counts = snapshot.counts
    if counts.skipped.total() and not counts.records:
        click.echo("no line is a record; see llmlog health", err=True)


def check_has_records(snapshot: Snapshot) -> None:
    """Raise SourceError if a log has lines, but no records."""
    if snapshot.counts.skipped and not snapshot.counts.records:
        raise SourceError(f"no line is a record: {', '.join(map(path_text, snapshot.files))}")


def check_output(out: Path, names: Sequence[str]) -> None:
    """Raise ClickException for a file that would be read as a part of the logs."""
    if problem := output_problem(out, names):
        raise click.ClickException(f"{out}: {problem}")


def write_text(out: Path, text: str, log: OpenLog) -> None:
    """Write a private file, complete or not at all, and never over the log."""
    try:
        with replacing(out, log.snapshot.files) as file:
            file.write(text.encode())
    except OSError as error:
        raise click.ClickException(f"{out}: {reason(error)}") from error


_BATCH_LINES: Final = 1_000
"""Lines per write to stdout."""


def echo_texts(lines: Iterable[str]) -> None:
    """Write lines of text to stdout in batches, with colour on terminals only."""
    remaining = iter(lines)
    while batch := list(islice(remaining, _BATCH_LINES)):
        click.echo("\n".join(map(on_terminal, batch)))


def echo_lines(lines: Iterable[bytes]) -> None:
    """Write raw lines to stdout in batches."""
    remaining = iter(lines)
    while batch := list(islice(remaining, _BATCH_LINES)):
        click.echo(b"".join(line + b"\n" for line in batch), nl=False)


def echo_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line to stdout; times as RFC 3339."""
    echo_lines(map(to_json, rows))


def echo_records(frame: pl.DataFrame) -> None:
    """Write one JSON object per record of OpenLog.placed() to stdout."""
    echo_json(restore_integers(frame).iter_rows(named=True))


def to_json(row: Mapping[str, Any]) -> bytes:
    """Return an object as JSON; times as RFC 3339, other types as text.

    Half a surrogate pair is U+FFFD.
    """
    option = orjson.OPT_PASSTHROUGH_DATETIME
    try:
        return orjson.dumps(row, default=_plain_value, option=option)
    except TypeError:
        return orjson.dumps(_encodable(row), default=_plain_value, option=option)


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value


def _plain_value(value: object) -> str | None:
    if isinstance(value, datetime):
        return humanize.rfc3339(value if value.tzinfo else value.replace(tzinfo=UTC))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
