"""`llmlog export --to clickhouse://…`: records to a table, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import click
import polars as pl

from llmlog_tui.analysis.query.predicate import filter_records, reads_several
from llmlog_tui.commands.export_source import export_source
from llmlog_tui.commands.open_log import check_has_records, complete
from llmlog_tui.commands.options import has_window
from llmlog_tui.commands.progress import Progress
from llmlog_tui.log.load import read_all
from llmlog_tui.log.peek import has_own_lines
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import Sources, expand
from llmlog_tui.shipping.shipper import Shipper

_ROWS: Final = 20_000
"""Records per batch of a log in another tool's format."""


def ship(names: Sequence[str], where: str | None, shipper: Shipper, progress: Progress) -> int:
    """Send the records of logs that match `where`; return their number.

    A log of llmlog's own format is sent block by block as it is read, an archive and a table in the
    order of time. In other formats a later line may complete a record, so such a log is read first,
    as is a window of files. Raises ClickHouseError, SourceError for an unreadable file, QueryError
    for a bad `where`.
    """
    if where is not None and reads_several(where):
        raise click.UsageError("--where is to compare fields of one record, for a table.")
    if not has_window() and all(_is_plain(path) for path in expand(names, must_exist=True)):
        return _ship_blocks(names, where, shipper, progress)
    return _ship_in_order(names, where, shipper, progress)


def _is_plain(path: Path) -> bool:
    try:
        return has_own_lines(path)
    except OSError:
        return True  # the reader reports it


def _ship_blocks(
    names: Sequence[str], where: str | None, shipper: Shipper, progress: Progress
) -> int:
    sent = 0
    sources = Sources(names, must_exist=True)
    columns = () if where is None else COLUMNS
    with closing(Reader(sources, columns=columns, is_stream=True)) as reader:

        def send(frame: pl.DataFrame) -> None:
            nonlocal sent
            if where is not None:
                frame = filter_records(frame, where, may_lack_tags=True)
            if frame.height:
                lines = list(complete(reader.lines(frame, LineForm.RECORD)))
                shipper.send(lines, int(reader.line_numbers(frame[:1])[0]))
                sent += frame.height

        reader.on_records = send
        check_has_records(read_all(reader, on_step=lambda: progress(*reader.progress())))
    return sent


def _ship_in_order(
    names: Sequence[str], where: str | None, shipper: Shipper, progress: Progress
) -> int:
    batches = _Batches(shipper)
    with export_source(names, where, progress) as source:

        def send(frame: pl.DataFrame) -> None:
            for rows in frame.iter_slices(_ROWS):
                batches.add(rows["row"], source.lines(rows))

        source.each(send)
    batches.flush()
    return batches.sent


class _Batches:
    """Batches of _ROWS lines, whatever the size of frames: a repeated export sends the same."""

    def __init__(self, shipper: Shipper) -> None:
        self.sent = 0
        """Number of lines sent."""
        self._shipper = shipper
        self._lines: list[tuple[int, bytes]] = []  # by key of their records

    def add(self, keys: Iterable[int], lines: Iterable[bytes]) -> None:
        """Append lines, and send the batches that are complete."""
        self._lines += zip(keys, lines, strict=True)
        while len(self._lines) >= _ROWS:
            self._send()

    def flush(self) -> None:
        """Send the last lines."""
        if self._lines:
            self._send()

    def _send(self) -> None:
        batch, self._lines = self._lines[:_ROWS], self._lines[_ROWS:]
        self._shipper.send([line for _, line in batch], batch[0][0])
        self.sent += len(batch)
