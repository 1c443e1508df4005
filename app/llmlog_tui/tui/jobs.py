"""One-off jobs in background threads, and their results: lines, searches, diffs, SQL, files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from llmlog_tui import humanize
from llmlog_tui.log.decoded_line import DecodedLine, decode
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens, workers
from llmlog_tui.tui.messages import Failed
from llmlog_tui.tui.queries import FetchResult

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.calls.search import Hit
    from llmlog_tui.analysis.traces.text_search import Excerpt
    from llmlog_tui.isolated_query import IsolatedQuery
    from llmlog_tui.log.fetching import Fetched
    from llmlog_tui.log.record_key import RecordLocation
    from llmlog_tui.tui.app import LogApp
    from llmlog_tui.tui.panes.calls import CallsPane
    from llmlog_tui.tui.panes.traces import TracesPane
    from llmlog_tui.tui.queries import (
        CopyResult,
        DiffResult,
        ExportResult,
        StepContent,
        TextDiffResult,
    )
    from llmlog_tui.tui.screens import LogView, ReplayScreen, SaveAsDialog, SqlScreen

R = TypeVar("R")

_LARGE_LINE: Final = 256 * 2**10
"""Minimum bytes of a line that is shown before it is compared with earlier ones."""
_TABLES: Final = ".csv, .parquet or .jsonl"


@dataclass
class _Completion:
    """A look-up of the earlier steps of a replay's trace."""

    replay: ReplayScreen
    is_over: Event = field(default_factory=Event)
    """Set once all steps are found, or to cancel it."""


