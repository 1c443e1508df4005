"""Samples in a file beside the log, one line of JSON each, private and bounded."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any, Final

import orjson

from llmlog_tui.private_file import open_append, replacing
from llmlog_tui.server.exposition import LARGEST
from llmlog_tui.server.metrics import ServerMetrics, merged
from llmlog_tui.server.sample import QUANTITIES, Sample

MAX_BYTES: Final = 16 * 2**20
"""Maximum size of the file; one server takes about 10 MB a day."""
_MAX_CHARS: Final = 500
"""Maximum length of a text in the file."""
_DECIMALS: Final = 4
# Near the ends of the calendar, no time can be added or subtracted.
_YEARS: Final = range(1970, 9_000)
"""Years of valid samples."""


class Sidecar:
    """Appends samples to a file; with MAX_BYTES the older half of it is dropped.

    Of several dashboards on one log, the first keeps the samples, the others only show them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._is_ours = True

    def put(self, sample: Sample) -> None:
        """Append a sample. Raises OSError."""
        if self._fd < 0:
            self._open()
        if not self._is_ours:
            return
        line = to_line(sample)
        if os.fstat(self._fd).st_size + len(line) > MAX_BYTES:
            self._drop_older_half()
        os.write(self._fd, line)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        if self._path.exists() and not self._path.is_file():
            raise OSError(0, "is not a regular file")
        self._fd = open_append(self._path)
        try:
            flock(self._fd, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            self._is_ours = False
            return
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":  # a writer died in a line
            os.write(self._fd, b"\n")

    def _drop_older_half(self) -> None:
        with replacing(self._path) as file:
            newest = os.pread(self._fd, MAX_BYTES // 2, max(0, self._size() - MAX_BYTES // 2))
            file.write(newest.partition(b"\n")[2])
        self.close()
        self._open()

    def _size(self) -> int:
        return os.fstat(self._fd).st_size


def read(paths: Iterable[Path]) -> ServerMetrics:
    """Return the samples of several files; missing files and bad lines are skipped."""
    return merged(sample for path in paths for sample in _samples(path))


def _samples(path: Path) -> list[Sample]:
    with contextlib.suppress(OSError), open(path, "rb", opener=_opened_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return []
        is_cut = status.st_size > MAX_BYTES
        file.seek(max(0, status.st_size - MAX_BYTES))
        lines = file.read(MAX_BYTES).split(b"\n")[1 if is_cut else 0 :]
        return [sample for line in lines if line and (sample := from_line(line)) is not None]
    return []


def _opened_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # opening a FIFO would wait for a writer


def to_line(sample: Sample) -> bytes:
    """Return a sample as a line of JSON, without the quantities that are unknown."""
    known = {name: value for name, value in asdict(sample).items() if value is not None}
    known |= {name: round(known[name], _DECIMALS) for name in QUANTITIES if name in known}
    return orjson.dumps(known, option=orjson.OPT_UTC_Z) + b"\n"


def from_line(line: bytes) -> Sample | None:
    """Return the sample of a line; None if the line is invalid."""
    try:
        found = orjson.loads(line)
        url, kind, ts = found["url"], found.get("kind", ""), datetime.fromisoformat(found["ts"])
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(url, str) or not isinstance(kind, str) or not url:
        return None
    if ts.tzinfo is None or ts.year not in _YEARS:
        return None
    numbers = {name: _number(found, name) for name in QUANTITIES}
    return Sample(ts.astimezone(UTC), url[:_MAX_CHARS], kind[:_MAX_CHARS], **numbers)


def _number(found: Mapping[str, Any], name: str) -> float | None:
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= LARGEST else None
