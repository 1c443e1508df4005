"""One record, whole: its line as it stands in the file, made readable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmlog_tui.text import grep, inert
from llmlog_tui.tui.bindings import RECORD_BINDINGS

_MAX_VALUE = 4_000
_NAME_WIDTH = 30


class RecordScreen(ModalScreen[None]):
    """All fields of a record, in the order its line has them."""

    BINDINGS: ClassVar[list[BindingType]] = [*RECORD_BINDINGS]

    def __init__(self, file: str, line: bytes | None) -> None:
        super().__init__()
        self._file = file
        self._line = line

    def compose(self) -> ComposeResult:
        """One scrolling sheet."""
        sheet = VerticalScroll(Static(Content("\n").join(self._lines())))
        sheet.border_title = Content(inert(self._file))
        sheet.border_subtitle = "Esc back"
        yield sheet

    def _lines(self) -> Iterator[Content]:
        if self._line is None:
            yield Content("The file this record was read from is gone: rotated away or replaced.")
            return
        try:
            record = json.loads(self._line)
        except (ValueError, RecursionError):  # polars reads some lines that json does not
            yield Content(_bounded(self._line.decode(errors="replace")))
            return
        for name, value in record.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            tone = "$text-muted" if value is None else ""
            yield Content.assemble(
                (f"{inert(name, _NAME_WIDTH):<{_NAME_WIDTH}} ", "$text-muted"),
                (_bounded(text), tone),
            )
        yield Content("")
        for name in ("trace_id", "request_id"):
            if isinstance(record.get(name), str):
                yield Content(inert(grep(name, record[name], self._line, self._file)))


def _bounded(text: str) -> str:
    more = len(text) - _MAX_VALUE
    return inert(text, _MAX_VALUE) + (f" … {more:,} more characters" if more > 0 else "")
