"""Interface of whatever a log is read from: new and older lines, position, identity."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.prefix_digest import Known


class LineSource(Protocol):
    """A followed file, compressed file, standard input, or a table.

    It gives blocks of whole lines: new ones by read(), with `older` set those before them by
    read_older(). reread() returns bytes of a block it gave, None if they are gone.
    """

    path: Path
    is_waiting: bool
    is_gone: bool

    def read(self) -> Block | None: ...
    def read_older(self) -> Block | None: ...
    def finish(self) -> Block | None: ...
    def close(self) -> None: ...
    def position(self) -> tuple[int, int]: ...
    def reread(self, generation: int, offset: int, length: int) -> bytes | None: ...

    def has_open(self, file: os.stat_result) -> bool:
        """Return whether it reads this file; false by default."""
        del file
        return False

    def known(self, head: bytes) -> list[Known]:
        """Return the read prefixes of a log that begins like this; none by default."""
        del head
        return []
