"""Pages of a table's lines in unlinked files, to read them again."""

from __future__ import annotations

import os
import tempfile
from typing import IO, Final

_NEWEST: Final = 2**60
"""Offset of the first page that is read; older ones are below, whatever their number."""


class PageSpool:
    """Pages before the newest one, and from it on; any thread may read them."""

    def __init__(self) -> None:
        self.bytes = 0
        """Bytes of all pages."""
        self._older, self._newer = _temporary(), _temporary()

    def add(self, page: bytes, *, older: bool) -> int:
        """Append a page to the older ones or to the others; return its offset."""
        file = self._older if older else self._newer
        place = file.seek(0, os.SEEK_END)
        data = memoryview(page)
        while data:
            data = data[file.write(data) :]
        self.bytes += len(page)
        return place if older else _NEWEST + place

    def read(self, offset: int, length: int) -> bytes | None:
        """Return the bytes at an offset; None after close()."""
        file = self._newer if offset >= _NEWEST else self._older
        try:
            return os.pread(file.fileno(), length, offset % _NEWEST)
        except ValueError:
            return None

    def close(self) -> None:
        self._older.close()
        self._newer.close()


def _temporary() -> IO[bytes]:
    # Unlinked and private: lines may be confidential.
    return tempfile.TemporaryFile(prefix="llmlog-", buffering=0)
