"""Reads the files of a log into a Store: to their ends, or on and on as they grow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from llmlog_tui.log.follow import Follower
from llmlog_tui.log.lines import Block
from llmlog_tui.log.parse import parse
from llmlog_tui.log.sources import SourceError
from llmlog_tui.log.store import Snapshot, Store


class Reader:
    """Follows several files; belongs to the thread that calls step(), except for raw_line()."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        self.problems: dict[Path, str] = {}
        """Files that cannot be read at present, and why."""
        self._followers = [Follower(file) for file in files]
        self._store = Store(files)

    def step(self) -> bool:
        """Read one block of the first file that has one; False if there is nothing new."""
        for index, follower in enumerate(self._followers):
            try:
                block = follower.read()
            except OSError as error:
                self.problems[follower.path] = error.strerror or str(error)
                continue
            self.problems.pop(follower.path, None)
            if block is not None:
                self._add(index, block)
                return True
        return False

    def loaded(self) -> None:
        """Say that what was there at the start is read: from here on it is live."""
        self._store.merge_by_time()

    def finish(self) -> None:
        """Take what stands behind the last newline too: nobody waits for its end."""
        for index, follower in enumerate(self._followers):
            while block := follower.finish():
                self._add(index, block)

    def close(self) -> None:
        """Give all descriptors back."""
        for follower in self._followers:
            follower.close()

    def snapshot(self) -> Snapshot:
        """All records read so far."""
        return self._store.snapshot()

    def progress(self) -> tuple[int, int]:
        """(bytes read, bytes there) over all files."""
        positions = [follower.position() for follower in self._followers]
        return sum(read for read, _ in positions), sum(there for _, there in positions)

    def waiting_for(self) -> list[Path]:
        """The files that are not there yet."""
        return [follower.path for follower in self._followers if follower.is_waiting]

    def raw_line(self, block: int, line: int) -> bytes | None:
        """A record's line as it stands in its file, or None if that file was replaced since."""
        stretch = self._store.stretch(block)
        data = self._followers[stretch.file].reread(
            stretch.generation, stretch.offset, stretch.length
        )
        return None if data is None else data.split(b"\n")[line]

    def _add(self, index: int, block: Block) -> None:
        self._store.add(index, block, parse(block.data, at_start=block.offset == 0))


def load(files: Sequence[Path]) -> Snapshot:
    """Everything in `files` as it stands now. Raises SourceError for one that cannot be read."""
    reader = Reader(files)
    try:
        while reader.step():
            pass
        for file, why in reader.problems.items():
            raise SourceError(f"{file}: {why}")
        for file in reader.waiting_for():
            raise SourceError(f"{file}: {os.strerror(2)}")
        reader.finish()
        reader.loaded()
        return reader.snapshot()
    finally:
        reader.close()
