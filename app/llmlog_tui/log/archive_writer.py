"""Append new records of logs to an archive: parquet files by day, and a manifest."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Final, Self

import polars as pl
from polars.exceptions import PolarsError

from llmlog_tui.errors import UserError, reason
from llmlog_tui.log.archivable_log import LogBytes, LogReading, NotArchivableError, open_bytes
from llmlog_tui.log.archive_manifest import (
    MANIFEST,
    UNDATED,
    Manifest,
    Part,
    Source,
    is_archive,
    is_part,
    is_part_name,
)
from llmlog_tui.log.archived_prefix import Known, KnownLogs, PrefixRecorder
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.tags import with_same_tags
from llmlog_tui.private_file import TEMPORARY, replacing

MAX_ROWS: Final = 2**19
"""Records in memory before they are written."""

MAX_BYTES: Final = 2**26
"""Bytes of a log in memory before its records are written."""

SMALL_BYTES: Final = 2**22
"""Maximum size of a part that is joined with the next records of its day."""

_GROUP_ROWS: Final = 2**17
"""Rows per row group: what a query by id reads at least of a column."""

_MAX_DAYS: Final = 1_000
"""Maximum days of one step; records of more are written as undated."""

_DAY: Final = "at"
"""Column of a record's day, without a ts that of the record before."""

_LEVEL: Final = 3
"""Of zstd."""


class ArchiveError(UserError):
    """A folder that cannot be written to as an archive; the message is one line."""


@dataclass(frozen=True)
class Outcome:
    """Numbers of records added, lines without one, values of a wrong type, and all records."""

    added: int = 0
    skipped: int = 0
    nulled: int = 0
    records: int = 0


class ArchiveWriter:
    """Writes to the archive in a folder, which no other process may write to meanwhile.

    Records are added in steps of bounded memory. A step writes its parts, then the manifest: killed
    at any moment, the folder has the records of whole steps, each once.
    """

    def __init__(self, folder: Path, *, raw: bool) -> None:
        """Create the folder if it is missing. Raises ArchiveError."""
        self._folder = folder
        self._raw = raw
        self._is_new = not folder.exists()
        try:
            self._lock = _locked(folder)
        except OSError as error:
            raise ArchiveError(f"{folder}: {reason(error)}") from error
        try:
            self._manifest = _opened(folder)
        except BaseException:
            os.close(self._lock)
            raise
        self._sources = list(self._manifest.sources)
        self._known = KnownLogs(self._sources)
        self._pending: list[pl.DataFrame] = []
        self._pending_bytes = 0
        self._pending_nulled: dict[str, Counter[str]] = {}  # by day
        self._added = self._skipped = self._nulled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)

    def has_no_lines(self) -> bool:
        """Return whether the first part has no raw lines. Raises ArchiveError."""
        first = min(self._manifest.parts, key=lambda part: part.number, default=None)
        try:
            content = None if first is None else first.content(self._folder)
        except OSError as error:
            raise ArchiveError(f"{self._folder}: {reason(error)}") from error
        return content is not None and "line" not in pl.read_parquet_schema(content)

    @property
    def outcome(self) -> Outcome:
        return Outcome(self._added, self._skipped, self._nulled, self._manifest.records)

    def add(self, path: Path, on_read: Callable[[int], object] = lambda _: None) -> None:
        """Add the new records of a file, the last of them at the next commit().

        `on_read` is called with numbers of bytes. Raises NotArchivableError, and as commit().
        """
        if is_part(path):
            raise NotArchivableError(f"{path}: is part of an archive")
        try:
            with open_bytes(path) as log:
                known = self._known.unchanged(log.identity) or self._known.find(log.read, log.size)
                if known is None or not known.is_whole:
                    self._add_log(log, known, on_read)
                if log.damage:
                    raise NotArchivableError(f"{path}: {log.damage}")
        except OSError as error:
            raise NotArchivableError(f"{path}: {reason(error)}") from error

    def commit(self) -> None:
        """Write the records that are not written yet, and the manifest.

        Raises ArchiveError.
        """
        try:
            self._commit()
        except OSError as error:
            raise ArchiveError(f"{self._folder}: {reason(error)}") from error

    def discard_if_new(self) -> None:
        """Delete the folder if it was made for this archive, which has no log."""
        if self._is_new and not self._manifest.sources:
            with contextlib.suppress(OSError):
                (self._folder / MANIFEST).unlink()
                self._folder.rmdir()

    def _commit(self) -> None:
        if self._sources == list(self._manifest.sources):
            return
        manifest = replace(self._manifest, sources=tuple(self._sources))
        replaced: list[Part] = []
        nulled = self._pending_nulled
        rows = sum(frame.height for frame in self._pending)
        if rows:
            pending = pl.concat(with_same_tags(self._pending))
            if pending[_DAY].n_unique() > _MAX_DAYS:
                pending = pending.with_columns(pl.lit(UNDATED).alias(_DAY))
                nulled = {UNDATED: sum(nulled.values(), Counter())}
            for (day,), of_day in pending.partition_by(_DAY, as_dict=True).items():
                rows_of_day, counts = of_day.drop(_DAY), nulled.get(day, Counter())
                manifest = self._with_part(manifest, str(day), rows_of_day, counts, replaced)
        manifest.write(self._folder)
        self._manifest = manifest
        self._added += rows
        self._pending.clear()
        self._pending_nulled = {}
        self._pending_bytes = 0
        for part in replaced:
            (self._folder / part.file).unlink(missing_ok=True)

    def _add_log(
        self, log: LogBytes, known: Known | None, on_read: Callable[[int], object]
    ) -> None:
        if known is not None and known.cut is None:
            index = known.source
            reading = LogReading(log, PrefixRecorder(self._sources[index].prefix), known.end)
        else:
            index = len(self._sources)
            reading = LogReading(log, PrefixRecorder(), known.end if known else 0)
            self._sources.append(Source("", reading.prefix, cut=known.cut if known else None))
        self._update(index, name=log.path.name, file=())
        for block in reading.blocks():
            source = self._sources[index]
            frame, nulled = self._records(reading, block, index, source.day)
            self._pending.append(frame)
            self._pending_bytes += len(block.data)
            day = frame[_DAY][-1] if frame.height else source.day
            if nulled:
                self._nulled += nulled.total()
                self._pending_nulled.setdefault(day, Counter()).update(nulled)
            records = source.records + frame.height
            self._update(index, prefix=reading.prefix, records=records, day=day)
            on_read(len(block.data))
            if self._is_step_full():
                self.commit()
        reading.finish()
        if known is None and reading.skipped and not self._sources[index].records:
            del self._sources[index]
            raise NotArchivableError(f"no line is a record: {log.path}")
        self._skipped += reading.skipped
        if not self._sources[index].prefix.end:  # no whole line yet
            del self._sources[index]
            return
        if reading.is_at_end:
            self._update(index, file=log.identity)
        self._known.update(index, self._sources[index])

    def _update(self, index: int, **values: object) -> None:
        self._sources[index] = replace(self._sources[index], **values)  # type: ignore[arg-type]

    def _is_step_full(self) -> bool:
        rows = sum(each.height for each in self._pending)
        return rows >= MAX_ROWS or self._pending_bytes >= MAX_BYTES

    def _records(
        self, reading: LogReading, block: Block, source: int, day: str
    ) -> tuple[pl.DataFrame, Counter[str]]:
        """Return the records of a block, with their place and day, and parse()'s counts."""
        frame, nulled = reading.parse(block)
        lines = pl.Series("line", block.data.split(b"\n"), pl.Binary)
        sizes = lines.bin.size().cast(pl.UInt64) + 1
        starts = (sizes.cum_sum() - sizes + block.offset).alias("position")
        place = [starts.gather(frame["line"])]
        if self._raw:
            place.append(lines.gather(frame["line"]))
        date = pl.col("ts").dt.strftime("%Y-%m-%d").forward_fill().fill_null(day).alias(_DAY)
        height = frame.height
        file = pl.Series([source], dtype=pl.UInt32).new_from_index(0, height)
        return frame.drop("line").with_columns(date, *place, file=file), nulled

    def _with_part(
        self,
        manifest: Manifest,
        day: str,
        rows: pl.DataFrame,
        nulled: Counter[str],
        replaced: list[Part],
    ) -> Manifest:
        """Write the records of a day, joined with its last part if that is small."""
        parts = list(manifest.parts)
        last = max(
            (part for part in parts if part.day == day), key=attrgetter("number"), default=None
        )
        if last is not None and last.size < SMALL_BYTES:
            before = pl.read_parquet(last.content(self._folder))
            rows = pl.concat(with_same_tags([before, rows]), how="diagonal")
            nulled = nulled + Counter(dict(last.nulled))
            parts.remove(last)
            replaced.append(last)
        name = f"{day}.{manifest.next_part:06d}.parquet"
        parts.append(_written(self._folder / name, rows, nulled))
        return replace(manifest, parts=tuple(parts), next_part=manifest.next_part + 1)


