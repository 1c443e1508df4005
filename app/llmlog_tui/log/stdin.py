"""Whole lines out of standard input, kept in a file without a name so that they can be reread."""

from __future__ import annotations

import os
import select
import tempfile

from llmlog_tui.log.follow import BLOCK_BYTES, Follower, Generation
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.sources import STDIN


def detach_stdin() -> int:
    """Standard input as a descriptor of its own, the terminal in its place: for keys.

    Without a terminal it stays where it is.
    """
    taken = os.dup(0)
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return taken
    os.dup2(terminal, 0)
    os.close(terminal)
    return taken


class StdinFollower(Follower):
    """Follows what arrives on a descriptor, by default standard input."""

    def __init__(self, descriptor: int | None = None) -> None:
        super().__init__(STDIN)
        self._source = os.dup(0) if descriptor is None else descriptor
        with tempfile.TemporaryFile(prefix="llmlog-", buffering=0) as spool:
            self._spool = os.dup(spool.fileno())
        self._held.append(Generation(self._spool, 0))
        self.is_waiting = False

    @property
    def has_ended(self) -> bool:
        """Whether the other side has closed the pipe."""
        return self._source < 0

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until something arrives; False if nothing will, or did in time."""
        if self.has_ended:
            return False
        ready, _, _ = select.select([self._source], [], [], timeout_s)
        return bool(ready)

    def read(self) -> Block | None:
        """The next whole lines that have arrived; does not wait for any."""
        taken = 0
        while taken < BLOCK_BYTES and self.wait(0):
            try:
                data = os.read(self._source, 2**20)
            except OSError:
                self._end()
                raise
            taken += len(data)
            if not data:
                self._end()
            while data:
                data = data[os.write(self._spool, data) :]
        return super().read()

    def close(self) -> None:
        """Give the descriptors back; what was spooled is gone."""
        self._end()
        super().close()

    def _end(self) -> None:
        if self._source >= 0:
            os.close(self._source)
            self._source = -1

    def _is_replaced(self, _: Generation) -> bool:
        return False
