"""Digests of the blocks of a file, remembered until it is written to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import orjson

from llmlog_tui.log.cache_entry import DIGESTS, read_entry, sha256, write_entry
from llmlog_tui.log.file_identity import strict_identity
from llmlog_tui.log.line_splitter import Block, UnreadLines

_SETTLED_S: Final = 2.0
"""Seconds after a write within which another may leave the times unchanged."""

_Identity = tuple[int, int, int, int, int]

StatOf = Callable[[int], os.stat_result | None]
"""Returns the present state of the file of a generation, if it is open."""


class BlockDigests:
    """Digests of the blocks of one file, by offset and length.

    Any write changes the time of a file's last change, which no program can set. A block that was
    read before, from the same file at the same time of change, therefore has the same bytes, and
    hashing them again would be a third of the work of reopening a log.
    """

    def __init__(self, stat_of: StatOf, folder: Path) -> None:
        self._stat_of = stat_of
        self._folder = folder
        self._identity: _Identity | None = None
        self._known: dict[str, bytes] = {}
        self._is_new = False

    def of(self, block: Block) -> Callable[[], bytes]:
        """Return what gives the digest of a block that was just read, in any thread."""
        # Looked at after the bytes were read: a write in between has changed the file.
        if not self._load_if_settled(block.generation):
            return lambda: sha256(block.data)
        return partial(self._remembered, self._known, block)

    def known(self, lines: UnreadLines) -> bytes | None:
        """Return the digest of lines of which both ends were just read; None if unknown."""
        if not self._load_if_settled(lines.generation):
            return None
        return self._known.get(_place(lines.offset, lines.length))

    def save(self) -> None:
        """Write new digests. Raises OSError."""
        if self._is_new:
            content = orjson.dumps({place: digest.hex() for place, digest in self._known.items()})
            write_entry(self._entry, content)
            self._is_new = False

    def _load_if_settled(self, generation: int) -> bool:
        """Load the known digests of a file that was not written to lately; else False."""
        identity = _settled(self._stat_of(generation))
        if identity is not None and identity != self._identity:
            self._identity = identity
            self._known, self._is_new = _read(self._entry), False
        return identity is not None

    def _remembered(self, known: dict[str, bytes], block: Block) -> bytes:
        place = _place(block.offset, block.length)
        if place not in known:
            known[place] = sha256(block.data)
            self._is_new = True
        return known[place]

    @property
    def _entry(self) -> Path:
        return self._folder / (sha256(repr(self._identity).encode()).hex() + DIGESTS)


def _place(offset: int, length: int) -> str:
    return f"{offset} {length}"


def _read(entry: Path) -> dict[str, bytes]:
    """Return the digests that an entry holds; none without it, or if it is damaged."""
    known = orjson.loads(read_entry(entry) or b"{}")
    return {place: bytes.fromhex(digest) for place, digest in known.items()}


def _settled(file: os.stat_result | None) -> _Identity | None:
    """Return a file's identity; None if recently written, or without a POSIX ctime."""
    if os.name != "posix" or file is None:  # elsewhere st_ctime is the time of creation
        return None
    if time.time() - file.st_ctime < _SETTLED_S:
        return None
    return strict_identity(file)
