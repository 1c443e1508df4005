"""What views have done for them: lines read, texts found, runs compared, queries, files, copies.

What a user chose is remembered too: columns, panes, queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from llmlog_tui.tui import screens
from llmlog_tui.tui.analyst import Analyst
from llmlog_tui.tui.dress import Dressed
from llmlog_tui.tui.exports import export
from llmlog_tui.tui.feed import Feed
from llmlog_tui.tui.messages import Copied, Diffed, Exported, Failed, Found, Queried, RecordRead

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.log.store import Snapshot
    from llmlog_tui.settings_file import Memory
    from llmlog_tui.tui.panes.calls import CallsPane
    from llmlog_tui.tui.panes.ground import Ground
    from llmlog_tui.tui.screens import PathScreen, SqlScreen, View


class Errands(Dressed):
    """The App as far as it runs errands: each is given to a worker, and its answer to the view.

    Those that inherit own the workers, and what the screen shows.
    """

    _feed: Feed
    _analyst: Analyst
    _overview: Overview | None = None
    _early_find: View.FindWanted | None = None
    _snapshot: Snapshot | None = None
    _views: list[View]
    """Those that were opened, the Overview first; none before the first frame."""
    _memory: Memory

    @property
    def view(self) -> View:
        """The view on screen, or right under a dialog; the first one when all are being closed."""
        views = (
            screen for screen in reversed(self.screen_stack) if isinstance(screen, screens.View)
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
        elif not isinstance(self.screen, screens.RecordScreen):
            self.push_screen(screens.RecordScreen(message.place[0], message.line))

    # -- finding

    def on_view_find_wanted(self, message: View.FindWanted) -> None:
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
            self.on_view_find_wanted(self._early_find)
            self._early_find = None

    def on_found(self, message: Found) -> None:
        """A search is done."""
        self.view.found(message.text, message.hit)

    # -- two runs

    def lay_side_by_side(self, a: str, b: str) -> None:
        """Show two traces beside each other."""
        overview = self._overview
        if overview is not None:
            self.push_screen(screens.DiffScreen(a, b))
            self.work("diff", lambda: self._feed.diff(overview, a, b))

    def on_diffed(self, message: Diffed) -> None:
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

    def on_queried(self, message: Queried) -> None:
        """A query is answered."""
        for view in self._sql_views():
            view.answered(message.sql, message.frame, message.why, message.took_s)

    def on_sql_screen_export_wanted(self, message: SqlScreen.ExportWanted) -> None:
        """A query's answer is to be written to a file: ask where."""
        logs = () if self._snapshot is None else self._snapshot.files
        write = partial(export, message.frame, logs=logs)
        kinds = ".csv, .parquet or .jsonl"
        self.push_screen(screens.PathScreen("the answer", "answer.csv", kinds, write))

    def on_path_screen_wanted(self, message: PathScreen.Wanted) -> None:
        """A file is to be written."""
        path, again, write = message.path, message.replace, message.write
        self.work("export", lambda: self.post_message(write(path, again)))

    def on_exported(self, message: Exported) -> None:
        """A file is written, or not."""
        if isinstance(self.screen, screens.PathScreen):
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
            self.push_screen(screens.CopyScreen(), chosen)
        else:
            self.view.hint(self.view.LET_GO)

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

        dialog = screens.ColumnsScreen(pane.choice, pane.room, compact=compact)
        self.push_screen(dialog, chosen)

    def on_ground_arranged(self, message: Ground.Arranged) -> None:
        """The Overview's panes are arranged in another way: so they will be next time."""
        self._memory.put("overview", message.arrangement.as_object())
