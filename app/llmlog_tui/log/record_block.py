"""A block of records that were parsed before: rows of an archive's part."""

from __future__ import annotations

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
