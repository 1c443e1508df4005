"""The dashboard: owns the state, and routes messages between workers, views and controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import CommandPalette, Provider
from textual.filter import LineFilter

from llmlog_tui import server, tui
from llmlog_tui.config.settings import Memory, Settings
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources, unread_parts
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens, workers
from llmlog_tui.tui.alert_throttle import AlertThrottle
from llmlog_tui.tui.keys.views import APP_BINDINGS, VIEWS
from llmlog_tui.tui.progress import Progress
from llmlog_tui.tui.runtime.event_guard import EventGuard
from llmlog_tui.tui.runtime.gc_tuning import GcTuner
from llmlog_tui.tui.runtime.glyph_filter import glyph_filter
from llmlog_tui.tui.runtime.key_queue import KeyQueue
from llmlog_tui.tui.runtime.shutdown import GracefulExit
from llmlog_tui.tui.screens.splash import SplashScreen
from llmlog_tui.tui.status import ReadStatus
from llmlog_tui.tui.theme import apply_theme
from llmlog_tui.tui.widgets.bindings import key_of, scope_of
from llmlog_tui.tui.workers import analysis_worker, reader
from llmlog_tui.tui.workers import server as server_worker

if TYPE_CHECKING:
    from textual.screen import Screen

    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.config.rules import Rules
    from llmlog_tui.log.store import Snapshot
    from llmlog_tui.server.endpoint import Endpoint
    from llmlog_tui.server.metrics import ServerMetrics
    from llmlog_tui.tui import messages
    from llmlog_tui.tui.analysis_schedule import AnalysisSchedule
    from llmlog_tui.tui.bookmarks import BookmarkController
    from llmlog_tui.tui.jobs import Jobs
    from llmlog_tui.tui.navigation import Navigator
    from llmlog_tui.tui.panes.calls import CallsPane
    from llmlog_tui.tui.panes.grid import PaneGrid
    from llmlog_tui.tui.panes.header import Header
    from llmlog_tui.tui.panes.traces import TracesPane
    from llmlog_tui.tui.saved_filters import FilterController
    from llmlog_tui.tui.screens import (
        BookmarksDialog,
        FiltersDialog,
        LogView,
        ReplayScreen,
        SaveAsDialog,
        SqlScreen,
    )
    from llmlog_tui.tui.searching import SearchController


class LogApp(App[str]):
    """`llmlog-tui`: the dashboard for one or several logs.

    At the start `trace` is selected, and only the calls matching the SQL predicate `where` are
    shown. `memory` has preferences of earlier runs. With `welcome`, a dialog explains what to do
    without a log; the App's result is `demo` if the user chose that. Tracebacks of its own faults
    are appended to `crash_file`. The endpoints of `metrics` are polled.
    """

    TITLE = "llmlog"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*APP_BINDINGS]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        *App.COMMANDS,
        lambda: tui.palette.StepProvider,
    }

    def __init__(  # noqa: PLR0913 - options by name
        self,
        files: Sequence[Path] | Sources,
        *,
        slow_ms: float = 500.0,
        follow: bool = True,
        last: Retention | None = None,
        stdin: int | None = None,
        trace: str | None = None,
        where: str | None = None,
        rules: Rules | None = None,
        settings: Settings | None = None,
        memory: Memory | None = None,
        filters_file: Path | None = None,
        welcome: bool = False,
        crash_file: Path | None = None,
        metrics: Sequence[Endpoint] = (),
        keep_metrics: bool = True,
    ) -> None:
        super().__init__()
        self.guard = EventGuard(self, crash_file)
        self.settings = settings or Settings()
        self.memory = memory or Memory()
        apply_theme(self, self.settings.theme)
        names = files.names if isinstance(files, Sources) else files
        self._names = [str(name) for name in names]
        self.status = ReadStatus(tuple(map(Path, names)))
        self.snapshot: Snapshot | None = None
        self.overview: Overview | None = None
        self.where = where
        self.views: list[LogView] = []  # in the order they were opened; empty in the first frame
        self._result: object | None = None
        self._is_frozen = False
        self._welcome = welcome
        self._refusal = ""
        self._trace = trace
        self._filters_file = filters_file

        post, self._gc = self.post_message, GcTuner()
        self.reader = reader.ReaderWorker(
            files, post, follow=follow, last=last, stdin=stdin, trace=trace
        )
        self._server = server_worker.ServerWorker(files, post, metrics, keep=keep_metrics)
        self._analysis = analysis_worker.AnalysisWorker(
            post, slow_ms, rules, is_typing=self._gc.is_typing
        )
        self.alert_throttle = AlertThrottle()
        self._keys = KeyQueue(self, super().on_event)
        self._exit_on_signal = GracefulExit(lambda code: self.exit(return_code=code))

    # -- controllers and state imported and made on first use, which is after the first frame

    @cached_property
    def jobs(self) -> Jobs:
        return tui.jobs.Jobs(self)

    @cached_property
    def navigator(self) -> Navigator:
        return tui.navigation.Navigator(self, self._trace)

    @cached_property
    def bookmarks(self) -> BookmarkController:
        return tui.bookmarks.BookmarkController(self)

    @cached_property
    def searching(self) -> SearchController:
        return tui.searching.SearchController(self)

    @cached_property
    def filters(self) -> FilterController:
        return tui.saved_filters.FilterController(self, self._filters_file)

    @cached_property
    def _schedule(self) -> AnalysisSchedule:
        send, again = self._analysis.request, self._request_analysis
        return tui.analysis_schedule.AnalysisSchedule(self, send, again)

    @cached_property
    def server(self) -> ServerMetrics:
        return server.metrics.NO_METRICS

    # -- faults

    @property
    def active_guard(self) -> EventGuard | None:
        """The guard that contains exceptions, once there is a view to keep."""
        return self.guard if self.views else None

    def _handle_exception(self, error: Exception) -> None:
        """Report an exception outside of handlers, as in timers and layout, and keep running."""
        if (guard := self.active_guard) is None:
            super()._handle_exception(error)
        else:
            guard.contain(error)

    # -- start and end

    def on_load(self) -> None:
        self._exit_on_signal.begin()

    def get_default_screen(self) -> Screen[None]:
        # What the first frame does not need is imported and made after it.
        return SplashScreen(self.status.header_state(None, held_back=None, unseen=0))

    @property
    def default_screen(self) -> Screen[Any]:
        """The screen that queries from the App search: the first view, once there is one."""
        return self.views[0] if self.views else super().default_screen

    def get_line_filters(self) -> Sequence[LineFilter]:
        ours = glyph_filter(ascii_only=bool(self.settings.ascii))
        return [*super().get_line_filters(), ours]

    def on_mount(self) -> None:
        self.set_keymap(dict(self.settings.keys))
        self.call_after_refresh(self._begin)

    def on_ready(self) -> None:
        self._exit_on_signal.screen_ready()

    async def _begin(self) -> None:
        """Start the workers and open the first view, after the first frame."""
        self._gc.begin()
        self.jobs.run_in_thread(reader.TASK, self.reader.run)
        self.jobs.run_in_thread(analysis_worker.TASK, self._analysis.run)
        for name in VIEWS:
            self.add_mode(name, partial(self._new_view, name))
        await self.switch_mode(next(iter(VIEWS)))
        self.set_interval(1.0, self._each_second)
        self.update_header()
        await self._keys.begin()

    def _new_view(self, name: str) -> LogView:
        view = screens.new_view(name)
        view.load_preferences(self.memory, self.settings.rows)
        view.update_progress(self.status.progress)
        self.views.append(view)
        return view

    def on_unmount(self) -> None:
        self.jobs.cancel_completion()
        self.reader.stop()
        self._server.stop()
        self._analysis.stop()
        self.searching.stop()
        self._gc.end()

    async def on_event(self, event: events.Event) -> None:
        """Queue keys and pastes; before there is a view, all input."""
        if isinstance(event, events.Key):
            self._gc.key_pressed()
        early = () if self.views else (events.InputEvent,)
        if isinstance(event, (events.Key, events.Paste, *early)) and not event.is_forwarded:
            await self._keys.put(event)
        else:
            await super().on_event(event)

    def _each_second(self) -> None:
        self.update_header()
        self._gc.collect_when_idle()
        self._exit_on_signal.check_terminal()

    # -- state

    @property
    def view(self) -> LogView:
        """The view on screen, or below a dialog."""
        # While all screens are being closed, it is the first view.
        stack = reversed(self.screen_stack)
        views = (screen for screen in stack if isinstance(screen, screens.LogView))
        return next(views, self.views[0])

    @property
    def records_shown(self) -> int:
        return 0 if self.overview is None else self.overview.snapshot.counts.records

    @property
    def busy(self) -> bool:
        """Whether a result is pending, or the files are still being loaded."""
        return self._schedule.is_pending or self.status.progress.state == "loading"

    def update_view(self) -> None:
        """Show the current results, and request missing ones."""
        self._show_overview()
        self._request_analysis()

    def _show_overview(self) -> None:
        if self.overview is None:
            return
        done = self._schedule.done
        is_of_view = done is not None and done.query == self.view.current_query
        self.view.update_overview(self.overview, self._result if is_of_view else None)
        self.navigator.apply_pending(self.overview)

    def _request_analysis(self, *, at_once: bool = False) -> None:
        """Request results for the current state, unless they are known or requested."""
        snapshot, metrics = self.snapshot, self.server
        if self._is_frozen and self.overview is not None:
            snapshot, metrics = self.overview.snapshot, self.overview.server
        if snapshot is None:
            return
        query = self.view.current_query
        request = tui.messages.AnalysisRequest(snapshot, self.where, query, metrics)
        self._schedule.request(request, at_once=at_once)

    def _with_newest(self, overview: Overview) -> Overview | None:
        """Return an Overview with the records read since; None if it takes an analysis."""
        if self._is_frozen or self.snapshot is None:
            return overview
        return workers.analysis.appended(overview, self.snapshot, self.overview)

    def _show_newest(self) -> bool:
        """Show new calls and counts at once; False if only an analysis can."""
        overview = None if self.overview is None else self._with_newest(self.overview)
        if overview is not None and overview is not self.overview:
            self.overview = overview
            self.view.update_newest(overview)
        return overview is not None

    def update_header(self) -> None:
        records = 0 if self.snapshot is None else self.snapshot.counts.records
        held_back = records - self.records_shown if self._is_frozen else None
        unseen = self.view.unseen
        state = self.status.header_state(self.overview, held_back=held_back, unseen=unseen)
        self.view.header.headline = replace(state, silent=self.alert_throttle.silent)

    # -- messages from the workers

    def on_loaded(self, message: messages.Loaded) -> None:
        self.snapshot = message.snapshot
        self.status.update(message)
        for view in self.views:
            view.update_progress(message.progress)
        self._update_welcome(message.progress)
        self._update_refusal(message.progress.refusal)
        self._request_analysis(at_once=not self._show_newest())
        self.update_header()

    def _update_welcome(self, progress: Progress) -> None:
        """Explain how to write a log while there is none; close that once there is."""
        # Over the first results: below a dialog nothing is painted again.
        if self._welcome and progress.waiting and self.overview is not None:
            dialog = screens.WelcomeDialog(progress.waiting[0].name)
            self.push_screen(dialog, self._leave_welcome)
            self._welcome = False
        elif isinstance(self.screen, screens.WelcomeDialog) and not progress.waiting:
            self.screen.dismiss("wait")

    def _update_refusal(self, refusal: str) -> None:
        """Show once that the log holds no calls; close that once it has records."""
        if refusal and refusal != self._refusal:
            self.push_screen(screens.RefusalDialog(refusal), self._leave_welcome)
        elif isinstance(self.screen, screens.RefusalDialog) and not refusal:
            self.screen.dismiss("wait")
        self._refusal = refusal

    def _leave_welcome(self, choice: str | None) -> None:
        if choice in ("demo", "quit"):
            self.exit(result=choice)

    def on_server_polled(self, message: messages.ServerPolled) -> None:
        self.server = message.metrics
        self._request_analysis()

    def on_analysis_done(self, message: messages.AnalysisDone) -> None:
        self._report_alerts(message.new_alerts)
        self._show_result(message)
        # Painted first: of a folder, there may be a file of bookmarks beside each log.
        self.call_after_refresh(self.bookmarks.find_records, message.overview)

    def _show_result(self, message: messages.AnalysisDone) -> None:
        self._schedule.done = message.request
        shown, overview = self.overview, message.overview
        if self._is_frozen and shown is not None and overview.snapshot is not shown.snapshot:
            self._schedule.forget()  # a late result must not move a frozen screen
            return
        self.overview, self._result = self._with_newest(overview) or overview, message.result
        self._show_overview()
        if shown is None:
            self.call_after_refresh(self._first_records_painted)
            self._gc.freeze()
        self._request_analysis()
        self.update_header()

    def _first_records_painted(self) -> None:
        """Begin the work that the first records need not wait for."""
        self._update_welcome(self.status.progress)
        self.reader.first_paint_done()
        # Not in the UI thread: a folder may be huge, or on a server.
        find = partial(unread_parts, self._names)
        self.jobs.run("Looking for rotated parts", find, self._hint_at_parts)
        self.jobs.run_in_thread(server_worker.TASK, self._server.run)

    def _hint_at_parts(self, hint: str) -> None:
        if hint:
            self.notify(sanitize(hint), title="Rotated parts", markup=False)

    def on_filter_rejected(self, message: messages.FilterRejected) -> None:
        self._schedule.forget()
        self.where = None
        self.notify(sanitize(message.why), title="Invalid filter", severity="error", markup=False)
        self._request_analysis()

    def _report_alerts(self, new_alerts: Sequence[Alert]) -> None:
        """Show a toast, and ring the bell, for new alerts."""
        admitted = self.alert_throttle.admit(new_alerts)
        for alert in admitted:
            what = sanitize(f"{alert.subject}  {alert.what}") + "\nw goes to it"
            self.notify(what, title=f"▲ New alert: {alert.rule}", severity="warning", markup=False)
        if admitted and self.settings.bell:
            self.bell()

    def on_failed(self, message: messages.Failed) -> None:
        if message.task == reader.TASK:
            self.status.progress = Progress("failed")
            self.update_header()
        title = f"{message.task} failed"
        if message.error.__traceback__ is not None and not isinstance(message.error, OSError):
            self.guard.contain(message.error, task=title)
            return
        self.notify(sanitize(repr(message.error)), title=title, severity="error", markup=False)

    def on_bookmarks_changed(self, message: messages.BookmarksChanged) -> None:
        self.bookmarks.update(message)

    def on_bookmark_located(self, message: messages.BookmarkLocated) -> None:
        self.bookmarks.go_to(message)

    def on_text_found(self, message: messages.TextFound) -> None:
        self.searching.update(message)

    # -- messages from views and dialogs

    def on_log_view_query_changed(self, message: LogView.QueryChanged) -> None:
        self.bookmarks.update_view(message.view)
        self.searching.update_view(message.view)
        if message.view is not self.view:
            return
        if message.then is not None:
            self.navigator.pending = message.then
        if message.view.overview is not self.overview:
            self._show_overview()
        elif self.overview is not None:
            self.navigator.apply_pending(self.overview)
        self._request_analysis()
        self.update_header()

    def on_log_view_jump_started(self, message: LogView.JumpStarted) -> None:
        self.navigator.push(message.state)

    def on_log_view_go_to_requested(self, message: LogView.GoToRequested) -> None:
        self.navigator.open_in_overview(message.row)

    def on_log_view_filter_requested(self, message: LogView.FilterRequested) -> None:
        self.navigator.set_filter(message.where, message.view, message.row)

    def on_log_view_saved_filters_requested(self, message: LogView.SavedFiltersRequested) -> None:
        self.filters.open_list(message.typed, is_naming=message.is_naming)

    def on_filters_dialog_save_requested(self, message: FiltersDialog.SaveRequested) -> None:
        self.filters.save(message.name, message.where)

    def on_filters_dialog_delete_requested(self, message: FiltersDialog.DeleteRequested) -> None:
        self.filters.delete(message.name)

    def on_log_view_search_requested(self, message: LogView.SearchRequested) -> None:
        self.navigator.search(message.search)

    def on_log_view_search_ended(self, message: LogView.SearchEnded) -> None:
        if message.is_closed:
            self.searching.close()
        else:
            self.searching.end()

    def on_log_view_replay_requested(self, message: LogView.ReplayRequested) -> None:
        self.navigator.open(message)

    def on_replay_screen_replay_closed(self, message: ReplayScreen.ReplayClosed) -> None:
        self.jobs.cancel_completion(message.screen)

    def action_help_quit(self) -> None:
        """Name the key that quits: many press Ctrl-C first."""
        key = key_of(self.screen, "quit") or "Ctrl-Q"
        self.notify(f"{key} quits.", timeout=2, markup=False)

    def on_log_view_diff_requested(self, message: LogView.DiffRequested) -> None:
        self.navigator.open(message)

    def on_log_view_record_requested(self, message: LogView.RecordRequested) -> None:
        self.jobs.read_line(message.location, in_dialog=True)

    def on_traces_pane_words_requested(self, message: TracesPane.WordsRequested) -> None:
        self.jobs.read_words(message)

    def on_log_view_line_requested(self, message: LogView.LineRequested) -> None:
        self.jobs.read_line(message.location, in_dialog=False)

    def on_log_view_content_requested(self, message: LogView.ContentRequested) -> None:
        self.jobs.read_content(message)

    def on_log_view_text_diff_requested(self, message: LogView.TextDiffRequested) -> None:
        self.jobs.diff_texts(message)

    def on_log_view_copy_requested(self, message: LogView.CopyRequested) -> None:
        self.jobs.copy(message.row, message.message)

    def on_header_tab_picked(self, message: Header.TabPicked) -> None:
        self.navigator.go_to_tab(message.digit)

    def on_calls_pane_columns_requested(self, message: CallsPane.ColumnsRequested) -> None:
        self.jobs.choose_columns(message.pane)

    def on_pane_grid_arrangement_changed(self, message: PaneGrid.ArrangementChanged) -> None:
        self.memory.put("overview", message.arrangement.as_object())

    def on_sql_screen_query_requested(self, message: SqlScreen.QueryRequested) -> None:
        self.jobs.run_sql(message.view, message.sql)

    def on_sql_screen_cancel_requested(self) -> None:
        self.jobs.cancel_sql()

    def on_sql_screen_export_requested(self, message: SqlScreen.ExportRequested) -> None:
        self.jobs.export_sql_result(message.frame)

    def on_save_as_dialog_write_requested(self, message: SaveAsDialog.WriteRequested) -> None:
        self.jobs.write_file(message)

    def on_bookmarks_dialog_note_changed(self, message: BookmarksDialog.NoteChanged) -> None:
        self.bookmarks.annotate(message.bookmark, message.note)

    def on_bookmarks_dialog_remove_requested(
        self, message: BookmarksDialog.RemoveRequested
    ) -> None:
        self.bookmarks.remove(message.bookmark)

    # -- actions

    def action_freeze(self) -> None:
        """Freeze or unfreeze the screen; reading continues."""
        self._is_frozen = not self._is_frozen
        self._request_analysis(at_once=True)
        self.update_header()

    def action_follow(self) -> None:
        """Go to the newest record, and follow."""
        self.navigator.push()
        self._is_frozen = False
        self.view.follow()
        self._request_analysis()
        self.update_header()

    def action_view(self, digit: int) -> None:
        self.navigator.go_to_tab(digit)

    def action_jump(self, direction: int) -> None:
        self.navigator.go_back(direction)

    def action_bookmark(self) -> None:
        self.bookmarks.toggle()

    def action_next_bookmark(self, direction: int) -> None:
        self.bookmarks.find_next(direction)

    def action_bookmarks(self) -> None:
        self.bookmarks.open_list()

    def action_help(self) -> None:
        """Show all keys, those of the current screen first."""
        bindings = (active.binding for active in self.screen.active_bindings.values())
        here = {scope_of(binding) for binding in bindings}
        self.push_screen(screens.HelpDialog(here, self.settings.keys))

    # -- the command palette

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        theirs = super().get_system_commands(screen)
        yield from (command for command in theirs if command.title not in tui.palette.REPLACED)
        yield from tui.palette.system_commands(self, screen)

    def toggle_silence(self) -> None:
        self.alert_throttle.silent = not self.alert_throttle.silent
        self.update_header()

    def action_command_palette(self) -> None:
        # Not while exiting: a half-mounted palette cannot be closed.
        if not isinstance(self.screen, CommandPalette) and not self._exit:
            self.push_screen(tui.palette.Commands())

    def on_key(self, event: events.Key) -> None:
        """Type keys into the palette that arrive before its input has focus."""
        if isinstance(self.screen, tui.palette.Commands) and event.is_printable and event.character:
            self.screen.type(event.character)