def _opened(folder: Path) -> Manifest:
    """Return the manifest, a new one for an empty folder. Raises ArchiveError.

    Parts of a step that did not end are deleted.
    """
    try:
        names = [path.name for path in folder.iterdir()]
        if not is_archive(folder):
            if any(not name.startswith(TEMPORARY) for name in names):
                raise ArchiveError(f"{folder}: is not empty, and no archive")
            Manifest().write(folder)
        manifest = Manifest.read(folder)
        _check_parts(folder, manifest)
        known = {part.file for part in manifest.parts}
        for name in names:
            if name.startswith(TEMPORARY) or (is_part_name(name) and name not in known):
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ArchiveError(f"{folder}: {reason(error)}") from error
    return manifest


def _check_parts(folder: Path, manifest: Manifest) -> None:
    """Raise ArchiveError for a part that is missing: its records would count as archived."""
    for part in manifest.parts:
        try:
            part.check(folder)
        except OSError as error:
            raise ArchiveError(f"{folder / part.file}: {reason(error)}") from error


def _locked(folder: Path) -> int:
    """Create a folder, and return a descriptor that locks it. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OSError(errno.EBUSY, "is being written to by another process") from None
    return descriptor


def _written(path: Path, rows: pl.DataFrame, nulled: Counter[str]) -> Part:
    """Write a part; columns without values are left out."""
    kept = [column for column in rows if column.null_count() < rows.height]
    with replacing(path, durable=True) as file:
        try:
            pl.DataFrame(kept).write_parquet(
                file, compression="zstd", compression_level=_LEVEL, row_group_size=_GROUP_ROWS
            )
        except PolarsError as error:  # as on a full disk
            raise OSError(str(error)) from error
    times = rows["ts"].dt.epoch("us")
    last = times.max()
    if last is not None:
        # The newest records are read first, by the times of their files.
        seconds = max(0, int(last) // 10**6)  # type: ignore[arg-type]
        os.utime(path, (seconds, seconds))
    return Part(
        path.name,
        rows.height,
        path.stat().st_size,
        _sha256(path),
        times.min(),  # type: ignore[arg-type]
        last,  # type: ignore[arg-type]
        tuple(rows["file"].unique().sort()),
        tuple(sorted(nulled.items())),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
