"""Dialog for the columns of Calls and their order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen

from llmlog_tui.tui.keys.dialogs import CHOOSING_BINDINGS
from llmlog_tui.tui.panes.call_columns import (
    ALL,
    CallColumn,
    ColumnChoice,
    column_of,
    fitting,
)
from llmlog_tui.tui.widgets.row_source import Column, Row, RowSource, cell
from llmlog_tui.tui.widgets.table import LineTable

_COLUMNS: Final = (
    Column(" column", 22),
    Column("field", 28, flex=True),
    Column("", 7),
)
_KEYS: Final = "Space show  K J move  r defaults  Enter apply  Esc back"


class ColumnPicker(ModalScreen[tuple[str, ...]]):
    """Returns the names of the columns, in order; None if cancelled.

    `choice` is the current one, in the compact form or the wide one; its columns, with one cell
    between, fit into `room` cells. `tags` are the names of the log's tags.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*CHOOSING_BINDINGS]

    def __init__(
        self, choice: ColumnChoice, room: int, tags: Sequence[str] = (), *, compact: bool
    ) -> None:
        super().__init__()
        self._chosen = list(choice.names(compact=compact))
        self._defaults = ColumnChoice().names(compact=compact)
        self._columns = _columns((*tags, *self._chosen))
        self._widths = {
            name: column.in_layout(compact=compact).width for name, column in self._columns.items()
        }
        self._room, self._compact = room, compact
        self._listed = _listed(self._chosen, self._columns)
        self.table = LineTable()

    def compose(self) -> ComposeResult:
        self.table.border_title = "Columns of Calls"
        self.table.border_subtitle = Content(_KEYS)
        self.table.following = False
        yield self.table

    def on_mount(self) -> None:
        self._draw()
        self.table.move_to(self._listed[0])

    def _draw(self) -> None:
        self.table.set_source(
            _ColumnRows(self._listed, self._columns, self._chosen, self._fitting())
        )
        self.table.following = False  # a list of columns does not grow

    def _fitting(self) -> set[str]:
        """Return the chosen columns that fit on this screen."""
        if self._chosen == list(self._defaults):
            chosen = [self._columns[name] for name in self._chosen]
            titles = {
                each.column.title for each in fitting(chosen, self._room, compact=self._compact)
            }
            return {name for name in self._chosen if self._columns[name].column.title in titles}
        left, shown = self._room + 1, set()
        for name in self._chosen:
            left -= self._widths[name] + 1
            if left < 0:
                break
            shown.add(name)
        return shown

    @property
    def _here(self) -> str:
        return str(self.table.cursor_key)

    @on(LineTable.Selected)
    def action_pick(self) -> None:
        """Show or hide the column under the cursor; the last one cannot be hidden."""
        name = self._here
        if name not in self._chosen:
            above = self._listed[: self._listed.index(name)]
            self._chosen.insert(sum(other in self._chosen for other in above), name)
        elif len(self._chosen) > 1:
            self._chosen.remove(name)
        self._draw()

    def action_shift(self, by: int) -> None:
        """Swap the column with the next one shown, or with -1 the previous."""
        name = self._here
        if name not in self._chosen:
            return
        index = self._chosen.index(name)
        if not 0 <= index + by < len(self._chosen):
            return
        other = self._chosen[index + by]
        self._chosen[index], self._chosen[index + by] = other, name
        here, there = self._listed.index(name), self._listed.index(other)
        self._listed[here], self._listed[there] = other, name
        self._draw()

    def action_reset(self) -> None:
        """Choose the default columns."""
        self._chosen = list(self._defaults)
        self._listed = _listed(self._defaults, self._columns)
        self._draw()

    def action_take(self) -> None:
        self.dismiss(tuple(self._chosen))


def _columns(tags: Iterable[str]) -> dict[str, CallColumn]:
    """Return the tags' columns, and all others, by name."""
    named = {name: column_of(name, (name,)) for name in tags}
    return {**{name: column for name, column in named.items() if column is not None}, **ALL}


def _listed(chosen: Sequence[str], columns: Iterable[str]) -> list[str]:
    """Return all columns, the shown ones first."""
    return [*chosen, *(name for name in columns if name not in chosen)]


class _ColumnRows(RowSource):
    columns = _COLUMNS

    def __init__(
        self,
        listed: Sequence[str],
        columns: Mapping[str, CallColumn],
        chosen: Sequence[str],
        fitting: set[str],
    ) -> None:
        self._listed, self._titles, self._fitting = tuple(listed), columns, fitting
        self._chosen = frozenset(chosen)

    def __len__(self) -> int:
        return len(self._listed)

    def key(self, index: int) -> Hashable:
        return self._listed[index]

    def index(self, key: Hashable) -> int | None:
        return self._listed.index(str(key)) if key in self._listed else None

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        return [self._row(name) for name in self._listed[start:stop]]

    def _row(self, name: str) -> Row:
        shown = name in self._chosen
        title = f"[{'x' if shown else ' '}] {self._titles[name].column.title}"
        note = "no room" if shown and name not in self._fitting else ""
        cells = (cell(title, "" if shown else "muted"), cell(name, "muted"), cell(note, "warning"))
        return Row(cells)
