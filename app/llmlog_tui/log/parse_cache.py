"""Cache of parsed blocks on disk: a big log is parsed once."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import polars as pl
from polars.exceptions import PolarsError

from llmlog.record import FIELDS
from llmlog_tui.formats import llmlog
from llmlog_tui.log.block_digests import BlockDigests, StatOf
from llmlog_tui.log.cache_entry import PARSED, SUFFIXES, read_entry, sha256, write_entry
from llmlog_tui.log.cache_folder import cache_folder, is_off
from llmlog_tui.log.line_errors import FaultCounts
from llmlog_tui.log.line_splitter import Block, UnreadLines
from llmlog_tui.log.parse import Parsed, Strictness, parse
from llmlog_tui.log.schema import COLUMNS, nulls
from llmlog_tui.log.starts import NO_STARTS
from llmlog_tui.log.tags import KnownTags, wants_tags

MIN_FILE_BYTES: Final = 64 * 2**20
"""Minimum size of a file: smaller ones are parsed within a second."""

MIN_BYTES: Final = 4 * 2**20
"""Minimum size of a block: the last ones of a file are smaller, and change."""

MAX_BYTES: Final = 2**30
"""Maximum size of the folder; the entries not used for the longest are deleted."""

_METADATA: Final = "llmlog"
_DTYPES: Final = {
    str(dtype): dtype for dtype in (pl.Categorical(), pl.Int64(), pl.Float64(), pl.Boolean())
}


class ParseOptions(TypedDict):
    """Options of parse()."""

    at_start: bool
    strictness: Strictness
    columns: Collection[str]
    only_ours: bool
    tags: KnownTags
    filled: frozenset[str]


class ParseCache:
    """Parsed blocks, by a hash of their bytes, the options, and the parser's code.

    A log that was pruned, rotated, rewritten or copied therefore has the records of its own bytes.
    A folder that cannot be written, or a damaged entry, costs the time of parsing and nothing else.
    May be used in several threads and processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._has_written = False
        self._digests: list[BlockDigests] = []

    def of_file(self, stat_of: StatOf) -> FileCache:
        digests = BlockDigests(stat_of, self._folder)
        self._digests.append(digests)
        return FileCache(self, digests)

    def parse(
        self,
        block: bytes,
        digest: Callable[[], bytes] | None = None,
        **options: Unpack[ParseOptions],
    ) -> Parsed:
        """Return the records of a block, from the cache or parsed; `digest` returns its digest."""
        if len(block) < MIN_BYTES:
            return parse(block, **options)
        of_block = sha256(block) if digest is None else digest()
        entry = self._entry(of_block, options)
        known = _read(entry)
        if known is not None:
            return known.parsed()
        parsed = parse(block, **options)
        self._write(entry, parsed)
        return parsed

    def known(self, digest: bytes, options: ParseOptions) -> Callable[[], Parsed] | None:
        """Return what decodes a block's records; None if its lines are needed."""
        known = _read(self._entry(digest, options))
        return None if known is None or known.rest["refused"] else known.parsed

    def close(self) -> None:
        """Save digests, and delete the entries not used for the longest, if too many."""
        with contextlib.suppress(OSError):
            for digests in self._digests:
                digests.save()
        if self._has_written:
            used = sorted(_entries(self._folder), key=lambda entry: -entry[1].st_mtime)
            size = 0
            for path, file in used:
                size += file.st_size
                if size > MAX_BYTES:
                    with contextlib.suppress(OSError):
                        path.unlink()

    def size(self) -> tuple[int, int]:
        """Return the number of blocks, and the bytes of all entries. Raises OSError."""
        entries = list(_entries(self._folder))
        blocks = sum(path.suffix == PARSED for path, _ in entries)
        return blocks, sum(file.st_size for _, file in entries)

    def clear(self) -> None:
        """Delete all entries. Raises OSError."""
        for path, _ in _entries(self._folder):
            path.unlink(missing_ok=True)

    def _entry(self, of_block: bytes, options: ParseOptions) -> Path:
        return self._folder / (_key(of_block, options) + PARSED)

    def _write(self, entry: Path, parsed: Parsed) -> None:
        with contextlib.suppress(OSError, PolarsError):
            write_entry(entry, _to_bytes(parsed))
            self._has_written = True


