"""Rows of cells, made on demand by a source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Final, Literal, NamedTuple

Tone = Literal[
    "",
    "muted",
    "strong",
    "emphasis",
    "title",
    "code",
    "hit",
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "worst",
    "error",
]
"""Meaning of a text; the style sheet maps it to a style."""


class CellSpan(NamedTuple):
    """Text in one tone."""

    text: str
    tone: Tone = ""


Cell = Sequence[CellSpan]


def cell(text: str, tone: Tone = "") -> Cell:
    return (CellSpan(text, tone),)


UNMARKED: Final = CellSpan(" ")
"""Gutter of most rows."""


class Row(NamedTuple):
    """A row's cells, its `mark` for the gutter, and how the whole row is styled.

    `style_class` is a component class of the table, without `table--`. Tables can mark the rows of
    one `group`.
    """

    cells: Sequence[Cell]
    mark: CellSpan = UNMARKED
    style_class: str = ""
    group: str | None = None


class Column(NamedTuple):
    """A column `width` cells wide; the first with `flex` gets the remaining cells.

    Rows can be sorted and filtered by `field`; empty for columns without one.
    """

    title: str
    width: int
    align: Literal["left", "right"] = "left"
    flex: bool = False
    field: str = ""


class RowSource(ABC):
    """Immutable rows of a table: a table with other rows gets another source."""

    columns: Sequence[Column]

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @abstractmethod
    def key(self, index: int) -> Hashable:
        """Return the key of the row at `index`: unique, and the same in later sources."""

    @abstractmethod
    def index(self, key: Hashable) -> int | None:
        """Return the index of the row with this key; None without one."""

    @abstractmethod
    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        """Return the rows from `start` up to `stop`; hidden columns have the width 0."""

    def continues(self, before: RowSource) -> bool:  # noqa: ARG002 - for sources that can tell
        """Return whether it begins with the rows of `before`, drawn the same."""
        return False

    def field_value(self, index: int, column: int) -> tuple[str, object]:  # noqa: ARG002 - as below
        """Return the field that a cell shows, and its value, to filter by."""
        return self.columns[column].field, None

    def heading(self, column: int, width: int) -> str:  # noqa: ARG002 - for sources that need it
        """Return the heading of a column `width` cells wide."""
        return self.columns[column].title


class NoRows(RowSource):
    """A source of no rows."""

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return 0

    def key(self, index: int) -> Hashable:
        raise IndexError(index)

    def index(self, key: Hashable) -> int | None:  # noqa: ARG002 - none has it
        return None

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        return []
