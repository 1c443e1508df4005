"""The dashboard: owns the state, asks the workers, hands their answers to the screen."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App
from textual.binding import BindingType
from textual.worker import Worker, WorkerState, get_current_worker

from llmlog_tui import units
from llmlog_tui.text import inert
from llmlog_tui.tui.bindings import APP_BINDINGS
from llmlog_tui.tui.messages import Answered, Loaded, Progress
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.record import RecordScreen
from llmlog_tui.tui.themes import DARK, LIGHT
from llmlog_tui.tui.widgets.header import Headline
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.workers import Analyst, Feed, Question

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.analysis.timeline import Timeline
    from llmlog_tui.log.store import Snapshot

_RATE_SECONDS = 10.0
"""Over how long the live rate is taken."""


class LogApp(App[None]):
    """`llmlog-tui`: the dashboard for one or several logs."""

    TITLE = "llmlog"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*APP_BINDINGS]
    ENABLE_COMMAND_PALETTE = True

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
        self._slow_ms = slow_ms
        self._follow = follow
        self._feed = Feed(files, follow=follow)
        self._analyst = Analyst()
        self._overview_screen = OverviewScreen()
        self._snapshot: Snapshot | None = None
        self._progress = Progress()
        self._overview: Overview | None = None
        self._timeline: Timeline | None = None
        self._trace = trace
        self._frozen = False
        self._asking = False
        self._asked: Question | None = None
        self._arrivals: deque[tuple[float, int]] = deque()

    @property
    def records_shown(self) -> int:
        """How many records the screen is about."""
        return 0 if self._overview is None else self._overview.snapshot.counts.records

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way, or reading has not come to the end of the files."""
        return self._asking or self._progress.state == "loading"

    # -- start

    def get_default_screen(self) -> OverviewScreen:
        """The Overview."""
        return self._overview_screen

    def on_mount(self) -> None:
        """Take our themes and begin to read."""
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        self.work(lambda: self._feed.run(self.post_message, get_current_worker().cancelled_event))
        self.set_interval(1.0, self._headline)
        self._headline()

    def work(self, work: Callable[[], None]) -> None:
        """Do something in a thread of its own; if it fails, the user is told."""
        self.run_worker(work, thread=True, exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker's exception becomes a message, and the dashboard goes on."""
        if event.state is WorkerState.ERROR:
            self.notify(inert(repr(event.worker.error)), title="llmlog failed", severity="error")

    # -- what the workers say

    def on_loaded(self, message: Loaded) -> None:
        """There are more records, or reading is in another state."""
        self._snapshot, self._progress = message.snapshot, message.progress
        if message.progress.state == "live":
            self._arrivals.append((time.monotonic(), message.snapshot.counts.records))
        if message.progress.waiting:
            self._overview_screen.calls.empty = (
                f"No {Path(message.progress.waiting[0]).name} yet: it is read once it is there. "
                "`llmlog-tui --demo` shows one."
            )
        self._ask()
        self._headline()

    def on_answered(self, message: Answered) -> None:
        """The answers for a snapshot."""
        self._asking = False
        self._overview = message.overview
        if message.timeline is not None and message.timeline.trace_id == self._trace:
            self._timeline = message.timeline
        self._overview_screen.show(self._overview, self._timeline, self._trace)
        self._headline()
        self._ask()

    def _ask(self) -> None:
        """Ask for answers to what the screen shows now, unless they are here or on their way."""
        snapshot = self._snapshot
        if self._frozen and self._overview is not None:
            snapshot = self._overview.snapshot
        if self._asking or snapshot is None:
            return
        question = Question(snapshot, self._trace, self._slow_ms)
        if self._asked is None or not question.is_same(self._asked):
            self._asking, self._asked = True, question
            self.work(lambda: self._analyst.answer(question, self.post_message))

    # -- what the user does

    @on(LineTable.Highlighted, "#traces")
    def _select_trace(self, message: LineTable.Highlighted) -> None:
        self._trace = str(message.key)
        if self._overview is not None:
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
    def _call_to_step(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            self._overview_screen.timeline.move_to(message.key)

    @on(LineTable.Selected, "#traces")
    def _open_trace(self) -> None:
        self._overview_screen.timeline.focus()

    @on(LineTable.Selected, "#timeline")
    @on(LineTable.Selected, "#calls")
    def _open_record(self, message: LineTable.Selected) -> None:
        if self._overview is not None and isinstance(message.key, int):
            self.work(partial(self._show_record, *self._overview.place(message.key)))

    def _show_record(self, file: str, block: int, line: int) -> None:
        raw = self._feed.raw_line(block, line)
        self.call_from_thread(self.push_screen, RecordScreen(file, raw))

    @on(LineTable.Selected, "#alerts")
    def _open_alert(self, message: LineTable.Selected) -> None:
        if isinstance(message.key, tuple):
            self._go_to_call(message.key[1])

    def action_trace(self) -> None:
        """From the call under the cursor to its trace."""
        screen = self._overview_screen
        if self._overview is not None and screen.calls.cursor_key is not None:
            self._go_to_call(screen.calls.cursor_key)

    def _go_to_call(self, row: Hashable) -> None:
        """Select a call and its trace, in all panes."""
        screen = self._overview_screen
        if self._overview is None or not screen.calls.move_to(row):
            return
        trace = self._overview.trace_of(row)
        if trace is not None and screen.traces.move_to(trace):
            self._trace = trace
            screen.calls.hold(self._overview, trace)
            self._ask()

    def action_error(self, direction: int) -> None:
        """Go to the next failed call, or with -1 to the one before."""
        if self._overview is None:
            return
        row = self._overview.next_failed(self._overview_screen.calls.cursor_key, direction)
        if row is None:
            where = "after" if direction > 0 else "before"
            self.notify(f"No failed call {where} this one.", timeout=2)
        else:
            self._go_to_call(row)

    def action_alert(self) -> None:
        """Go to the next alert, and to the call where it began."""
        alerts = self._overview_screen.alerts
        if not len(alerts.source):
            self.notify("No alerts.", timeout=2)
            return
        alerts.action_move(1 if alerts.visited else 0)
        alerts.action_select()

    def action_zoom(self) -> None:
        """Give the focused pane the whole screen, or take it back."""
        screen = self._overview_screen
        if screen.maximized is not None:
            screen.minimize()
        elif isinstance(screen.focused, Pane):
            screen.maximize(screen.focused)

    def action_freeze(self) -> None:
        """Stop the screen, or let it run again; reading goes on either way."""
        self._frozen = not self._frozen
        self._ask()
        self._headline()

    def action_follow(self) -> None:
        """Go to the newest record and stay there."""
        self._frozen = False
        for pane in (self._overview_screen.traces, self._overview_screen.calls):
            pane.follow()
        self._ask()
        self._headline()

    def _headline(self) -> None:
        """Say in the top row what is open and how it stands."""
        overview, progress = self._overview, self._progress
        shown = overview.snapshot.counts.records if overview else 0
        there = self._snapshot.counts.records if self._snapshot else 0
        state, detail = str(progress.state), ""
        if progress.waiting and not there:
            state, detail = "waiting", f"for {progress.waiting[0]}"
        elif self._frozen:
            state, detail = "frozen", f"+{there - shown:,} End"
        elif state == "live":
            detail = f"{units.rate(self._rate())}/s"
        elif state == "loading" and progress.there:
            detail = units.percent(progress.read / progress.there)
        names = [path.name for path in self._files]
        self._overview_screen.say(
            Headline(
                file=names[0] + (f" +{len(names) - 1}" if len(names) > 1 else ""),
                calls=overview.calls.height if overview else 0,
                traces=overview.traces.height if overview else 0,
                state=state,
                detail=detail,
                alerts=overview.ongoing if overview else 0,
                skipped=overview.snapshot.counts.skipped.total() if overview else 0,
            )
        )

    def _rate(self) -> float:
        """Records per second that arrived over the last seconds."""
        now = time.monotonic()
        while len(self._arrivals) > 1 and self._arrivals[1][0] < now - _RATE_SECONDS:
            self._arrivals.popleft()
        if len(self._arrivals) < 2:  # noqa: PLR2004 - a rate needs two readings
            return 0.0
        (began, first), (_, last) = self._arrivals[0], self._arrivals[-1]
        return (last - first) / max(1.0, min(now - began, _RATE_SECONDS))

    def action_help(self) -> None:
        """Show all keys, or hide them."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()
