"""Files of the cache: each begins with the digest of its content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from llmlog_tui.private_file import replacing

PARSED: Final = ".parsed"
"""Suffix of a parsed block."""

DIGESTS: Final = ".digests"
"""Suffix of the digests of a file's blocks."""

PRICES: Final = ".prices"
"""Suffix of prices of models."""

SUFFIXES: Final = (PARSED, DIGESTS, PRICES)

_DIGEST_BYTES: Final = hashlib.sha256().digest_size


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest of data."""
    return hashlib.sha256(data).digest()


def read_entry(path: Path) -> bytes | None:
    """Return an entry's content, and mark it as used; None if absent or damaged."""
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return content if digest == sha256(content) else None


def write_entry(path: Path, content: bytes) -> None:
    """Write a private entry, complete or not at all, and the folder. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(sha256(content) + content)
