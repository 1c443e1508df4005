"""Dialog for the path of a file to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.dialogs import PATH_BINDINGS
from llmlog_tui.tui.widgets.safe_input import SAFE_HIGHLIGHTER

if TYPE_CHECKING:
    from llmlog_tui.tui.queries import ExportResult


Write: TypeAlias = "Callable[[str, bool], ExportResult]"
"""Writes to (path, whether to replace an existing file); called in a thread."""


class SaveAsDialog(ModalScreen[None]):
    """Open until the file is written; Enter twice replaces an existing file."""

    BINDINGS: ClassVar[list[BindingType]] = [*PATH_BINDINGS]

    @dataclass
    class WriteRequested(Message):
        """Write to `path`; `replace` an existing file."""

        write: Write
        path: str
        replace: bool

    def __init__(self, what: str, suggestion: str, kinds: str, write: Write) -> None:
        super().__init__()
        self.what = what
        self._file = write
        self._kinds = kinds
        self.path = Input(suggestion, placeholder=kinds, compact=True, highlighter=SAFE_HIGHLIGHTER)
        self.status = Static()
        self._refused: str | None = None

    def compose(self) -> ComposeResult:
        frame = Vertical(self.path, self.status)
        frame.border_title = Content(sanitize(f"Write {self.what}"))
        frame.border_subtitle = "Enter writes · Esc back"
        yield frame

    def on_mount(self) -> None:
        self._set_status(f"{self._kinds}, in {Path.cwd()}", "$text-muted")

    def _set_status(self, text: str, style: str) -> None:
        self.status.update(Content.styled(sanitize(text, 400), style))

    @on(Input.Submitted)
    def _write(self, event: Input.Submitted) -> None:
        event.stop()
        if path := event.value.strip():
            self.post_message(self.WriteRequested(self._file, path, replace=path == self._refused))

    def update_status(self, result: ExportResult) -> None:
        """Close the dialog, or show why the file was not written."""
        self._refused = result.path if result.is_there else None
        if result.why:
            again = " Enter again replaces it." if result.is_there else ""
            self._set_status(f"{result.path}: {result.why}.{again}", "$text-error")
            return
        where = Path(result.path).expanduser().absolute()
        self.notify(sanitize(f"Wrote {self.what} to {where}", 400), markup=False)
        self.dismiss(None)

    def action_close(self) -> None:
        self.dismiss(None)
