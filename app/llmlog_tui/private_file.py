"""Files that llmlog writes: complete or not at all, and private to their owner."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

TEMPORARY: Final = ".llmlog-"
"""Beginning of the names of files that are not complete yet."""

MODE: Final = 0o600
"""Mode of each file, whatever the umask: logs and exports may hold content."""


@contextlib.contextmanager
def replacing(
    path: Path, logs: Iterable[Path] = (), *, durable: bool = False
) -> Iterator[IO[bytes]]:
    """Open a temporary file that takes the place of `path` if the `with` block succeeds.

    A symbolic link at `path` is replaced, not followed. With `durable` the file is on disk before
    it takes that place, and its folder after it. Raises OSError, as for one of the `logs`, under
    whatever name, and for anything that is no regular file.
    """
    check_replaceable(path, logs)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=TEMPORARY, delete=False) as file:
        try:
            os.fchmod(file.fileno(), MODE)
            yield file.file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            os.replace(file.name, path)  # noqa: PTH105 - a name, not a Path
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(file.name)  # noqa: PTH108 - as above
            raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_replaceable(path: Path, logs: Iterable[Path] = ()) -> None:
    """Raise OSError if `path` is a log, or no regular file."""
    try:
        there = path.stat()
    except OSError:
        return  # nothing there, a dangling link, or an error that writing has as well
    if any(_is_same(log, there) for log in logs):
        raise OSError(errno.EEXIST, "is one of the logs being read")
    # A link to a device, such as /dev/stdout, would be gone for every program.
    if not stat.S_ISREG(there.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file")


def replace_text(path: Path, text: str) -> None:
    """Write a file, and the folders above it; see replacing()."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode())


def open_append(path: Path, *, follow: bool = False) -> int:
    """Open a file to append to, and return its descriptor; created with MODE if missing.

    A symbolic link is replaced by a new file unless `follow`. Raises OSError.
    """
    if not follow and path.is_symlink():
        check_replaceable(path)
        path.unlink()
    # Non-blocking: opening a FIFO would wait for a reader.
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    if not follow:
        flags |= os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, MODE)
        os.fchmod(descriptor, MODE)
    except FileExistsError:
        descriptor = os.open(path, flags | os.O_CREAT, MODE)
    return descriptor


def _is_same(log: Path, there: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(log.stat(), there)
    return False
