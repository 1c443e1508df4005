"""Follow standard input, spooled to an unlinked file so that lines can be read again."""

from __future__ import annotations

import os
import select
import tempfile

from llmlog_tui.log.follow import BLOCK_BYTES, Follower
from llmlog_tui.log.generation import Generation
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.sources import STDIN


class StdinFollower(Follower):
    """Follows a descriptor, by default standard input."""

    def __init__(self, descriptor: int | None = None) -> None:
        super().__init__(STDIN)
        self._source = os.dup(0) if descriptor is None else descriptor
        # Unlinked and private: piped data may be confidential.
        with tempfile.TemporaryFile(prefix="llmlog-", buffering=0) as spool:
            self._spool = os.dup(spool.fileno())
        self._generations.append(Generation(self._spool, 0))
        self.is_waiting = False

    @property
    def has_ended(self) -> bool:
        return self._source < 0

    def wait(self, timeout_s: float | None = None) -> bool:
        if self.has_ended:
            return False
        ready, _, _ = select.select([self._source], [], [], timeout_s)
        return bool(ready)

    def read(self) -> Block | None:
        """Return the next whole lines that have arrived, without waiting."""
        received = 0
        while received < BLOCK_BYTES and self.wait(0):
            try:
                data = os.read(self._source, 2**20)
            except OSError:
                self._end()
                raise
            received += len(data)
            if not data:
                self._end()
            while data:
                data = data[os.write(self._spool, data) :]
        return super().read()

    def close(self) -> None:
        self._end()
        super().close()

    def _end(self) -> None:
        if self._source >= 0:
            os.close(self._source)
            self._source = -1

    def _is_replaced(self, _: Generation) -> bool:
        return False
