"""Identity of a file: whether two looks at it found the same content."""

from __future__ import annotations

import os


def file_identity(file: os.stat_result) -> tuple[int, int, int, int]:
    """Return device, inode, size and mtime: an inode alone may be reused."""
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns


def strict_identity(file: os.stat_result) -> tuple[int, int, int, int, int]:
    """Return file_identity() and ctime, which no program can set."""
    return *file_identity(file), file.st_ctime_ns
