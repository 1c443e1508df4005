"""The dashboard: owns the state, asks the workers, hands their answers to the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import BindingType

from llmlog_tui.config.settings import Memory, Settings
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens
from llmlog_tui.tui.alert_throttle import AlertThrottle
from llmlog_tui.tui.keys.views import APP_BINDINGS
from llmlog_tui.tui.messages import (
    AnalysisDone,
    AnalysisRequest,
    Failed,
    FilterRejected,
    Loaded,
    Progress,
)
from llmlog_tui.tui.navigation import History
from llmlog_tui.tui.palette import Palette
from llmlog_tui.tui.runtime.gc_tuning import GcTuner
from llmlog_tui.tui.runtime.key_queue import KeyQueue
from llmlog_tui.tui.runtime.shutdown import GracefulExit
from llmlog_tui.tui.screens.dialogs.splash import SplashScreen
from llmlog_tui.tui.status import ReadStatus
from llmlog_tui.tui.views import VIEWS
from llmlog_tui.tui.workers.analysis import AnalysisWorker
from llmlog_tui.tui.workers.bookmarks import BookmarkWorker
from llmlog_tui.tui.workers.reader import ReaderWorker

if TYPE_CHECKING:
    from textual.screen import Screen

    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.config.rules import Rules
    from llmlog_tui.tui.screens import LogView

_LOADING_FACTOR = 2
"""While loading, answers come at so many times the records of the last ones: few, and at once."""


class LogApp(Palette):
    """`llmlog-tui`: the dashboard for one or several logs.

    `trace` is selected at the start, and only the calls are shown for which the SQL predicate
    `where` holds. `memory` is what earlier runs left; without one this is like the first.
    With `welcome`, somebody whose log is not there yet is told what to do; the App's result is
    `demo` if that is to be shown.
    """

    TITLE = "llmlog"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*APP_BINDINGS]

    _asked: AnalysisRequest | None = None
    _answered: AnalysisRequest | None = None
    _answer: object | None = None
    _frozen = False

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
        welcome: bool = False,
    ) -> None:
        super().__init__()
        self._feed = ReaderWorker(files, self.post_message, follow=follow, last=last, stdin=stdin)
        self._promptness = GcTuner()
        typing = self._promptness.is_typing
        self._analyst = AnalysisWorker(self.post_message, slow_ms, rules, is_typing=typing)
        self._views: list[LogView] = []
        self._turns = KeyQueue(self, super().on_event)
        self._trail = History()
        self._keeper = BookmarkWorker(self._feed.lines_of, self.post_message)
        self._toasts = AlertThrottle()
        self._leaving = GracefulExit(lambda code: self.exit(return_code=code))
        names = files.names if isinstance(files, Sources) else files
        self._standing = ReadStatus(tuple(Path(name) for name in names))
        self._settings = settings or Settings()
        self.dress()
        self._memory = memory or Memory()
        self._welcome = welcome
        self._where = where
        self._wanted_trace = trace

    # -- start and end

    def on_load(self) -> None:
        """Be ready to leave in order."""
        self._leaving.begin()

    def get_default_screen(self) -> Screen[None]:
        """The first frame: all that it does not need is imported and made behind it."""
        return SplashScreen(self._standing.headline(None, held_back=None, unseen=0))

    @property
    def default_screen(self) -> Screen[Any]:
        """Where a query from the App looks: in the first view, once there are views."""
        return self._views[0] if self._views else super().default_screen

    def on_mount(self) -> None:
        """Begin as soon as the first frame is painted."""
        self.set_keymap(dict(self._settings.keys))
        self.call_after_refresh(self._begin)

    def on_ready(self) -> None:
        """The screen stands."""
        self._leaving.ready()

    async def _begin(self) -> None:
        """Let the workers begin and make the views: the first frame is painted."""
        self._promptness.begin()
        self.work("reader", self._feed.run)
        self.work("analyst", self._analyst.run)
        for name in VIEWS:
            self.add_mode(name, partial(self._opened, name))
        await self.switch_mode(next(iter(VIEWS)))
        self.set_interval(1.0, self._each_second)
        self.say()
        await self._turns.begin()

    def _opened(self, name: str) -> LogView:
        """A view that is opened for the first time."""
        view = screens.new_view(name)
        view.recall(self._memory, self._settings.rows)
        view.wait_for(self._standing.progress.waiting)
        self._views.append(view)
        return view

    def on_unmount(self) -> None:
        """Let the workers go."""
        self._feed.stop()
        self._analyst.stop()
        self._promptness.end()

    async def on_event(self, event: events.Event) -> None:
        """Whatever comes; of keys it is noted that somebody types, and they wait for their turn."""
        if isinstance(event, events.Key):
            self._promptness.typed()
        early = () if self._views else (events.InputEvent,)
        if isinstance(event, (events.Key, events.Paste, *early)) and not event.is_forwarded:
            await self._turns.take(event)
        else:
            await super().on_event(event)

    def _each_second(self) -> None:
        self.say()
        self._promptness.rest()
        self._leaving.look()

    # -- what tests wait for

    @property
    def records_shown(self) -> int:
        """How many records the screen is about."""
        return 0 if self._overview is None else self._overview.snapshot.counts.records

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way, or reading has not come to the end of the files."""
        return self._asked is not self._answered or self._standing.progress.state == "loading"

    # -- what the workers say

    def on_loaded(self, message: Loaded) -> None:
        """There are more records, or reading is in another state."""
        self._snapshot = message.snapshot
        self._standing.take(message)
        for view in self._views:
            view.wait_for(message.progress.waiting)
        self._greet(message.progress)
        loading = message.progress.state == "loading" and self._overview is not None
        if not loading or self._snapshot.counts.records >= _LOADING_FACTOR * self.records_shown:
            self._ask()
        self.say()

    def _greet(self, progress: Progress) -> None:
        """Say how a log is made while there is none; say no more once there is."""
        if self._welcome and progress.waiting:
            self.push_screen(screens.WelcomeDialog(progress.waiting[0].name), self._greeted)
            self._welcome = False
        elif isinstance(self.screen, screens.WelcomeDialog) and not progress.waiting:
            self.screen.dismiss("wait")

    def _greeted(self, wish: str | None) -> None:
        if wish in ("demo", "quit"):
            self.exit(result=wish)

    def on_analysis_done(self, message: AnalysisDone) -> None:
        """The answers for a snapshot; none for a later one than the screen is frozen at."""
        self._answered = message.question
        self._tell(message.news)
        here = self._overview
        if self._frozen and here is not None and message.overview.snapshot is not here.snapshot:
            self._asked = self._answered = None
            return
        first = self._overview is None
        self._overview, self._answer = message.overview, message.answer
        self._show()
        if first:
            self.call_after_refresh(self._feed.shown)
            self._promptness.loaded()
            self.find_now()
        self.select_wanted_trace()
        self._ask()
        self.say()

    def _show(self) -> None:
        """Give the view on screen the answers that are for it."""
        if self._overview is not None:
            mine = self._answered is not None and self._answered.ask == self.view.ask
            self.view.take(self._overview, self._answer if mine else None)
            if self._overview.where == self._where:
                self.arrive()

    def ask_anew(self) -> None:
        """Show what there is, and ask for what is missing."""
        self._show()
        self._ask()

    def on_filter_rejected(self, message: FilterRejected) -> None:
        """A filter has no answer: say why, and go on without."""
        self._asked = self._answered = None
        self._where = None
        self.notify(sanitize(message.why), title="No such filter", severity="error", markup=False)
        self._ask()

    def _tell(self, news: Sequence[Alert]) -> None:
        """A toast and the bell for alerts that have just fired."""
        due = self._toasts.due(news)
        for alert in due:
            what = sanitize(f"{alert.subject}  {alert.what}") + "\nw goes to it"
            self.notify(what, title=f"▲ New alert: {alert.rule}", severity="warning", markup=False)
        if due and self._settings.bell:
            self.bell()

    def on_failed(self, message: Failed) -> None:
        """A worker raised: say so, and go on with what there is."""
        if message.who == "reader":
            self._standing.progress = Progress("failed")
            self.say()
        why, title = sanitize(repr(message.error)), f"The {message.who} failed"
        self.notify(why, title=title, severity="error", markup=False)

    def _ask(self) -> None:
        """Ask for answers to what the screen shows now, unless they are here or on their way."""
        snapshot = self._snapshot
        if self._frozen and self._overview is not None:
            snapshot = self._overview.snapshot
        if snapshot is None:
            return
        question = AnalysisRequest(snapshot, self._where, self.view.ask)
        if not question.is_same(self._asked):
            self._asked = question
            self._analyst.ask(question)

    def say(self) -> None:
        """Say in the top row what is open and how it stands."""
        records = 0 if self._snapshot is None else self._snapshot.counts.records
        held_back = records - self.records_shown if self._frozen else None
        line = self._standing.headline(self._overview, held_back=held_back, unseen=self.view.unseen)
        self.view.header.headline = replace(line, silent=self._toasts.silent)

    # -- what the user does

    def on_log_view_asks(self, message: LogView.Asks) -> None:
        """A view was opened, or asks something else: give it what is there, and ask."""
        if message.view is self.view:
            if message.view.overview is not self._overview:
                self._show()
            self._ask()
            self.say()

    def action_freeze(self) -> None:
        """Stop the screen, or let it run again; reading goes on either way."""
        self._frozen = not self._frozen
        self._ask()
        self.say()

    def action_follow(self) -> None:
        """Go to the newest record and stay there."""
        self.leave()
        self._frozen = False
        self.view.follow()
        self._ask()
        self.say()