class Jobs:
    """Starts jobs for the views, and shows their results."""

    def __init__(self, app: LogApp) -> None:
        self._app = app
        self._query: IsolatedQuery | None = None
        self._completed: set[str] = set()  # traces whose earlier steps were looked up
        self._completion: _Completion | None = None

    def run_in_thread(self, task: str, work: Callable[[], object]) -> None:
        """Run `work` in a thread of its own; an exception is shown as "`task` failed"."""

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the user is told
                self._app.post_message(Failed(task, error))

        # A daemon: quitting does not wait for it.
        Thread(target=run, name=f"llmlog-{task}", daemon=True).start()

    def run(self, task: str, work: Callable[[], R], show: Callable[[R], object]) -> None:
        """Run `work` in a thread, and `show` with its result in the UI thread."""
        self.run_in_thread(task, lambda: self._app.call_later(show, work()))

    # -- names of runs

    def read_words(self, message: TracesPane.WordsRequested) -> None:
        """Read the first words of the users of traces, and name those by them."""
        overview, reader = self._app.overview, self._app.reader
        if overview is not None:
            work = partial(workers.analysis.words_of, overview, reader.read_record, message.traces)
            self.run("Reading names", work, self._show_words)

    def _show_words(self, words: Mapping[str, str | None]) -> None:
        for view in self._app.views:
            if isinstance(view, screens.OverviewScreen):
                view.traces.update_words(words)

    # -- steps outside the window

    def complete_trace(self, replay: ReplayScreen) -> None:
        """Read the earlier steps of a trace that begins outside the window, once."""
        app, overview, trace_id = self._app, self._app.overview, replay.target_trace
        progress = app.status.progress
        is_ready = progress.rows_outside and progress.state != "loading"
        if overview is None or not is_ready or trace_id in self._completed:
            return
        if self._completion is not None:
            if self._completion.replay.target_trace == trace_id:
                self._completion.replay = replay  # the one before is being closed
                return
            self.cancel_completion(self._completion.replay)
        self._completion = completion = _Completion(replay)

        def read() -> FetchResult:
            missing = workers.analysis.missing_steps(overview.snapshot.frame, trace_id)

            def stop_early(step: Fetched) -> None:
                if step.found >= missing:
                    completion.is_over.set()

            if missing <= 0:
                return FetchResult()
            return app.reader.fetch(trace_id, completion.is_over, stop_early, before=missing)

        self.run("Earlier steps", read, partial(self._report_fetched, completion))

    def cancel_completion(self, replay: ReplayScreen | None = None) -> None:
        """End the look-up of earlier steps: that of a replay, or any."""
        completion = self._completion
        if completion is not None and replay in {None, completion.replay}:
            self._app.reader.cancel_fetch(completion.is_over)
            self._completion = None

    def _report_fetched(self, completion: _Completion, result: FetchResult) -> None:
        if completion is not self._completion:
            return  # it was cancelled
        self._completion = None
        if result.problem:
            self._app.view.hint(f"Earlier steps were not read: {sanitize(result.problem)}")
            return
        self._completed.add(completion.replay.target_trace)
        if result.found:
            steps = humanize.plural(result.found, "earlier step")
            self._app.view.hint(f"{steps} read from outside the window")

    # -- a record's line

    def read_line(self, location: RecordLocation, *, in_dialog: bool) -> None:
        """Read a record's line, for the view or for a dialog with the whole record."""
        overview, reader = self._app.overview, self._app.reader

        def read() -> DecodedLine:
            if overview is None or not overview.has(location.row):
                return decode(reader.read_line(location))
            return decode(*reader.read_both(overview, location.row))

        def show(line: DecodedLine) -> None:
            if not in_dialog:
                self._app.view.update_line(location, line)
            elif not isinstance(self._app.screen, screens.RecordDialog):  # one is enough
                self._app.push_screen(screens.RecordDialog(location.file, line))

        self.run("Reading a record", read, show)

    def read_content(self, message: LogView.ContentRequested) -> None:
        """Read a record's content, for the view; then compare it with earlier calls."""
        overview, reader = self._app.overview, self._app.reader
        read = reader.read_record
        if overview is None:
            return

        def show(content: StepContent) -> None:
            self._app.view.update_content(content)  # whichever view is there by then

        def work() -> StepContent:
            content = workers.analysis.step_content(overview, reader.read_both, message.row)
            if len(content.line or b"") > _LARGE_LINE:
                self._app.call_later(show, content)
            return workers.analysis.compared_content(overview, read, content, message.earlier)

        self.run("Reading a record", work, show)

    # -- search

    def go_to_step(self, number: int) -> None:
        """Go to a step of the current trace."""
        app, overview, trace = self._app, self._app.overview, self._app.view.target_trace
        if overview is None or trace is None:
            app.view.hint("No trace under the cursor.")
            return
        name = f"step {number} in {sanitize(humanize.short_id(trace))}"

        def show(hit: Hit | None) -> None:
            if hit is None:
                app.view.hint(f"There is no {name}.")
            else:
                app.navigator.go_to_record(hit.row)

        self.run("Search", partial(workers.analysis.step_of, overview.frame, trace, number), show)

    def show_content(self, row: int) -> None:
        """Show the content of a record without a trace in a dialog."""
        overview, reader = self._app.overview, self._app.reader
        if overview is not None:
            read = partial(workers.analysis.step_content, overview, reader.read_both, row)
            self.run("Reading a record", read, self._show_content)

    def show_evicted(self, location: RecordLocation, words: str, excerpt: Excerpt) -> None:
        """Show the content of an evicted record with words in a dialog."""
        read_lines = self._app.reader.read_evicted
        read = partial(workers.analysis.evicted_content, read_lines, location, words, excerpt)
        self.run("Reading a record", read, self._show_content)

    def _show_content(self, content: StepContent) -> None:
        app = self._app
        dialog = app.screen
        if isinstance(dialog, screens.ContentDialog):
            dialog.update(content)
        else:
            app.push_screen(screens.ContentDialog(content, app.searching.state.text))

    # -- diff and SQL

    def diff(self, a: str, b: str) -> None:
        """Open the diff of two traces, and align them."""
        overview = self._app.overview
        if overview is not None:
            self._app.push_screen(screens.DiffScreen(a, b))
            lines_of = self._app.reader.records_of
            align = partial(workers.analysis.diff, overview, a, b, lines_of)
            self.run("Diff", align, self._show_diff)

    def _show_diff(self, result: DiffResult) -> None:
        view, traces = self._app.view, (result.found.a.trace_id, result.found.b.trace_id)
        if isinstance(view, screens.DiffScreen) and view.traces == traces:  # else it was closed
            view.update_diff(result)

    def diff_texts(self, message: LogView.TextDiffRequested) -> None:
        """Show how two steps differ, as text."""
        app, overview = self._app, self._app.overview
        if overview is None:
            return

        def show(result: TextDiffResult) -> None:
            if not isinstance(app.screen, screens.TextDiffDialog):  # one is enough
                app.push_screen(screens.TextDiffDialog(result))

        compare = workers.analysis.text_diff_of
        read = app.reader.read_record
        self.run("Diff", partial(compare, overview, read, message.a, message.b, message.step), show)

    def run_sql(self, view: SqlScreen, sql: str) -> None:
        """Run an SQL query for its view, and remember the view's queries."""
        overview = self._app.overview
        self._app.memory.put("queries", view.history)
        self.cancel_sql()
        if overview is not None:
            self._query = query = workers.analysis.prepare_sql(sql)
            run = partial(workers.analysis.run_sql, overview, query)
            self.run("Query", run, view.update_result)

    def cancel_sql(self) -> None:
        """End the SQL query that is running."""
        if self._query is not None:
            self._query.cancel()
            self._query = None

    # -- files

    def export_sql_result(self, frame: pl.DataFrame) -> None:
        """Ask for a path, and write an SQL result there."""
        snapshot = self._app.snapshot
        logs = () if snapshot is None else snapshot.files
        write = partial(workers.export.export, frame, logs=logs)
        self._app.push_screen(screens.SaveAsDialog("the answer", "answer.csv", _TABLES, write))

    def export_calls(self) -> None:
        """Ask for a path, and write the calls there as the view shows them."""
        app, overview = self._app, self._app.overview
        if overview is None or not overview.calls.height:
            app.view.hint("No calls to export.")
            return
        name = humanize.plural(overview.calls.height, "call")
        write = partial(workers.export.export_calls, overview, app.view.call_order)
        app.push_screen(screens.SaveAsDialog(name, "calls.csv", _TABLES, write))

    def export_bundle(self) -> None:
        """Ask for a path, and write the current trace's support bundle there."""
        app, overview, trace = self._app, self._app.overview, self._app.view.target_trace
        if overview is None or trace is None:
            app.view.hint("No trace under the cursor to bundle.")
            return
        short = humanize.short_id(trace)
        file = f"llmlog-{re.sub(r'[^A-Za-z0-9_-]', '_', short)}.md"
        write = partial(workers.export.export_bundle, app.reader.lines_of, overview, trace)
        app.push_screen(screens.SaveAsDialog(f"the bundle of {short}", file, ".md", write))

    def write_file(self, message: SaveAsDialog.WriteRequested) -> None:
        def show(result: ExportResult) -> None:
            if isinstance(self._app.screen, screens.SaveAsDialog):
                self._app.screen.update_status(result)

        self.run("Export", partial(message.write, message.path, message.replace), show)

    # -- copies

    def copy(self, row: int, message: int | None) -> None:
        """Ask what to copy of the record with key `row`, and copy it."""
        app, overview = self._app, self._app.overview

        def copy(choice: str | None) -> None:
            if choice and overview is not None:
                read = partial(app.reader.copy, overview, row, choice, message)
                self.run("Copy", read, self._finish_copy)

        if overview is None:
            return
        if overview.has(row):
            app.push_screen(screens.CopyMenu(), copy)
        else:
            app.view.hint(app.view.EVICTED)

    def _finish_copy(self, result: CopyResult) -> None:
        """Put the text on the terminal's clipboard, or report the file it was saved to."""
        app, name = self._app, result.name
        if result.path:
            app.notify(f"{name} saved to {result.path}", markup=False)
        elif result.text is None:
            app.notify(f"There is no {name} here.", severity="warning", markup=False)
        else:
            app.copy_to_clipboard(result.text)
            hint = (
                f"{name} copied by OSC 52. Nothing there? y {result.save_key} saves it to a file."
            )
            app.notify(hint, markup=False)

    # -- columns

    def choose_columns(self, pane: CallsPane) -> None:
        """Open the column picker; the choice is kept, and applied to all panes of calls."""
        app, compact = self._app, pane.is_narrow

        def apply(names: tuple[str, ...] | None) -> None:
            if names is None:
                return
            choice = pane.choice.with_columns(names, compact=compact)
            app.memory.put("calls", choice.as_object())
            for view in app.views:
                if isinstance(view, screens.CallsScreen | screens.OverviewScreen):
                    view.calls.set_columns(choice)

        picker = screens.ColumnPicker(pane.choice, pane.room, pane.tags, compact=compact)
        app.push_screen(picker, apply)