class FileCache:
    """The cache of one file's blocks."""

    def __init__(self, cache: ParseCache, digests: BlockDigests) -> None:
        self._cache = cache
        self._digests = digests

    def prepare(self, block: Block, options: ParseOptions) -> Callable[[], Parsed]:
        """Return the parsing of a block that was just read, for any thread."""
        digest = self._digests.of(block)
        return lambda: self._cache.parse(block.data, digest, **options)

    def known(self, lines: UnreadLines, options: ParseOptions) -> Callable[[], Parsed] | None:
        """Return what decodes the records of lines; None if they must be read."""
        digest = self._digests.known(lines)
        return None if digest is None else self._cache.known(digest, options)


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            if path.suffix in SUFFIXES:
                with contextlib.suppress(FileNotFoundError):
                    yield path, path.stat()


def _key(of_block: bytes, options: ParseOptions) -> str:
    digest = hashlib.sha256(_code())
    digest.update(_identity(**options).encode())
    digest.update(b"\0")
    digest.update(of_block)
    return digest.hexdigest()


def _identity(**options: Unpack[ParseOptions]) -> str:
    # Without `filled`, which changes nothing but the time of parsing.
    columns, tags = options["columns"], options["tags"]
    of_columns = [sorted(columns), wants_tags(columns)]
    of_tags = [list(tags.fields.items()), [(name, str(of)) for name, of in tags.extra.items()]]
    others = [options["at_start"], options["strictness"], options["only_ours"]]
    return json.dumps([of_columns, of_tags, others])


@functools.cache
def _code() -> bytes:
    """Return a digest of everything that decides what a block's records are."""
    sources = [*sorted(Path(__file__).parent.glob("*.py")), Path(llmlog.__file__)]
    digest = hashlib.sha256(f"polars {pl.__version__} {FIELDS}".encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.digest()


# -- entries


def _to_bytes(parsed: Parsed) -> bytes:
    """Return a Parsed as parquet: its records, then its starts; all else as metadata."""
    rows = parsed.frame
    if parsed.starts.height:
        rows = pl.concat((rows, parsed.starts), how="diagonal")
    # Columns without values would take half of the time of writing, and of reading back.
    rows = pl.DataFrame(
        [each for each in rows if each.name not in COLUMNS or each.null_count() < rows.height]
    )
    content = io.BytesIO()
    rows.write_parquet(
        content,
        compression="zstd",
        compression_level=1,
        statistics=False,
        metadata={_METADATA: json.dumps(_rest_of(parsed))},
    )
    return content.getvalue()


def _rest_of(parsed: Parsed) -> dict[str, Any]:
    return {
        "records": parsed.frame.height,
        "lines": parsed.lines,
        "blanks": parsed.blanks,
        "skipped": [parsed.skipped.counts, parsed.skipped.first],
        "nulled": [parsed.nulled.counts, parsed.nulled.first],
        "strictness": parsed.strictness,
        "refused": list(parsed.refused),
        "filled": sorted(parsed.filled),
        "fields": dict(parsed.tags.fields),
        "extra": {name: str(dtype) for name, dtype in parsed.tags.extra.items()},
    }


@dataclass(frozen=True)
class _Known:
    """An entry: its content, and the metadata of it."""

    content: bytes
    rest: Mapping[str, Any]

    def parsed(self) -> Parsed:
        return _from_bytes(pl.read_parquet(self.content), self.rest)


def _read(entry: Path) -> _Known | None:
    """Return an entry; None without it, or if it is damaged."""
    content = read_entry(entry)  # polars may panic on damaged parquet, or return other values
    if content is None:
        return None
    return _Known(content, json.loads(pl.read_parquet_metadata(io.BytesIO(content))[_METADATA]))


def _from_bytes(rows: pl.DataFrame, rest: Mapping[str, Any]) -> Parsed:
    tags = [each for each in rows if each.name not in COLUMNS]
    fields = [rows[name] if name in rows.columns else nulls(name, rows.height) for name in COLUMNS]
    rows = pl.DataFrame([*fields, *tags])
    frame = rows.head(rest["records"]).rechunk()
    starts = rows.slice(frame.height).select(NO_STARTS.columns)
    return Parsed(
        frame,
        rest["lines"],
        rest["blanks"],
        _faults(rest["skipped"]),
        _faults(rest["nulled"]),
        Strictness(rest["strictness"]),
        [(line, kind) for line, kind in rest["refused"]],
        tags=KnownTags(
            rest["fields"], {name: _DTYPES[dtype] for name, dtype in rest["extra"].items()}
        ),
        filled=frozenset(rest["filled"]),
        starts=starts,
    )


def _faults(found: list[dict[str, int]]) -> FaultCounts:
    counts, first = found
    return FaultCounts(Counter(counts), first)


def user_cache() -> ParseCache | None:
    """Return the user's cache; None if it is off."""
    return None if is_off() else ParseCache(cache_folder())
