"""Interface of a file that is read: new and older lines, position, identity."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.prefix_digest import Known


class FileSource(Protocol):
    """A followed file, compressed file or standard input."""

    path: Path
    is_waiting: bool
    is_gone: bool

    def read(self) -> Block | None: ...
    def read_older(self) -> Block | None: ...
    def finish(self) -> Block | None: ...
    def close(self) -> None: ...
    def position(self) -> tuple[int, int]: ...
    def reread(self, generation: int, offset: int, length: int) -> bytes | None: ...
    def has_open(self, file: os.stat_result) -> bool: ...
    def known(self, head: bytes) -> list[Known]: ...
