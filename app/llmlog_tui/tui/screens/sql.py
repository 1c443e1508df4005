"""SQL: a query over the log, and its answer in a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, TextArea

from llmlog_tui.config.settings import Memory, RowRule
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.panes import EDITOR_BINDINGS
from llmlog_tui.tui.keys.views import SQL_BINDINGS
from llmlog_tui.tui.panes.sql_result import ResultPane
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.safe_input import INERT

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview

_EXAMPLE: Final = """\
select model, count(*) as calls, round(avg(latency_ms)) as avg_ms,
       sum(reasoning_tokens) as rsn, sum(completion_tokens) as out
from calls group by model order by calls desc"""
_TABLES: Final = "tables: calls, traces, records, of the whole log · timestamps are UTC"
_REMEMBERED: Final = 100
"""So many queries are kept for the next run."""


class Editor(TextArea):
    """Where a query is typed; it leaves Tab and Esc to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [*EDITOR_BINDINGS]

    class Left(Message):
        """The user wants out."""

    class HistoryWanted(Message):
        """The query that was run before is wanted, or with 1 the one after."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def get_line(self, line_index: int) -> Text:
        """A line as it is drawn: what was pasted may be a value of a log."""
        line = super().get_line(line_index)
        INERT.highlight(line)
        return line

    def update_suggestion(self) -> None:
        """Suggest what is missing of the word before the cursor, at the end of its line."""
        row, column = self.cursor_location
        self.suggestion = ""
        if self.has_focus and column == len(self.document.get_line(row)):
            from llmlog_tui.analysis.query.completion import complete_query  # noqa: PLC0415 - imports polars

            self.suggestion = complete_query(self.get_text_range((0, 0), self.cursor_location))

    def action_complete(self) -> None:
        """Take the suggestion; without one, go to the next pane."""
        if self.suggestion:
            self.action_cursor_right()
        else:
            self.app.action_focus_next()

    def action_leave(self) -> None:
        """Let the result have the keys."""
        self.post_message(self.Left())

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's
        """Go up; on the first line, to the query before."""
        if self.cursor_location[0] == 0 and not select:
            self.post_message(self.HistoryWanted(-1))
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's
        """Go down; on the last line, to the query after."""
        if self.cursor_location[0] == self.document.line_count - 1 and not select:
            self.post_message(self.HistoryWanted(1))
        else:
            super().action_cursor_down(select)


class SqlScreen(LogView):
    """Editor, result, and what went wrong."""

    NAME = "sql"
    AUTO_FOCUS = "#editor"
    BINDINGS: ClassVar[list[BindingType]] = [*SQL_BINDINGS]

    @dataclass
    class QueryWanted(Message):
        """A query is to be answered."""

        sql: str

    @dataclass
    class ExportWanted(Message):
        """A frame is to be written to a file."""

        frame: pl.DataFrame

    def __init__(self) -> None:
        super().__init__()
        self.editor = Editor(_EXAMPLE, id="editor", show_line_numbers=False)
        self.result = ResultPane()
        self.said = Static(Content.styled(_TABLES, "$text-muted"), id="sql-said")
        self._history: list[str] = []
        self._place = 0
        self._draft = ""
        self._query: str | None = None

    def body(self) -> Iterable[Widget]:
        """Editor above result."""
        self.editor.border_title = "SQL · Ctrl-R runs · Ctrl-P commands · Esc leaves the editor"
        yield Vertical(self.editor, self.said, self.result, id="sql-body")

    def on_mount(self) -> None:
        """Label what has nothing yet."""
        self.result.redraw()

    def reform(self) -> None:
        """Take the narrow form."""
        self.result.compact = self.compact

    def show(self, overview: Overview, answer: object | None) -> None:
        """A query is answered when it is run, of what the log is then."""
        del overview, answer

    def action_run(self) -> None:
        """Run the query."""
        sql = self.editor.text.strip().rstrip(";")
        if not sql:
            return
        if sql in self._history:
            self._history.remove(sql)
        self._history.append(sql)
        del self._history[:-_REMEMBERED]
        self._place = len(self._history) - 1
        self._query = sql
        self.said.update(Content.styled("running …  Esc gives up", "$text-muted"))
        self.post_message(self.QueryWanted(sql))

    @property
    def history(self) -> list[str]:
        """The queries that were run, the last one at the end."""
        return list(self._history)

    def recall(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        """Have the `history` of an earlier run; what cannot be, is none."""
        del rules
        remembered = memory.get("queries")
        listed = remembered if isinstance(remembered, list) else []
        self._history = [query for query in listed if isinstance(query, str)][-_REMEMBERED:]
        self._place = len(self._history)

    def answered(self, sql: str, frame: pl.DataFrame | None, why: str, took_s: float) -> None:
        """Show what a query found, or why it found nothing; not that of one that was given up."""
        if sql != self._query:
            return
        self._query = None
        if frame is None:
            self.said.update(Content.styled(sanitize(why, 400), "$text-error"))
            return
        self.said.update(Content.styled(_TABLES, "$text-muted"))
        self.result.hold(frame, took_s)

    def action_history(self, by: int) -> None:
        """Take the query that was run before, or with 1 the one after; none that was typed is lost.

        Behind the last one stands what was being typed.
        """
        typed = self.editor.text
        is_run = self._place < len(self._history) and self._history[self._place] == typed
        if not is_run:
            self._draft, self._place = typed, len(self._history)
        queries = [*self._history, *([self._draft] if self._draft else [])]
        place = self._place + by
        if 0 <= place < len(queries):
            self._place = place
            self.editor.text = queries[place]
            self.editor.move_cursor((0, 0) if by < 0 else self.editor.document.end)

    @on(Editor.HistoryWanted)
    def _history_wanted(self, message: Editor.HistoryWanted) -> None:
        self.action_history(message.by)

    @on(Editor.Left)
    def _editor_left(self) -> None:
        if not self._give_up():
            self.result.focus()

    def action_back(self) -> None:
        """Give up a query that runs; then as anywhere."""
        if not self._give_up():
            super().action_back()

    def _give_up(self) -> bool:
        """Wait no more for a query; False if there is none."""
        if self._query is None:
            return False
        self._query = None
        self.said.update(Content.styled("given up", "$text-muted"))
        return True

    # -- export

    def action_export(self) -> None:
        """Have it asked where to."""
        if self.result.frame is None:
            self.hint("Nothing to export yet: Ctrl-R runs the query.")
        else:
            self.post_message(self.ExportWanted(self.result.frame))
