"""What views have done for them: lines read, texts found, runs compared, queries, files, copies.

What a user chose is remembered too: columns, panes, queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from llmlog_tui.tui import screens
from llmlog_tui.tui.messages import (
    CopyDone,
    DiffDone,
    ExportDone,
    Failed,
    QueryDone,
    RecordRead,
    SearchDone,
)
from llmlog_tui.tui.runtime.glyph_filter import GlyphApp
from llmlog_tui.tui.workers.analysis import AnalysisWorker
from llmlog_tui.tui.workers.export import export
from llmlog_tui.tui.workers.reader import ReaderWorker

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.config.settings import Memory
    from llmlog_tui.log.store import Snapshot
    from llmlog_tui.tui.panes.calls import CallsPane
    from llmlog_tui.tui.panes.grid import PaneGrid
    from llmlog_tui.tui.screens import LogView, SaveAsDialog, SqlScreen


class Errands(GlyphApp):
    """The App as far as it runs errands: each is given to a worker, and its answer to the view.

    Those that inherit own the workers, and what the screen shows.
    """

    _feed: ReaderWorker
    _analyst: AnalysisWorker
    _overview: Overview | None = None
    _early_find: LogView.FindWanted | None = None
    _snapshot: Snapshot | None = None
    _views: list[LogView]
    """Those that were opened, the Overview first; none before the first frame."""
    _memory: Memory

    @property
    def view(self) -> LogView:
        """The view on screen, or right under a dialog; the first one when all are being closed."""
        views = (
            screen for screen in reversed(self.screen_stack) if isinstance(screen, screens.LogView)
        )
        return next(views, self._views[0])

    def work(self, who: str, work: Callable[[], object]) -> None:
        """Do something in a thread of its own; if it fails, the user is told.

        It is a daemon's, so that nobody who quits waits for it.
        """

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the user is told
                self.post_message(Failed(who, error))

        Thread(target=run, name=f"llmlog-{who}", daemon=True).start()

    def _sql_views(self) -> Iterable[SqlScreen]:
        return (view for view in self._views if isinstance(view, screens.SqlScreen))

    # -- a record's line

    def on_log_view_record_wanted(self, message: LogView.RecordWanted) -> None:
        """A record is to be shown whole."""
        place = message.place
        self.work("reader of a line", lambda: self._feed.read_line(place, is_whole=True))

    def on_log_view_line_wanted(self, message: LogView.LineWanted) -> None:
        """A view wants to show a record's line itself."""
        place = message.place
        self.work("reader of a line", lambda: self._feed.read_line(place, is_whole=False))

    def on_record_read(self, message: RecordRead) -> None:
        """A record's line is here: show it, once; or give it to the view that wanted it."""
        if not message.is_whole:
            self.view.take_line(message.place, message.line)
        elif not isinstance(self.screen, screens.RecordDialog):
            self.push_screen(screens.RecordDialog(message.place[0], message.line))

    # -- finding

    def on_log_view_find_wanted(self, message: LogView.FindWanted) -> None:
        """A text is to be found in what the screen shows."""
        overview = self._overview
        if overview is None:
            self._early_find = message
        else:
            text, row, direction = message.text, message.row, message.direction
            self.work("search", lambda: self._analyst.find(overview, text, row, direction))

    def find_now(self) -> None:
        """Find what was wanted before there was anything to find it in."""
        if self._early_find is not None:
            self.on_log_view_find_wanted(self._early_find)
            self._early_find = None

    def on_search_done(self, message: SearchDone) -> None:
        """A search is done."""
        self.view.found(message.text, message.hit)

    # -- two runs

    def lay_side_by_side(self, a: str, b: str) -> None:
        """Show two traces beside each other."""
        overview = self._overview
        if overview is not None:
            self.push_screen(screens.DiffScreen(a, b))
            self.work("diff", lambda: self._feed.diff(overview, a, b))

    def on_diff_done(self, message: DiffDone) -> None:
        """They are: show it, unless the user has gone on."""
        view, found = self.view, message.found
        if isinstance(view, screens.DiffScreen) and view.traces == (
            found.a.trace_id,
            found.b.trace_id,
        ):
            view.found_out(message)

    def on_sql_screen_query_wanted(self, message: SqlScreen.QueryWanted) -> None:
        """A query is to be answered."""
        overview, sql = self._overview, message.sql
        for view in self._sql_views():
            self._memory.put("queries", view.history)
        if overview is not None:
            self.work("query", lambda: self._analyst.query(overview, sql))

    def on_query_done(self, message: QueryDone) -> None:
        """A query is answered."""
        for view in self._sql_views():
            view.answered(message.sql, message.frame, message.why, message.took_s)

    def on_sql_screen_export_wanted(self, message: SqlScreen.ExportWanted) -> None:
        """A query's answer is to be written to a file: ask where."""
        logs = () if self._snapshot is None else self._snapshot.files
        write = partial(export, message.frame, logs=logs)
        kinds = ".csv, .parquet or .jsonl"
        self.push_screen(screens.SaveAsDialog("the answer", "answer.csv", kinds, write))

    def on_save_as_dialog_wanted(self, message: SaveAsDialog.Wanted) -> None:
        """A file is to be written."""
        path, again, write = message.path, message.replace, message.write
        self.work("export", lambda: self.post_message(write(path, again)))

    def on_export_done(self, message: ExportDone) -> None:
        """A file is written, or not."""
        if isinstance(self.screen, screens.SaveAsDialog):
            self.screen.answer(message)

    # -- copies

    def on_log_view_copy_wanted(self, message: LogView.CopyWanted) -> None:
        """Something of a record is to be copied: ask what."""
        overview, row = self._overview, message.row

        def chosen(what: str | None) -> None:
            if what and overview is not None:
                self.work("copy", lambda: self._feed.copy(overview, row, what))

        if overview is None:
            return
        if overview.has(row):
            self.push_screen(screens.CopyMenu(), chosen)
        else:
            self.view.hint(self.view.LET_GO)

    def on_copy_done(self, message: CopyDone) -> None:
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

    def _calls_panes(self) -> Iterable[CallsPane]:
        have_one = screens.CallsScreen | screens.OverviewScreen
        return (view.calls for view in self._views if isinstance(view, have_one))

    def on_calls_pane_columns_wanted(self, message: CallsPane.ColumnsWanted) -> None:
        """The columns of calls are to be chosen: those of a screen of this size."""
        pane, compact = message.pane, message.pane.is_narrow

        def chosen(names: tuple[str, ...] | None) -> None:
            if names is not None:
                choice = pane.choice.having(names, compact=compact)
                self._memory.put("calls", choice.as_object())
                for each in self._calls_panes():
                    each.choose(choice)

        dialog = screens.ColumnPicker(pane.choice, pane.room, compact=compact)
        self.push_screen(dialog, chosen)

    def on_pane_grid_arranged(self, message: PaneGrid.Arranged) -> None:
        """The Overview's panes are arranged in another way: so they will be next time."""
        self._memory.put("overview", message.arrangement.as_object())
