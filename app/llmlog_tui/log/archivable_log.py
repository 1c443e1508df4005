"""A file that is archived: its bytes, and its new records block by block."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from llmlog_tui.errors import UserError
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.archived_prefix import PrefixRecorder
from llmlog_tui.log.compressed import SUFFIXES, RewindableStream
from llmlog_tui.log.file_identity import file_identity
from llmlog_tui.log.file_parser import FileParser
from llmlog_tui.log.line_splitter import Block, LineSplitter

_READ_BYTES: Final = 2**23
"""Bytes per read."""


class NotArchivableError(UserError):
    """A log that cannot be archived to its end; the message is one line."""


class LogBytes(Protocol):
    """The bytes of an open log, unpacked."""

    path: Path
    identity: tuple[int, ...]
    size: int | None
    """Bytes when it was opened; None if it is compressed."""

    def read(self, length: int, offset: int) -> bytes: ...
    def close(self) -> None: ...
    @property
    def damage(self) -> str: ...


def open_bytes(path: Path) -> closing[LogBytes]:
    """Open a log, plain or compressed. Raises OSError."""
    opened: LogBytes = _Packed(path) if path.suffix in SUFFIXES else _Plain(path)
    return closing(opened)


class _Plain:
    damage = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        file = os.fstat(self._file.fileno())
        self.identity: tuple[int, ...] = file_identity(file)
        self.size: int | None = file.st_size
        self._end = file.st_size  # later lines are for the next run

    def read(self, length: int, offset: int) -> bytes:
        return os.pread(self._file.fileno(), max(0, min(length, self._end - offset)), offset)

    def close(self) -> None:
        self._file.close()


class _Packed:
    size: int | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = RewindableStream(path)
        self.identity: tuple[int, ...] = file_identity(self._stream.stat)

    @property
    def damage(self) -> str:
        return self._stream.damage

    def read(self, length: int, offset: int) -> bytes:
        return self._stream.read_anywhere(length, offset)

    def close(self) -> None:
        self._stream.close()


class LogReading:
    """Reads a log from an offset on; `prefix` is everything before."""

    def __init__(self, log: LogBytes, recorder: PrefixRecorder, start: int) -> None:
        self._log = log
        self._recorder = recorder
        self._splitter = LineSplitter(0, start)
        self._parser = FileParser({})
        self.skipped = 0
        """Number of lines that are no records; of all of them after finish()."""
        self._feed_known(recorder.prefix().end, start)
        self.prefix = recorder.prefix()
        """Everything up to the end of the last block."""

    @property
    def offset(self) -> int:
        """End of the bytes that were read."""
        return self._splitter.offset

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left, not even the beginning of a line."""
        return self.prefix.end == self.offset and not self._log.damage

    def blocks(self) -> Iterator[Block]:
        """Yield the whole lines, up to the log's end when it was opened."""
        while data := self._log.read(_READ_BYTES, self.offset):
            block = self._splitter.feed(data)
            cut = data.rfind(b"\n") + 1
            self._recorder.feed(data[:cut])
            if block is not None:
                self._note(block)
            self._recorder.feed(data[cut:])
            if block is not None:
                yield block
        # Of a compressed log nothing follows; of a plain one a newline at most.
        is_packed = self._log.size is None and not self._log.damage
        last = self._splitter.flush() if is_packed else self._splitter.record_at_end()
        if last is not None:
            self._note(last)
            yield last

    def parse(self, block: Block) -> tuple[pl.DataFrame, Counter[str]]:
        """Return the records of a block, and its values of a wrong type by field.

        Raises NotArchivableError for records of other formats.
        """
        work = self._parser.prepare(block)
        parsed = self._parser.collect(block, None if work is None else work())
        frame = parsed.frame
        # Records of several lines need the lines before them: they cannot be read from the middle.
        self._check(is_of_several_lines=bool((frame["line"] < 0).any()))
        self.skipped += parsed.skipped.counts.total() + block.too_long
        return frame, parsed.nulled.counts

    def finish(self) -> None:
        """Decide on lines that were kept until more follow; raises as parse()."""
        late = self._parser.finish()
        if late is not None:
            self._check(is_of_several_lines=late.frame.height > 0)
            self.skipped += late.skipped.counts.total()

    def _check(self, *, is_of_several_lines: bool) -> None:
        """Raise NotArchivableError if not all objects are lines with llmlog's records."""
        objects = self._parser.decoder.objects
        if objects and (objects.keys() != {LLMLOG.name} or is_of_several_lines):
            name = self._parser.format
            kind = "records of several lines" if name == LLMLOG.name else name
            raise NotArchivableError(
                f"{self._log.path}: {kind}: only lines that are llmlog's records can be archived, "
                "such as llmlog export --to calls.jsonl writes"
            )

    def _feed_known(self, first: int, end: int) -> None:
        """Record the bytes before the ones to be read, unless they are known."""
        last = b""
        for at in range(first, end, _READ_BYTES):
            data = self._log.read(min(_READ_BYTES, end - at), at)
            self._recorder.feed(data)
            last = (last + data)[-_READ_BYTES:]
        if last:
            self._recorder.note_lines(last, end - len(last), is_cut=len(last) < end)

    def _note(self, block: Block) -> None:
        self._recorder.note_lines(block.data, block.offset)
        self.prefix = self._recorder.prefix()
