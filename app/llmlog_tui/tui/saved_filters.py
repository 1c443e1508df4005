"""Saved filters on the screen: the list, applying, saving and deleting them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmlog_tui.config.filters import Filters, FilterStore
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens

if TYPE_CHECKING:
    from llmlog_tui.tui.app import LogApp

_NAME = 40
"""Maximum characters of a name in a hint."""


class FilterController:
    """Changes the saved filters as views and dialogs request it."""

    def __init__(self, app: LogApp, file: Path | None) -> None:
        self._app = app
        self._store = FilterStore(file)

    def all(self) -> Filters:
        """Return the saved filters by name; report a file that cannot be read."""
        filters, problem = self._store.read()
        self._report(problem)
        return filters

    def open_list(self, typed: str | None = None, *, is_naming: bool = False) -> None:
        """Open the list; `typed`, else the current filter, can be saved there."""
        dialog = screens.FiltersDialog(self.all(), typed or self._app.where, is_naming=is_naming)
        self._app.push_screen(dialog, self._apply_chosen)

    def _apply_chosen(self, where: str | None) -> None:
        if where is not None:
            self.apply(where)

    def apply(self, where: str) -> None:
        """Show only the calls that match a saved filter, in the current view."""
        self._app.navigator.set_filter(where, None, None)

    def save(self, name: str, where: str) -> None:
        is_there = name in self._store.read()[0]
        problem = self._store.put(name, where)
        self._report(problem)
        how = "Replaced" if is_there else "Saved"
        until = " until you quit" if problem else ""
        self._changed(f"{how} {sanitize(name, _NAME)}{until}. F lists the filters.")

    def delete(self, name: str) -> None:
        where = self._store.read()[0].get(name, "")
        self._report(self._store.drop(name))
        self._changed(f"Deleted {sanitize(name, _NAME)}: {sanitize(where, 200)}")

    def _changed(self, notice: str) -> None:
        self._app.view.hint(notice)
        if isinstance(self._app.screen, screens.FiltersDialog):
            self._app.screen.update_list(self.all())

    def _report(self, problem: str) -> None:
        if problem:
            self._app.notify(sanitize(problem), severity="warning", markup=False)
