"""A dialog: which columns Calls has, and in which order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen

from llmlog_tui.tui.keys.dialogs import CHOOSING_BINDINGS
from llmlog_tui.tui.panes.call_columns import ALL, ColumnChoice
from llmlog_tui.tui.widgets.row_source import Column, Row, RowSource, cell
from llmlog_tui.tui.widgets.table import LineTable

_COLUMNS: Final = (
    Column(" column", 17),
    Column("field", 28, flex=True),
    Column("", 9),
)
_KEYS: Final = "Space show  K J move  r usual ones  Enter take  Esc back"


class ColumnPicker(ModalScreen[tuple[str, ...]]):
    """Its answer are the names of the columns, in order; None if nothing is to change.

    `choice` is there now, for the compact form or the wide one; of its columns those fit that, with
    one cell between, are no wider than `room`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*CHOOSING_BINDINGS]

    def __init__(self, choice: ColumnChoice, room: int, *, compact: bool) -> None:
        super().__init__()
        self._chosen = list(choice.names(compact=compact))
        self._usual = ColumnChoice().names(compact=compact)
        self._widths = {name: each.in_form(compact=compact).width for name, each in ALL.items()}
        self._room = room
        self._listed = _listed(self._chosen)
        self.table = LineTable()

    def compose(self) -> ComposeResult:
        """One list."""
        self.table.border_title = "Columns of Calls"
        self.table.border_subtitle = Content(_KEYS)
        self.table.following = False
        yield self.table

    def on_mount(self) -> None:
        """Begin at the first column."""
        self._draw()
        self.table.move_to(self._listed[0])

    def _draw(self) -> None:
        self.table.show(_ColumnRows(self._listed, self._chosen, self._fitting()))
        self.table.following = False  # the last row is a row like any other

    def _fitting(self) -> set[str]:
        """The chosen columns that have room on this screen."""
        left, fitting = self._room + 1, set()
        for name in self._chosen:
            left -= self._widths[name] + 1
            if left < 0:
                break
            fitting.add(name)
        return fitting

    @property
    def _here(self) -> str:
        return str(self.table.cursor_key)

    @on(LineTable.Selected)
    def action_pick(self) -> None:
        """Show the column under the cursor behind those above it, or do not; one has to stay."""
        name = self._here
        if name not in self._chosen:
            above = self._listed[: self._listed.index(name)]
            self._chosen.insert(sum(other in self._chosen for other in above), name)
        elif len(self._chosen) > 1:
            self._chosen.remove(name)
        self._draw()

    def action_shift(self, by: int) -> None:
        """Let the column under the cursor and the next one that is shown change places."""
        name = self._here
        if name not in self._chosen:
            return
        at = self._chosen.index(name)
        if not 0 <= at + by < len(self._chosen):
            return
        other = self._chosen[at + by]
        self._chosen[at], self._chosen[at + by] = other, name
        here, there = self._listed.index(name), self._listed.index(other)
        self._listed[here], self._listed[there] = other, name
        self._draw()

    def action_reset(self) -> None:
        """Have the usual columns again."""
        self._chosen, self._listed = list(self._usual), _listed(self._usual)
        self._draw()

    def action_take(self) -> None:
        """Be done."""
        self.dismiss(tuple(self._chosen))


def _listed(chosen: Sequence[str]) -> list[str]:
    """All columns, those that are shown first."""
    return [*chosen, *(name for name in ALL if name not in chosen)]


class _ColumnRows(RowSource):
    columns = _COLUMNS

    def __init__(self, listed: Sequence[str], chosen: Sequence[str], fitting: set[str]) -> None:
        self._listed, self._fitting = tuple(listed), fitting
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
        title = f"[{'x' if shown else ' '}] {ALL[name].column.title}"
        note = "no room" if shown and name not in self._fitting else ""
        cells = (cell(title, "" if shown else "muted"), cell(name, "muted"), cell(note, "warning"))
        return Row(cells)
