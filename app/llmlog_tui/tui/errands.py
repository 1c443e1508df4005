"""What views have done for them: lines read, texts found, runs compared, queries, files, copies.

What a user chose is remembered too: columns, panes, queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from llmlog_tui.tui.arrangement import Arrangement
from llmlog_tui.tui.dress import Dressed
from llmlog_tui.tui.exports import export
from llmlog_tui.tui.messages import Copied, Diffed, Exported, Found, Queried, RecordRead
from llmlog_tui.tui.panes.callcolumns import ALL, Choice
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.ground import Ground
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.columns import ColumnsScreen
from llmlog_tui.tui.screens.copy import CopyScreen
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.path import PathScreen
from llmlog_tui.tui.screens.record import RecordScreen
from llmlog_tui.tui.screens.sql import SqlScreen
from llmlog_tui.tui.screens.view import LET_GO, View
from llmlog_tui.tui.workers import Analyst, Feed, start

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.log.store import Snapshot
    from llmlog_tui.settings_file import Memory, RowRule


class Errands(Dressed):
    """The App as far as it runs errands: each is given to a worker, and its answer to the view.

    Those that inherit own the workers, and what the screen shows.
    """

    _feed: Feed
    _analyst: Analyst
    _overview: Overview | None = None
    _snapshot: Snapshot | None = None
    _overview_screen: OverviewScreen
    _views: tuple[View, ...]
    _memory: Memory

    @property
    def view(self) -> View:
        """The view on screen, or right under a dialog; the first one when all are being closed."""
        views = (screen for screen in reversed(self.screen_stack) if isinstance(screen, View))
        return next(views, self._views[0])

    def work(self, who: str, work: Callable[[], object]) -> None:
        """Do something in a thread of its own; if it fails, the user is told."""
        start(who, work, self.post_message)

    def _sql_views(self) -> Iterable[SqlScreen]:
        return (view for view in self._views if isinstance(view, SqlScreen))

    # -- a record's line

    def on_view_record_wanted(self, message: View.RecordWanted) -> None:
        """A record is to be shown whole."""
        place = message.place
        self.work("reader of a line", lambda: self._feed.read_line(place, is_whole=True))

    def on_view_line_wanted(self, message: View.LineWanted) -> None:
        """A view wants to show a record's line itself."""
        place = message.place
        self.work("reader of a line", lambda: self._feed.read_line(place, is_whole=False))

    def on_record_read(self, message: RecordRead) -> None:
        """A record's line is here: show it, once; or give it to the view that wanted it."""
        if not message.is_whole:
            self.view.take_line(message.place, message.line)
        elif not isinstance(self.screen, RecordScreen):
            self.push_screen(RecordScreen(message.place[0], message.line))

    # -- finding

    def on_view_find_wanted(self, message: View.FindWanted) -> None:
        """A text is to be found in what the screen shows."""
        overview = self._overview
        if overview is not None:
            text, row, direction = message.text, message.row, message.direction
            self.work("search", lambda: self._analyst.find(overview, text, row, direction))

    def on_found(self, message: Found) -> None:
        """A search is done."""
        self.view.found(message.text, message.hit)

    # -- two runs

    def lay_side_by_side(self, a: str, b: str) -> None:
        """Show two traces beside each other."""
        overview = self._overview
        if overview is not None:
            self.push_screen(DiffScreen(a, b))
            self.work("diff", lambda: self._feed.diff(overview, a, b))

    def on_diffed(self, message: Diffed) -> None:
        """They are: show it, unless the user has gone on."""
        view, found = self.view, message.found
        if isinstance(view, DiffScreen) and view.traces == (found.a.trace_id, found.b.trace_id):
            view.found_out(message)

    def on_sql_screen_query_wanted(self, message: SqlScreen.QueryWanted) -> None:
        """A query is to be answered."""
        overview, sql = self._overview, message.sql
        for view in self._sql_views():
            self._memory.put("queries", view.history)
        if overview is not None:
            self.work("query", lambda: self._analyst.query(overview, sql))

    def on_queried(self, message: Queried) -> None:
        """A query is answered."""
        for view in self._sql_views():
            view.answered(message.sql, message.frame, message.why, message.took_s)

    def on_sql_screen_export_wanted(self, message: SqlScreen.ExportWanted) -> None:
        """A query's answer is to be written to a file: ask where."""
        logs = () if self._snapshot is None else self._snapshot.files
        write = partial(export, message.frame, logs=logs)
        kinds = ".csv, .parquet or .jsonl"
        self.push_screen(PathScreen("the answer", "answer.csv", kinds, write))

    def on_path_screen_wanted(self, message: PathScreen.Wanted) -> None:
        """A file is to be written."""
        path, again, write = message.path, message.replace, message.write
        self.work("export", lambda: self.post_message(write(path, again)))

    def on_exported(self, message: Exported) -> None:
        """A file is written, or not."""
        if isinstance(self.screen, PathScreen):
            self.screen.answer(message)

    # -- copies

    def on_view_copy_wanted(self, message: View.CopyWanted) -> None:
        """Something of a record is to be copied: ask what."""
        overview, row = self._overview, message.row

        def chosen(what: str | None) -> None:
            if what and overview is not None:
                self.work("copy", lambda: self._feed.copy(overview, row, what))

        if overview is None:
            return
        if overview.has(row):
            self.push_screen(CopyScreen(), chosen)
        else:
            self.view.hint(LET_GO)

    def on_copied(self, message: Copied) -> None:
        """The text is here: give it to the terminal's clipboard, or say where it was saved."""
        if message.path:
            self.notify(f"{message.what} saved to {message.path}", markup=False)
        elif message.text is None:
            self.notify(f"There is no {message.what} here.", severity="warning", markup=False)
        else:
            self.copy_to_clipboard(message.text)
            key = message.what[0].upper()
            self.notify(
                f"{message.what} copied by OSC 52. Nothing there? y {key} saves it to a file.",
                markup=False,
            )

    # -- what is remembered

    def recall(self, rules: Sequence[RowRule]) -> None:
        """Give all views what they had: panes, columns, queries; and rows of calls these styles."""
        self._overview_screen.ground.take_arrangement(Arrangement.of(self._memory.get("overview")))
        for view in self._sql_views():
            view.recall(self._memory.get("queries"))
        for pane in self._calls_panes():
            pane.choice, pane.rules = Choice.of(self._memory.get("calls")), rules

    def _calls_panes(self) -> Iterable[CallsPane]:
        return (v.calls for v in self._views if isinstance(v, CallsScreen | OverviewScreen))

    def on_calls_pane_columns_wanted(self, message: CallsPane.ColumnsWanted) -> None:
        """The columns of calls are to be chosen: those of a screen of this size."""
        pane, compact = message.pane, message.pane.is_narrow

        def chosen(names: tuple[str, ...] | None) -> None:
            if names is not None:
                choice = pane.choice.having(names, compact=compact)
                self._memory.put("calls", choice.as_object())
                for each in self._calls_panes():
                    each.choose(choice)

        widths = {name: column.in_form(compact=compact).width for name, column in ALL.items()}
        usual, now = Choice().names(compact=compact), pane.choice.names(compact=compact)
        self.push_screen(ColumnsScreen(now, usual, widths, pane.room), chosen)

    def on_ground_arranged(self, message: Ground.Arranged) -> None:
        """The Overview's panes are arranged in another way: so they will be next time."""
        self._memory.put("overview", message.arrangement.as_object())
