"""A small dialog: where something is to be written."""

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
from llmlog_tui.tui.widgets.safe_input import INERT

if TYPE_CHECKING:
    from llmlog_tui.tui.messages import ExportDone


Write: TypeAlias = "Callable[[str, bool], ExportDone]"
"""Writes it to a path, over what is there if that is wanted; for a worker's thread."""


class SaveAsDialog(ModalScreen[None]):
    """Open until the file is written or the user gives up; one that is there is asked for twice."""

    BINDINGS: ClassVar[list[BindingType]] = [*PATH_BINDINGS]

    @dataclass
    class Wanted(Message):
        """Have it written to `path`; `replace` if there is a file already."""

        write: Write
        path: str
        replace: bool

    def __init__(self, what: str, suggestion: str, kinds: str, write: Write) -> None:
        super().__init__()
        self.what = what
        self._file = write
        self._kinds = kinds
        self.path = Input(suggestion, placeholder=kinds, compact=True, highlighter=INERT)
        self.said = Static()
        self._refused: str | None = None

    def compose(self) -> ComposeResult:
        """The path, and what is to be known of it."""
        frame = Vertical(self.path, self.said)
        frame.border_title = Content(sanitize(f"Write {self.what}"))
        frame.border_subtitle = "Enter writes · Esc back"
        yield frame

    def on_mount(self) -> None:
        """Say where a name without a folder will be."""
        self._say(f"{self._kinds}, in {Path.cwd()}", "$text-muted")

    def _say(self, text: str, style: str) -> None:
        self.said.update(Content.styled(sanitize(text, 400), style))

    @on(Input.Submitted)
    def _write(self, event: Input.Submitted) -> None:
        event.stop()
        if path := event.value.strip():
            self.post_message(self.Wanted(self._file, path, replace=path == self._refused))

    def answer(self, message: ExportDone) -> None:
        """It is written, or why it is not."""
        self._refused = message.path if message.is_there else None
        if message.why:
            again = " Enter again replaces it." if message.is_there else ""
            self._say(f"{message.path} {message.why}.{again}", "$text-error")
            return
        where = Path(message.path).expanduser().absolute()
        self.notify(sanitize(f"Wrote {self.what} to {where}", 400), markup=False)
        self.dismiss(None)

    def action_close(self) -> None:
        """Write nothing."""
        self.dismiss(None)
