"""Lines of records, read again from their files on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache, partial
from typing import Any, Final, Protocol

import polars as pl

from llmlog.record import EVENTS, dump, timestamp, to_line
from llmlog_tui.formats.driver import Decoder
from llmlog_tui.formats.json_text import load, without_bom
from llmlog_tui.log.file_parser import FileParser
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.store import ByteRange, Store
from llmlog_tui.log.tags import tags_of

_BLOCKS_IN_MEMORY: Final = 8


class _Rereadable(Protocol):
    def reread(self, generation: int, offset: int, length: int) -> bytes | None: ...


class LineForm(Enum):
    """How the line of a record is given."""

    AS_WRITTEN = "as written"
    """Unchanged."""
    RECORD = "record"
    """As llmlog writes it; of other formats without content, of a wrapped record its own."""
    WITH_CONTENT = "with content"
    """RECORD, of other formats with their content."""


class RecordLines:
    """Reads lines of a reader's files again; any thread may ask."""

    def __init__(
        self, store: Store, sources: Sequence[_Rereadable], parsers: Sequence[FileParser]
    ) -> None:
        self._store = store
        self._sources = sources
        self._parsers = parsers
        self._last: tuple[int, Block, int] | None = None

    @contextmanager
    def at_hand(self, file: int, block: Block, lines: int) -> Iterator[None]:
        """Keep the last block read, of `lines` lines: its file may be written over meanwhile."""
        self._last = (file, block, lines)
        try:
            yield
        finally:
            self._last = None

    def lines(self, frame: pl.DataFrame, form: LineForm) -> Iterator[bytes | None]:
        """Yield the line of each row; None if its file was replaced since."""
        block = lru_cache(maxsize=_BLOCKS_IN_MEMORY)(self._block)  # files may alternate, by ts
        with_content = form is LineForm.WITH_CONTENT
        for row, (at, line) in enumerate(frame.select("block", "line").iter_rows()):
            lines = block(at)
            if lines is None or form is LineForm.AS_WRITTEN:
                yield None if lines is None else lines[line]
            elif not self._store.is_converted(at):
                yield without_bom(lines[line])
            else:
                record = frame.row(row, named=True)
                yield self._converted(lines, record, with_content=with_content)

    def of_lines(self, record: Mapping[str, Any], lines: Sequence[bytes]) -> bytes:
        """Return the line of a row with its content; `lines` are all of its block."""
        if not self._store.is_converted(record["block"]):
            return without_bom(lines[record["line"]])
        return self._converted(lines, record, with_content=True)

    def decoded_again(self, block: int, lines: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """Return (line, record with content) of a converted block: of records that were evicted.

        Ids that come from lines before the block may differ from those of the record then.
        """
        following = partial(self._following, block, lines)
        decoder = Decoder({}, self._parsers[self._store.byte_range(block).file].formats)
        decoded = decoder.decode(enumerate(lines))
        decoded.extend(decoder.finish())
        found: list[tuple[int, bytes]] = []
        for line, text in zip(decoded.lines, decoded.records, strict=True):
            record = load(text)
            source = decoder.read_back(following(line), record)
            if source is not None and source.line is not None:
                found.append((line, source.line))
            else:
                content = {} if source is None else source.content
                found.append((line, _written({**record, **content})))
        return found

    def evicted(self, block: int, line: int) -> list[bytes]:
        """Return the evicted records of a line with content; none without its file."""
        lines = self._block(block)
        if lines is None:
            return []
        if not self._store.is_converted(block):
            return [without_bom(lines[line])]
        return [record for at, record in self.decoded_again(block, lines) if at == line]

    @staticmethod
    def known_fields(record: Mapping[str, Any]) -> bytes:
        """Return a line of the fields in a row, without content."""
        return _written(_fields(record))

    def _converted(
        self, lines: Sequence[bytes], record: Mapping[str, Any], *, with_content: bool
    ) -> bytes:
        file: int = record["file"]
        parser, known = self._parsers[file], _fields(record)
        content: dict[str, Any] = {}
        if with_content or parser.has_own_records:
            following = self._following(record["block"], lines, record["line"])
            found = parser.decoder.read_back(following, known)
            if found is not None and found.line is not None:
                return found.line
            if found is not None and with_content:
                content = found.content
        return _written({**known, **content})

    def _following(self, block: int, lines: Sequence[bytes], line: int) -> Iterator[bytes]:
        """Yield a block's lines from `line` on, and those of later blocks."""
        byte_range: ByteRange | None = self._store.byte_range(block)
        rest = lines[line:]
        while byte_range is not None:
            # Behind a block's last newline there is nothing, or the rest of its last line.
            yield from rest[:-1] if rest[-1:] == [b""] else rest
            byte_range = self._store.range_after(byte_range)
            found = None if byte_range is None else self._read(byte_range)
            rest = [] if found is None else found
            if found is None:
                return

    def _block(self, block: int) -> list[bytes] | None:
        return self._read(self._store.byte_range(block))

    def _read(self, byte_range: ByteRange) -> list[bytes] | None:
        source = self._sources[byte_range.file]
        data = source.reread(byte_range.generation, byte_range.offset, byte_range.length)
        return self._read_last(byte_range) if data is None else data.split(b"\n")

    def _read_last(self, byte_range: ByteRange) -> list[bytes] | None:
        """Return the lines of a range that ends with the block at hand.

        Earlier lines are empty.
        """
        if self._last is None:
            return None
        file, block, lines = self._last
        end = byte_range.offset + byte_range.length
        is_its_end = (file, block.generation) == (byte_range.file, byte_range.generation)
        if not is_its_end or end != block.offset + len(block.data):
            return None
        return [b""] * (byte_range.lines - lines) + block.data.split(b"\n")


def _written(known: dict[str, Any]) -> bytes:
    # A foreign event in a trace is a record, too, but none that llmlog writes.
    written = to_line(known) if known["event"] in EVENTS else dump(known)
    return written.rstrip(b"\n")


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of the frame knows, as a line has it."""
    known = {name: record[name] for name in COLUMNS if record[name] is not None}
    if tags := tags_of(record):
        known["extra"] = tags
    for name, value in known.items():
        if isinstance(value, datetime):
            known[name] = timestamp((value - _EPOCH) // timedelta(microseconds=1) * 1_000)
        elif isinstance(value, float) and value.is_integer():
            known[name] = int(value)
    return known


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
