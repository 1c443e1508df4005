"""The manifest of an archive: its parts, and how much of which log they hold."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import stat
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from llmlog_tui.private_file import replacing

MANIFEST: Final = "archive.json"
"""File in a folder that makes it an archive."""

VERSION: Final = 1
"""Version of the manifest's format; a later one is refused."""

UNDATED: Final = "undated"
"""Day of records before the first one with a ts."""

_PART_NAME: Final = re.compile(r"(?:\d{4}-\d\d-\d\d|undated)\.\d{6,12}\.parquet")
_DAMAGED: Final = "is damaged, or not as the archive wrote it"
_MAX_BYTES: Final = 2**28
"""Maximum size of a manifest: a million parts and logs."""


@dataclass(frozen=True)
class Prefix:
    """Beginning of a log that is archived, recognised by checksums instead of by its bytes.

    `sums` are the CRC-32 of everything before each of the `ends`, the last of which is its end.
    `tail` has the length and SHA-256 of the last lines, which are found again after a prune.
    """

    ends: tuple[int, ...] = ()
    sums: tuple[int, ...] = ()
    tail: tuple[tuple[int, str], ...] = ()

    @property
    def end(self) -> int:
        """Number of bytes."""
        return self.ends[-1] if self.ends else 0


@dataclass(frozen=True)
class Cut:
    """Where a pruned log was cut: its first `length` bytes are at `offset` of `source`."""

    source: int
    offset: int
    length: int


@dataclass(frozen=True)
class Source:
    """A log that was archived, whatever its name is now; its number is its index.

    `file` are device, inode, size and mtime (ns) of a file that was archived to its end; `day` is
    the day of its last record.
    """

    name: str
    prefix: Prefix
    records: int = 0
    day: str = UNDATED
    file: tuple[int, ...] = ()
    cut: Cut | None = None


@dataclass(frozen=True)
class Part:
    """A parquet file of the archive: `records` of one day, of some of the `sources`.

    `first` and `last` are the ts of its earliest and latest record as µs since 1970. `nulled` are
    fields and their numbers of values of a wrong type; of a few lines in the days of neighbours.
    """

    file: str
    records: int
    size: int
    sha256: str
    first: int | None
    last: int | None
    sources: tuple[int, ...]
    nulled: tuple[tuple[str, int], ...] = ()

    @property
    def day(self) -> str:
        return self.file.partition(".")[0]

    @property
    def number(self) -> int:
        """Number in the order in which the archive's parts were written."""
        return int(self.file.split(".")[1])

    def content(self, folder: Path) -> bytes:
        """Return the bytes of the file. Raises OSError, also if they are others than written."""
        self.check(folder)
        data = (folder / self.file).read_bytes()
        # Before polars sees it: of damaged parquet it may return other values.
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise OSError(errno.EINVAL, _DAMAGED)
        return data

    def check(self, folder: Path) -> None:
        """Raise OSError if the file is missing, or has another size: without reading it."""
        status = (folder / self.file).stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != self.size:
            raise OSError(errno.EINVAL, _DAMAGED)


@dataclass(frozen=True)
class Manifest:
    """State of an archive; a new one takes its place in one step."""

    sources: tuple[Source, ...] = ()
    parts: tuple[Part, ...] = ()
    next_part: int = 1
    version: int = field(default=VERSION, kw_only=True)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the manifest of a folder. Raises OSError, also for a damaged one."""
        path = folder / MANIFEST
        if not path.is_file() and path.exists():  # a pipe would be waited for
            raise OSError(errno.EINVAL, f"{MANIFEST} is not a regular file")
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
        try:
            found = json.loads(text)
            if _number(found["version"]) > VERSION:
                raise OSError(errno.EINVAL, f"{MANIFEST} was written by a later llmlog")
            sources = tuple(_source(each) for each in found["sources"])
            parts = tuple(_part(each, len(sources)) for each in found["parts"])
            return cls(sources, parts, _number(found["next_part"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise OSError(errno.EINVAL, f"{MANIFEST} is damaged, or not llmlog's") from error

    def write(self, folder: Path) -> None:
        """Replace the manifest of a folder, in one step and durably."""
        with replacing(folder / MANIFEST, durable=True) as file:
            file.write(json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n")

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(part.records for part in self.parts)


def _source(found: dict[str, Any]) -> Source:
    of_prefix = found["prefix"]
    tail = tuple((_number(length), _text(sha)) for length, sha in of_prefix["tail"])
    prefix = Prefix(_numbers(of_prefix["ends"]), _numbers(of_prefix["sums"]), tail)
    if len(prefix.ends) != len(prefix.sums) or list(prefix.ends) != sorted(set(prefix.ends)):
        raise ValueError
    cut = found["cut"] and Cut(**{name: _number(found["cut"][name]) for name in _names(Cut)})
    return Source(
        _text(found["name"]),
        prefix,
        _number(found["records"]),
        _text(found["day"]),
        _numbers(found["file"]),
        cut or None,
    )


def _part(found: dict[str, Any], sources: int) -> Part:
    part = Part(
        _text(found["file"]),
        _number(found["records"]),
        _number(found["size"]),
        _text(found["sha256"]),
        _time(found["first"]),
        _time(found["last"]),
        _numbers(found["sources"]),
        tuple((_text(name), _number(times)) for name, times in found.get("nulled", ())),
    )
    # A name from a file is never a way out of the folder.
    if not _PART_NAME.fullmatch(part.file) or max(part.sources, default=0) >= max(sources, 1):
        raise ValueError
    return part


def _names(of: type[Cut]) -> list[str]:
    return [each.name for each in fields(of)]


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _numbers(values: list[object]) -> tuple[int, ...]:
    return tuple(map(_number, values))


def _time(value: object) -> int | None:
    if value is not None and type(value) is not int:
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def is_archive(folder: Path) -> bool:
    """Return whether a folder has a manifest, readable or not."""
    return (folder / MANIFEST).exists()


def stamp_of(folder: Path) -> tuple[int, int, int]:
    """Return what changes whenever a manifest is written. Raises OSError."""
    found = (folder / MANIFEST).stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def is_part(file: Path) -> bool:
    """Return whether a file has the name of a part, and is in an archive."""
    return is_part_name(file.name) and is_archive(file.parent)


def is_part_name(name: str) -> bool:
    """Return whether a file's name is the one of a part."""
    return _PART_NAME.fullmatch(name) is not None


def parts_of(folder: Path) -> list[Path]:
    """Return the parts of an archive, those of the earliest day first. Raises OSError."""
    manifest = Manifest.read(folder)
    return [folder / part.file for part in sorted(manifest.parts, key=_in_time)]


def _in_time(part: Part) -> tuple[bool, str]:
    return part.day != UNDATED, part.file
