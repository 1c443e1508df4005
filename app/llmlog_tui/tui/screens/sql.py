"""SQL view: a query over the log, and its result in a table."""

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
from llmlog_tui.tui import workers
from llmlog_tui.tui.keys.panes import EDITOR_BINDINGS
from llmlog_tui.tui.keys.views import SQL_BINDINGS
from llmlog_tui.tui.navigation import Search
from llmlog_tui.tui.panes.sql_result import ResultCharts, ResultPane
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.screens.ready_queries import READY_QUERIES
from llmlog_tui.tui.widgets.safe_input import SAFE_HIGHLIGHTER

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.query.result_chart import ResultChart
    from llmlog_tui.tui.queries import SqlResult

_TABLES: Final = "tables: calls, traces, records, of all that was read · timestamps are UTC"
_INSERTS: Final = "Enter puts the column into the query"
_TO_CALLS: Final = " · select span_id to go to calls"
"""What the keys to a row's call need."""
_COLUMNS_QUERY: Final = "describe calls traces records"
_CALL_IDS: Final = ("span_id", "request_id", "id")
"""Columns that identify the call of a row."""
_REMEMBERED: Final = 100
"""Maximum number of queries kept for the next run."""


class Editor(TextArea):
    """Query editor; Tab completes, Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [*EDITOR_BINDINGS]
    tags: Sequence[str] = ()
    """Tags of the log, which are columns."""

    class Left(Message):
        """Esc was pressed."""

    @dataclass
    class HistoryRequested(Message):
        """Show the next query of the history, or with -1 the previous one."""

        by: int

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        SAFE_HIGHLIGHTER.highlight(line)  # pasted text may be a hostile value of a log
        return line

    def update_suggestion(self) -> None:
        """Suggest how to complete the word before the cursor, at the end of a line."""
        row, column = self.cursor_location
        self.suggestion = ""
        if self.has_focus and column == len(self.document.get_line(row)):
            before = self.get_text_range((0, 0), self.cursor_location)
            self.suggestion = workers.analysis.complete_query(before, self.tags)

    def action_complete(self) -> None:
        """Accept the suggestion; without one, focus the next pane."""
        if self.suggestion:
            self.action_cursor_right()
        else:
            self.app.action_focus_next()

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's
        """Go up; on the first line, to the previous query."""
        if self.cursor_location[0] == 0 and not select:
            self.post_message(self.HistoryRequested(-1))
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's
        """Go down; on the last line, to the next query."""
        if self.cursor_location[0] == self.document.line_count - 1 and not select:
            self.post_message(self.HistoryRequested(1))
        else:
            super().action_cursor_down(select)


class SqlScreen(LogView):
    """Editor, status line, and result as a table or a chart."""

    NAME = "sql"
    AUTO_FOCUS = "#editor"
    BINDINGS: ClassVar[list[BindingType]] = [*SQL_BINDINGS]

    @dataclass
    class QueryRequested(Message):
        """Run an SQL query."""

        view: SqlScreen
        sql: str

    class CancelRequested(Message):
        """End the query that is running."""

    @dataclass
    class ExportRequested(Message):
        """Write a frame to a file."""

        frame: pl.DataFrame

    def __init__(self) -> None:
        super().__init__()
        first, *_ = READY_QUERIES.values()
        self.editor = Editor(first, id="editor", show_line_numbers=False)
        self.result = ResultPane()
        self.charts = ResultCharts()
        self.status = Static(Content.styled(_TABLES, "$text-muted"), id="sql-said")
        self._history: list[str] = []
        self._history_index = 0
        self._draft = ""
        self._query: str | None = None
        self._chart: ResultChart | None = None
        self._is_charted = False
        self._lists_columns = False

    def body(self) -> Iterable[Widget]:
        keys = "Ctrl-R runs · Ctrl-O ready queries · Esc leaves the editor"
        self.editor.border_title = f"SQL · {keys}"
        yield Vertical(self.editor, self.status, self.result, self.charts, id="sql-body")

    def on_mount(self) -> None:
        self.charts.display = False
        self.result.redraw()

    def apply_layout(self) -> None:
        self.result.compact = self.charts.compact = self.compact

    def update_body(self, overview: Overview, result: object | None) -> None:
        del result  # it is of the log as it was when the query was run
        self.editor.tags = tuple(overview.tags)

    def action_run(self) -> None:
        """Run the query."""
        sql = self.editor.text.strip().rstrip(";")
        if not sql:
            return
        if sql in self._history:
            self._history.remove(sql)
        self._history.append(sql)
        del self._history[:-_REMEMBERED]
        self._history_index = len(self._history) - 1
        self._request(sql)

    def action_list_columns(self) -> None:
        """List the columns of all tables, in the place of the result."""
        self._request(_COLUMNS_QUERY)

    def _request(self, sql: str) -> None:
        self._query = sql
        self.status.update(Content.styled("running …  Esc cancels", "$text-muted"))
        self.post_message(self.QueryRequested(self, sql))

    @property
    def history(self) -> list[str]:
        """The queries that were run, the newest last."""
        return list(self._history)

    def load_preferences(self, memory: Memory, rules: Sequence[RowRule]) -> None:
        """Load the `history` of earlier runs; invalid entries are skipped."""
        del rules
        remembered = memory.get("queries")
        listed = remembered if isinstance(remembered, list) else []
        self._history = [query for query in listed if isinstance(query, str)][-_REMEMBERED:]
        self._history_index = len(self._history)

    def update_result(self, result: SqlResult) -> None:
        """Show a result or why there is none, unless the query was cancelled."""
        if result.sql != self._query:
            return
        self._query = None
        if result.frame is None:
            self.status.update(Content.styled(sanitize(result.why, 400), "$text-error"))
            return
        self._lists_columns = result.sql == _COLUMNS_QUERY
        self.result.update(result.frame, result.took_s)
        self._chart = result.chart
        self.status.update(Content.styled(self._status_text(), "$text-muted"))
        self._show_result()
        self.refresh_bindings()
        if self._lists_columns:
            self.result.focus()

    def _status_text(self) -> str:
        """Return the status after a query: the key that leads to its result."""
        if self._lists_columns:
            return _INSERTS
        if not self.editor.has_focus:
            return _TABLES
        keys = {"view_as": "v chart", "open": "Enter its call", "trace": "t its trace"}
        works = [name for action, name in keys.items() if self._works_on_result(action)]
        hint = "" if self._works_on_result("open") else _TO_CALLS
        return f"Esc to the result: {', '.join((*works, 'x export'))}; i edits{hint}"

    def _works_on_result(self, action: str) -> bool:
        """Return whether a key of the result does something: it needs a chart, or ids."""
        if self._lists_columns or self.result.frame is None:
            return False
        if action == "view_as":
            return self._chart is not None
        needed = ("trace_id",) if action == "trace" else (*_CALL_IDS, "trace_id")
        return not set(needed).isdisjoint(self.result.frame.columns)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys that would do nothing, without a chart, an id or a column."""
        if action in ("view_as", "trace", "open"):
            return self._works_on_result(action)
        if action == "export":
            return self.result.frame is not None
        if action == "insert_column":
            return self._lists_columns
        if action == "history":
            return any(query != self.editor.text for query in self._history)
        return super().check_action(action, parameters)

    def action_view_as(self) -> None:
        """Show the result as a chart, or as a table again."""
        self._is_charted = not self._is_charted
        self._show_result()

    def _show_result(self) -> None:
        """Show the result as a table, as bars, or as charts over time."""
        chart, had_focus = self._chart if self._is_charted else None, self._shown.has_focus
        over_time = chart if isinstance(chart, workers.analysis.TimeChart) else None
        self.result.show_bars(None if isinstance(chart, workers.analysis.TimeChart) else chart)
        self.charts.display = over_time is not None
        self.result.display = over_time is None
        self.charts.update(self.result.frame, over_time)
        if had_focus:
            self._shown.focus()

    @property
    def _shown(self) -> ResultPane | ResultCharts:
        return self.charts if self.charts.display else self.result

    def action_history(self, by: int) -> None:
        """Show the next query of the history, or with -1 the previous one.

        An edited query is kept as a draft after the last one.
        """
        text, index = self.editor.text, self._history_index
        if index >= len(self._history) or self._history[index] != text:
            self._draft, self._history_index = text, len(self._history)
        queries = [*self._history, *([self._draft] if self._draft else [])]
        index = self._history_index + by
        if 0 <= index < len(queries):
            self._history_index = index
            self.editor.text = queries[index]
            self.editor.move_cursor((0, 0) if by < 0 else self.editor.document.end)

    def action_clear(self) -> None:
        """Empty the editor, and focus it; undo brings the query back."""
        self.editor.clear()
        self.editor.focus()

    def action_ready_query(self) -> None:
        """Put the next ready query into the editor."""
        titles, queries = list(READY_QUERIES), list(READY_QUERIES.values())
        text = self.editor.text
        at = (queries.index(text) + 1) % len(queries) if text in queries else 0
        self.editor.text = queries[at]
        said = f"{at + 1} of {len(queries)}: {titles[at]} · Ctrl-R runs it"
        self.status.update(Content.styled(said, "$text-muted"))

    def action_open(self) -> None:
        """Go to the call of the row under the cursor, or to its trace."""
        row = self._shown.current_row()
        call = next((row[name] for name in _CALL_IDS if row.get(name)), None)
        if call is not None:
            self.post_message(self.SearchRequested(Search(str(call), 1)))
        else:
            self.action_trace()

    def action_insert_column(self) -> None:
        """Put the column under the cursor into the query."""
        row = self._shown.current_row()
        if row:
            self.editor.insert(workers.analysis.sql_name(str(row["column"])))
            self.editor.focus()

    def action_trace(self) -> None:
        """Go to the trace of the row under the cursor."""
        trace = self._shown.current_row().get("trace_id")
        if trace:
            self.post_message(self.ReplayRequested(str(trace)))
        else:
            self.hint("This row has no trace_id.")

    @on(Editor.HistoryRequested)
    def _history_requested(self, message: Editor.HistoryRequested) -> None:
        self.action_history(message.by)

    @on(Editor.Left)
    def _editor_left(self) -> None:
        if not self._cancel():
            self._shown.focus()

    def action_back(self) -> None:
        """Cancel the running query; without one, clear the filter."""
        if not self._cancel():
            super().action_back()

    def _cancel(self) -> bool:
        """End the running query, and ignore its result; False if none is running."""
        if self._query is None:
            return False
        self._query = None
        self.post_message(self.CancelRequested())
        self.status.update(Content.styled("cancelled", "$text-muted"))
        return True

    # -- export

    def action_export(self) -> None:
        if self.result.frame is not None:
            self.post_message(self.ExportRequested(self.result.frame))
