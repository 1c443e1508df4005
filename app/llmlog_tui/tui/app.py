"""The dashboard: owns the state, asks the workers, hands their answers to the screen."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App
from textual.binding import BindingType

from llmlog_tui.text import inert
from llmlog_tui.tui.bindings import APP_BINDINGS
from llmlog_tui.tui.headline import Rate, headline
from llmlog_tui.tui.messages import Answered, Failed, Loaded, Progress, Question, RecordRead
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.record import RecordScreen
from llmlog_tui.tui.themes import DARK, LIGHT
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.workers import Analyst, Feed, start

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.analysis.timeline import Timeline
    from llmlog_tui.log.store import Snapshot

_LOADING_FACTOR = 2
"""While loading, answers come at so many times the records of the last ones: few, and at once."""


class LogApp(App[None]):
    """`llmlog-tui`: the dashboard for one or several logs; `trace` is selected at the start."""

    TITLE = "llmlog"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*APP_BINDINGS]

    def __init__(
        self,
        files: Sequence[Path],
        *,
        slow_ms: float = 500.0,
        follow: bool = True,
        trace: str | None = None,
    ) -> None:
        super().__init__()
        self._files = files
        self._feed = Feed(files, self.post_message, follow=follow)
        self._analyst = Analyst(self.post_message, slow_ms)
        self._overview_screen = OverviewScreen()
        self._snapshot: Snapshot | None = None
        self._progress = Progress()
        self._rate = Rate()
        self._asked: Question | None = None
        self._answered: Question | None = None
        self._overview: Overview | None = None
        self._timeline: Timeline | None = None
        self._wanted_trace = trace
        self._wanted_step: Hashable = None
        self._frozen = False

    # -- start and end

    def get_default_screen(self) -> OverviewScreen:
        """The Overview."""
        return self._overview_screen

    def on_mount(self) -> None:
        """Take our themes and begin to read."""
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        self.work("reader", self._feed.run)
        self.work("analyst", self._analyst.run)
        self.set_interval(1.0, self._say)
        self._say()
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._on_signal(number)

    def _on_signal(self, number: signal.Signals) -> None:
        """Leave in order, the terminal as it was, when told to from outside."""
        with contextlib.suppress(RuntimeError, ValueError):  # not in the main thread
            asyncio.get_running_loop().add_signal_handler(
                number, lambda: self.exit(return_code=128 + number)
            )

    def on_unmount(self) -> None:
        """Let the workers go."""
        self._feed.stop()
        self._analyst.stop()

    def work(self, who: str, work: Callable[[], None]) -> None:
        """Do something in a thread of its own; if it fails, the user is told."""
        start(who, work, self.post_message)

    # -- what tests wait for

    @property
    def records_shown(self) -> int:
        """How many records the screen is about."""
        return 0 if self._overview is None else self._overview.snapshot.counts.records

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way, or reading has not come to the end of the files."""
        return self._asked is not self._answered or self._progress.state == "loading"

    # -- what the workers say

    def on_loaded(self, message: Loaded) -> None:
        """There are more records, or reading is in another state."""
        self._snapshot, self._progress = message.snapshot, message.progress
        if message.progress.state == "live":
            self._rate.add(message.snapshot.counts.records)
        self._overview_screen.wait_for(message.progress.waiting)
        loading = message.progress.state == "loading" and self._overview is not None
        if not loading or self._snapshot.counts.records >= _LOADING_FACTOR * self.records_shown:
            self._ask()
        self._say()

    def on_answered(self, message: Answered) -> None:
        """The answers for a snapshot; none for another one than the screen is frozen at."""
        self._answered = message.question
        if self._frozen and message.overview is not self._overview:
            self._asked = self._answered = None
            return
        self._overview, self._timeline = message.overview, message.timeline
        if self._wanted_trace is not None:
            self._select_wanted_trace(self._overview, self._wanted_trace)
        screen = self._overview_screen
        screen.show(self._overview)
        if self._timeline is not None and self._timeline.trace_id == self._trace:
            screen.show_timeline(self._timeline, self._wanted_step)
            self._wanted_step = None
        self._ask()
        self._say()

    def on_record_read(self, message: RecordRead) -> None:
        """A record's line is here: show it, once."""
        if not isinstance(self.screen, RecordScreen):
            self.push_screen(RecordScreen(message.file, message.line))

    def on_failed(self, message: Failed) -> None:
        """A worker raised: say so, and go on with what there is."""
        if message.who == "reader":
            self._progress = Progress("failed")
            self._say()
        self.notify(
            inert(repr(message.error)),
            title=f"The {message.who} failed",
            severity="error",
            markup=False,
        )

    @property
    def _trace(self) -> str | None:
        """The selected trace."""
        key = self._overview_screen.traces.cursor_key
        return None if key is None else str(key)

    def _ask(self) -> None:
        """Ask for answers to what the screen shows now, unless they are here or on their way."""
        snapshot = self._snapshot
        if self._frozen and self._overview is not None:
            snapshot = self._overview.snapshot
        if snapshot is None:
            return
        newest = self._overview_screen.traces.following
        question = Question(snapshot, None if newest else self._trace)
        if not question.is_same(self._asked):
            self._asked = question
            self._analyst.ask(question)

    def _say(self) -> None:
        """Say in the top row what is open and how it stands."""
        records = 0 if self._snapshot is None else self._snapshot.counts.records
        self._overview_screen.header.headline = headline(
            self._files,
            self._progress,
            self._overview,
            rate=self._rate.per_second(),
            held_back=records - self.records_shown if self._frozen else None,
        )

    # -- what the user does

    @on(LineTable.Highlighted, "#traces")
    def _select_trace(self, message: LineTable.Highlighted) -> None:
        if self._overview is not None and self._trace is not None:
            self._overview_screen.calls.hold(self._overview, self._trace)
            last = self._overview.last_call_of(self._trace) if message.by_user else None
            if last is not None:
                self._overview_screen.calls.move_to(last)
        self._ask()

    @on(LineTable.Highlighted, "#timeline")
    def _step_to_call(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            self._overview_screen.calls.move_to(message.key)

    @on(LineTable.Highlighted, "#calls")
    def _select_call(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            self._go_to_call(message.key)

    @on(LineTable.Selected, "#traces")
    def _open_trace(self) -> None:
        self._overview_screen.timeline.focus()

    @on(LineTable.Selected, "#timeline")
    @on(LineTable.Selected, "#calls")
    def _open_record(self, message: LineTable.Selected) -> None:
        if self._overview is not None and isinstance(message.key, int):
            place = self._overview.place(message.key)
            self.work("reader of a line", lambda: self._feed.read_line(*place))

    @on(LineTable.Selected, "#alerts")
    def _open_alert(self, message: LineTable.Selected) -> None:
        if isinstance(message.key, tuple):
            self._go_to_call(message.key[1])

    def action_trace(self) -> None:
        """From the call under the cursor to its trace."""
        self._go_to_call(self._overview_screen.calls.cursor_key)
        self._overview_screen.traces.focus()

    def _select_wanted_trace(self, overview: Overview, wanted: str) -> None:
        """Select the trace that the command line asked for, as soon as it is there."""
        found = overview.trace_like(wanted)
        if found is not None:
            self._overview_screen.traces.want(found)
        elif self._progress.state == "loading":
            return
        else:
            self.notify(f"No trace {inert(wanted)} yet.", severity="warning", markup=False)
        self._wanted_trace = None

    def _go_to_call(self, row: Hashable) -> None:
        """Select a call, its trace and its step, in all panes."""
        screen = self._overview_screen
        if self._overview is None or row is None or not screen.calls.move_to(row):
            return
        trace = self._overview.trace_of(row)
        if trace is None or not screen.traces.move_to(trace):
            return
        screen.calls.hold(self._overview, trace)
        if not screen.timeline.move_to(row):
            self._wanted_step = row
        self._ask()

    def action_error(self, direction: int) -> None:
        """Go to the next failed call, or with -1 to the one before."""
        if self._overview is None:
            return
        row = self._overview.next_failed(self._overview_screen.calls.cursor_key, direction)
        if row is None:
            where = "after" if direction > 0 else "before"
            self._hint(f"No failed call {where} this one.")
        else:
            self._go_to_call(row)

    def action_alert(self) -> None:
        """Go to the next alert, and to the call where it began."""
        if not self._overview_screen.alerts.select_next():
            self._hint("No alerts.")

    def _hint(self, text: str) -> None:
        """Say something in passing, in place of what was said before."""
        self.clear_notifications()
        self.notify(text, timeout=2)

    def action_zoom(self) -> None:
        """Give the focused pane all room between top and bottom row, or take it back."""
        self._overview_screen.zoom()

    def action_freeze(self) -> None:
        """Stop the screen, or let it run again; reading goes on either way."""
        self._frozen = not self._frozen
        self._ask()
        self._say()

    def action_follow(self) -> None:
        """Go to the newest record and stay there."""
        self._frozen = False
        self._overview_screen.follow()
        self._ask()
        self._say()

    def action_help(self) -> None:
        """Show all keys, or hide them."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()
