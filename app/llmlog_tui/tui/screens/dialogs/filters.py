"""List of saved filters: apply one, save the current one under a name, delete one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from llmlog_tui.config.filters import MAX_NAME, name_problem
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.dialogs import FILTER_NAME_BINDINGS, FILTERS_BINDINGS
from llmlog_tui.tui.widgets.row_source import Column, Row, RowSource, cell
from llmlog_tui.tui.widgets.safe_input import SAFE_HIGHLIGHTER
from llmlog_tui.tui.widgets.table import LineTable

_EMPTY: Final = "No saved filters. f filters; then F and a save the filter under a name."


class NameInput(Input):
    """Input for the name of a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [*FILTER_NAME_BINDINGS]

    class Closed(Message):
        """Nothing is saved."""

    def action_close(self) -> None:
        self.post_message(self.Closed())


class FiltersDialog(ModalScreen["str | None"]):
    """Returns the predicate to apply; `current` is the one that can be saved.

    If it `is_naming`, it begins with the name of that.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*FILTERS_BINDINGS]

    @dataclass
    class SaveRequested(Message):
        """Save a predicate under a name."""

        name: str
        where: str

    @dataclass
    class DeleteRequested(Message):
        """Delete the filter with this name."""

        name: str

    def __init__(
        self, filters: Mapping[str, str], current: str | None, *, is_naming: bool = False
    ) -> None:
        super().__init__()
        self._filters = filters
        self._current = current
        self._is_naming = is_naming
        self.table = LineTable(id="filters-list")
        self.table.following = False
        self.table.empty = _EMPTY
        self.name_input = NameInput(
            placeholder="a name; Enter saves the filter",
            compact=True,
            highlighter=SAFE_HIGHLIGHTER,
            max_length=MAX_NAME,
        )
        self.name_input.display = False

    def compose(self) -> ComposeResult:
        yield Vertical(self.table, self.name_input)

    def on_mount(self) -> None:
        self.update_list(self._filters)
        if self._is_naming:
            self.action_save()

    def update_list(self, filters: Mapping[str, str]) -> None:
        """Show other filters; the cursor stays on its filter."""
        self._filters = filters
        self.query_one(Vertical).border_title = Content(f"Saved filters · {len(filters):,}")
        self.table.following = False
        self.table.set_source(_FilterRows(tuple(filters.items())))
        if not self.name_input.display:
            self._list_keys()

    @on(LineTable.Selected)
    def action_apply(self) -> None:
        """Apply the filter under the cursor."""
        where = self._filters.get(str(self.table.cursor_key))
        if where is not None:
            self.dismiss(where)

    def action_save(self) -> None:
        """Ask for the name of the current filter."""
        if self._current is None:
            self.notify("No filter to save: f filters the calls.", timeout=3, markup=False)
            return
        self.query_one(Vertical).border_subtitle = Content(sanitize(self._current, 200))
        self.name_input.display = True
        self.name_input.focus()

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        if why := name_problem(name):
            self.notify(f"{why[:1].upper()}{why[1:]}.", severity="error", markup=False)
        elif self._current is not None:
            self.post_message(self.SaveRequested(name, self._current))
            self._close_name()

    @on(NameInput.Closed)
    def _close_name(self) -> None:
        self.name_input.value = ""
        self.name_input.display = False
        self._list_keys()
        self.table.focus()

    def _list_keys(self) -> None:
        """List the keys that work: of the filters, and of the current one."""
        keys = (
            *(["Enter applies it"] if self._filters else []),
            *(["a save the current one"] if self._current is not None else []),
            *(["x delete"] if self._filters else []),
        )
        self.query_one(Vertical).border_subtitle = " · ".join((*keys, "Esc back"))

    def action_delete(self) -> None:
        """Delete the filter under the cursor."""
        if self.table.cursor_key is not None:
            self.post_message(self.DeleteRequested(str(self.table.cursor_key)))

    def action_back(self) -> None:
        self.dismiss(None)


class _FilterRows(RowSource):
    columns = (Column("name", 24), Column("predicate", 20, flex=True))

    def __init__(self, filters: Sequence[tuple[str, str]]) -> None:
        self._filters = filters

    def __len__(self) -> int:
        return len(self._filters)

    def key(self, index: int) -> Hashable:
        return self._filters[index][0]

    def index(self, key: Hashable) -> int | None:
        return next((n for n, (name, _) in enumerate(self._filters) if name == key), None)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        return [
            Row((cell(sanitize(name)), cell(sanitize(where), "accent")))
            for name, where in self._filters[start:stop]
        ]
