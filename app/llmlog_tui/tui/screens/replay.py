"""Replay: one run step by step, at its own pace or the user's."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from llmlog_tui.tui.keys.views import REPLAY_BINDINGS
from llmlog_tui.tui.panes.scrubber import Scrubber
from llmlog_tui.tui.panes.steps import StepsPane
from llmlog_tui.tui.playback import PlaybackClock
from llmlog_tui.tui.queries import ReplayQuery, ReplayResult
from llmlog_tui.tui.render import replay_text
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview

_FRAMES_PER_SECOND: Final = 20
_DETAIL_AFTER_SECONDS: Final = 0.08


class ReplayScreen(LogView):
    """Steps, content and detail of the current one, and where in the run it stands."""

    NAME = "replay"
    AUTO_FOCUS = "#timeline"
    BINDINGS: ClassVar[list[BindingType]] = [*REPLAY_BINDINGS]

    def __init__(
        self, trace_id: str, row: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._trace_id = trace_id
        self._wanted_row = row
        self._player = PlaybackClock(clock)
        self._run: ReplayResult | None = None
        self._at = 0
        self._timer: Timer | None = None
        self._settling: Timer | None = None
        self._line: bytes | None = None
        self._line_of: tuple[str, int, int] | None = None
        self._mode = 0
        self._shows_content = False
        self._crumb = Static(id="crumb")
        self.steps = StepsPane()
        self.content_sheet = TextPane(id="content")
        self.detail_sheet = TextPane(id="detail")
        self.scrub = Scrubber()

    def body(self) -> Iterable[Widget]:
        """Breadcrumb, steps above content beside detail, scrub."""
        yield self._crumb
        yield Horizontal(
            Vertical(self.steps, self.content_sheet, id="replay-left"),
            self.detail_sheet,
            id="replay-body",
        )
        yield self.scrub

    def on_mount(self) -> None:
        """Label what has nothing yet, and get ready to play."""
        self.steps.redraw()
        self._timer = self.set_interval(1 / _FRAMES_PER_SECOND, self._tick, pause=True)

    def reform(self) -> None:
        """On a small screen, one of content and detail at a time."""
        self.steps.compact = self.compact
        self._say_where()
        self.draw_detail()

    # -- what is shown

    @property
    def ask(self) -> ReplayQuery:
        """The run."""
        return ReplayQuery(self._trace_id)

    @property
    def row(self) -> int | None:
        """The current step's record."""
        return None if self._run is None else self._run.replay.steps[self._at].row

    @property
    def trace_at_hand(self) -> str:
        """The trace that is replayed."""
        return self._trace_id

    @property
    def reopening(self) -> Message:
        """The wish to replay this trace."""
        return self.ReplayWanted(self._trace_id)

    def bearings(self) -> object:
        """The current step."""
        return self.row

    def return_to(self, bearings: object) -> None:
        """Go to that step, if need be when the run is here."""
        if isinstance(bearings, int) and self._run is not None:
            self.go_to(bearings)
        elif isinstance(bearings, int):
            self._wanted_row = bearings

    def show(self, overview: Overview, answer: object | None) -> None:
        """Show the run as far as it is known; a running one grows."""
        del overview
        run = cast("ReplayResult | None", answer)
        if run is None or not run.replay.steps or run.replay.trace_id != self._trace_id:
            if not self._is_kept:
                self._settle()
            return
        here = self._wanted_row if self._run is None else self.row
        self._run, self._wanted_row = run, None
        self._at = 0 if here is None else run.replay.places.get(here, 0)
        self._say_where()
        self._go(self._at)

    def _say_where(self) -> None:
        if self._run is not None and self.overview is not None:
            self._crumb.update(replay_text.crumb(self._run, self.overview, self.size.width))

    def go_to(self, row: Hashable) -> None:
        """Go to a step of this run; to a record elsewhere, in the Overview."""
        places = {} if self._run is None else self._run.replay.places
        found = places.get(row) if isinstance(row, int) else None
        if found is None:
            super().go_to(row)
        else:
            self._pause()
            self._go(found)

    def _go(self, at: int) -> None:
        """Make step number `at` the current one: the cursor at once, the detail a moment later."""
        run = self._run
        if run is None:
            return
        self._at = min(max(0, at), len(run.replay.steps) - 1)
        now, places = self._at, run.replay.places
        self.steps.following = False
        self.steps.hold(run.timeline, lambda row: places[row] <= now)
        self.steps.move_to(run.replay.steps[self._at].row)
        self.scrub.hold(run.replay, self._at, self._state(run))
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(_DETAIL_AFTER_SECONDS, self._settle)

    def _state(self, run: ReplayResult) -> str:
        return replay_text.state(run, self._at, self._player.speed, is_playing=self.playing)

    def _settle(self) -> None:
        """Show the detail of the current step, and have its line read."""
        row = self.row
        if self.overview is None or row is None:
            return
        if not self._is_kept:
            self._line = self._line_of = None
            for sheet in (self.detail_sheet, self.content_sheet):
                sheet.hold("Let go of", [Content.styled(self.LET_GO, "$text-muted")])
            return
        place = self.overview.place(row)
        if place != self._line_of:
            self._line, self._line_of = None, place
            self.post_message(self.LineWanted(place))
        self.draw_detail()

    @property
    def _is_kept(self) -> bool:
        """Whether the current step's record is there: a window that moves on lets go of it."""
        return self.overview is not None and self.row is not None and self.overview.has(self.row)

    def take_line(self, place: tuple[str, int, int], line: bytes | None) -> None:
        """The current step's line is here."""
        if place == self._line_of:
            self._line = line
            self.draw_detail()

    def draw_detail(self) -> None:
        """Draw the current step's, and its content."""
        if self._run is None or self.overview is None or self._line_of is None or not self._is_kept:
            return
        step = self._run.replay.steps[self._at]
        width, file = self.detail_sheet.size.width - 2, self._line_of[0]
        lines = [*self.noted(step.row)]
        lines += replay_text.detail(self.overview, step, self._line, file, width)
        lines = [line for line in lines if line.plain or not self.compact]
        title, total = f"Step {replay_text.number(step)} · {step.name}", len(self._run.replay.steps)
        self.detail_sheet.hold(title, lines, f"{self._at + 1:,} of {total:,}")
        mode = replay_text.MODES[self._mode]
        shown = replay_text.content(mode, self._line, file)
        self.content_sheet.hold(mode.capitalize(), shown, "v: content, raw, fields")
        self.detail_sheet.display = not self.compact or not self._shows_content
        self.content_sheet.display = not self.compact or self._shows_content

    # -- what the user does

    @on(LineTable.Highlighted, "#timeline")
    def _step_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            self.go_to(message.key)

    @on(LineTable.Selected, "#timeline")
    def action_record(self) -> None:
        """Show the record of the current step whole."""
        if self._line_of is not None:
            self.post_message(self.RecordWanted(self._line_of))

    @on(Scrubber.Sought)
    def _scrubbed(self, message: Scrubber.Sought) -> None:
        self._pause()
        self._go(message.at)

    def action_step(self, steps: int) -> None:
        """Go so many steps on."""
        self._pause()
        self._go(self._at + steps)

    def follow(self) -> None:
        """Go to the last step."""
        self.action_step(len(self._run.replay.steps) if self._run is not None else 0)

    def action_view_as(self) -> None:
        """Content, raw line, fields; on a small screen the detail comes first."""
        if self.compact and not self._shows_content:
            self._shows_content = True
        else:
            self._mode = (self._mode + 1) % len(replay_text.MODES)
            self._shows_content = not self.compact or self._mode != 0
        self.draw_detail()

    def action_error(self, direction: int) -> None:
        """Go to the next failed step of this run, or with -1 to the one before."""
        run = self._run
        found = None if run is None else run.replay.next_failed(self._at, direction)
        if found is None:
            self.hint(f"No failed step {'after' if direction > 0 else 'before'} this one.")
        else:
            self.leave()
            self._pause()
            self._go(found)

    def action_back(self) -> None:
        """Back to where the replay was opened."""
        self.dismiss()

    # -- playing

    @property
    def playing(self) -> bool:
        """Whether time runs."""
        return self._player.playing

    def action_play(self) -> None:
        """Play from here, from the start if this is the end; or pause."""
        if self._run is None or self._timer is None:
            return
        if self.playing:
            self._pause()
            return
        replay = self._run.replay
        if self._at == len(replay.steps) - 1:
            self._at = 0
        self._player.start(replay.appears_ms[self._at])
        self._timer.resume()
        self._go(self._at)

    def _pause(self) -> None:
        if self._timer is not None and self.playing:
            self._timer.pause()
            self._player.stop()
            self._go(self._at)

    def action_speed(self, by: int) -> None:
        """Play faster, or with -1 slower."""
        self._player.faster(by)
        if self._run is not None:
            self.scrub.hold(self._run.replay, self._at, self._state(self._run))

    def _tick(self) -> None:
        """Let time pass; steps appear as it comes to them."""
        if self._run is None:
            return
        replay, played_ms = self._run.replay, self._player.tick()
        if (at := replay.index_at(played_ms)) > self._at:
            self._go(at)
        if self._at == len(replay.steps) - 1 and played_ms >= replay.played_ms:
            self._pause()
