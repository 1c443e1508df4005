"""What a table shows: rows of cells, made on demand by a source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

Tone = Literal[
    "", "muted", "strong", "primary", "secondary", "accent", "success", "warning", "worst", "error"
]
"""What a piece of text means; the style sheet says how that looks."""

Ground = Literal[
    "",
    "slow",
    "failed",
    "rule-warning",
    "rule-error",
    "rule-accent",
    "rule-success",
    "rule-muted",
]
"""What tints a whole row; those of a rule are the user's own."""


class CellSpan(NamedTuple):
    """A piece of text in one tone."""

    text: str
    tone: Tone = ""


Cell = Sequence[CellSpan]


def cell(text: str, tone: Tone = "") -> Cell:
    """A cell of one piece."""
    return (CellSpan(text, tone),)


UNMARKED: Final = CellSpan(" ")
"""What stands in the gutter of most rows."""

_FLAGS: Final = (
    ("failed", CellSpan("✗", "error")),
    ("truncated", CellSpan("┤", "warning")),
    ("retried", CellSpan("↻", "warning")),
    ("changed", CellSpan("≠", "accent")),
)


def flags(row: Mapping[str, object]) -> Cell:
    """Four cells: failed, truncated, retried, changed (a fingerprint), each in its place."""
    return [flag if row[name] else UNMARKED for name, flag in _FLAGS]


class Row(NamedTuple):
    """A row as it is drawn: `mark` stands in the gutter, `ground` tints the whole row.

    `trace` is the trace it is of, for tables that mark the rows of one.
    """

    cells: Sequence[Cell]
    mark: CellSpan = UNMARKED
    ground: Ground = ""
    trace: str | None = None


class Column(NamedTuple):
    """A column `width` cells wide; one with `flex` takes what the others leave.

    `field` is the record's field that it shows, by which rows can be sorted and filtered; empty if
    there is none.
    """

    title: str
    width: int
    align: Literal["left", "right"] = "left"
    flex: bool = False
    field: str = ""


class RowSource(ABC):
    """Where a table's rows come from. Must not change: a change is another source."""

    columns: Sequence[Column]

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def key(self, index: int) -> Hashable:
        """What the row at `index` is known by."""

    @abstractmethod
    def index(self, key: Hashable) -> int | None:
        """Where the row with this key stands, or None."""

    @abstractmethod
    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        """The rows from `start` up to `stop`, for columns of these widths; 0: it is not shown."""

    def picked(self, index: int, column: int) -> tuple[str, object]:  # noqa: ARG002 - as below
        """The field that a cell shows, and its value, to filter by."""
        return self.columns[column].field, None

    def heading(self, column: int, width: int) -> str:  # noqa: ARG002 - for sources that need it
        """What stands over a column."""
        return self.columns[column].title


class NoRows(RowSource):
    """A source without rows."""

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return 0

    def key(self, index: int) -> Hashable:
        """Of no row."""
        raise IndexError(index)

    def index(self, key: Hashable) -> int | None:  # noqa: ARG002 - none has it
        """Nowhere."""
        return None

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        """None."""
        return []
