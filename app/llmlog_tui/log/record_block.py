"""Blocks of records that were parsed before: of an archive's part, or from the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.parse import Parsed


@dataclass(frozen=True, kw_only=True)
class RecordBlock(Block):
    """Rows in the place of lines, from row `offset` on; `data` is empty."""

    parsed: Parsed
    rows: int

    @property
    def length(self) -> int:
        """Number of rows: an archive is read again by them, not by bytes."""
        return self.rows


@dataclass(frozen=True, kw_only=True)
class CachedBlock(Block):
    """Whole lines that were not read, and `work` that returns their records; `data` is empty."""

    work: Callable[[], Parsed]
    bytes_unread: int

    @property
    def length(self) -> int:
        return self.bytes_unread

    @property
    def ends_line(self) -> bool:
        return True
