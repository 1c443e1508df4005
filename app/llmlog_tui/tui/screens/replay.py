"""Replay of one trace, step by step or in real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.views import REPLAY_BINDINGS
from llmlog_tui.tui.navigation import Intent, RestoreState, SelectStep
from llmlog_tui.tui.panes.content import ContentPane
from llmlog_tui.tui.panes.running import GROWS_S
from llmlog_tui.tui.panes.scrubber import Scrubber
from llmlog_tui.tui.panes.step_rows import StepInFlight
from llmlog_tui.tui.panes.timeline import StepsPane
from llmlog_tui.tui.playback import PlaybackClock
from llmlog_tui.tui.queries import ReplayQuery, ReplayResult
from llmlog_tui.tui.render import replay_text, running_text
from llmlog_tui.tui.render.cells import is_tool
from llmlog_tui.tui.render.replay_text import MODES
from llmlog_tui.tui.screens.location import DetailTimer
from llmlog_tui.tui.screens.log_view import LogView, RecordLine
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.replay import CallKind
    from llmlog_tui.log.starts import RunningStep
    from llmlog_tui.tui.queries import SearchState, StepContent

_FRAMES_PER_SECOND: Final = 20
_EARLIER: Final = 8
"""Maximum earlier calls among which a step's prompt is sought."""


class ReplayScreen(LogView):
    """The steps, content and detail of the current one, and the scrubber."""

    NAME = "replay"
    AUTO_FOCUS = "#timeline"
    BINDINGS: ClassVar[list[BindingType]] = [*REPLAY_BINDINGS]

    @dataclass
    class ReplayClosed(Message):
        """The screen is not on the stack any more."""

        screen: ReplayScreen

    def __init__(self, trace_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._trace_id = trace_id
        self._playback = PlaybackClock(clock)
        self._run: ReplayResult | None = None
        self._index = 0
        self._in_flight: Sequence[RunningStep] = ()
        self._begun: str | None = None  # span_id, if the cursor is on a step in flight
        self._growth: Timer | None = None
        self._timer: Timer | None = None
        self._detail_timer = DetailTimer(self, self._update_detail)
        self._shows_content = False
        self._is_zoomed = False
        self._content: StepContent | None = None
        self._hit: tuple[str, int | None] | None = None  # the search's last one that was shown
        self._crumb = Static(id="crumb")
        self.steps = StepsPane()
        self.content_pane = ContentPane()
        self.detail_pane = TextPane(id="detail")
        self.scrub = Scrubber()

    def body(self) -> Iterable[Widget]:
        yield self._crumb
        yield Horizontal(
            Vertical(self.steps, self.content_pane, id="replay-left"),
            self.detail_pane,
            id="replay-body",
        )
        yield self.scrub

    def on_mount(self) -> None:
        self.steps.redraw()
        self._timer = self.set_interval(1 / _FRAMES_PER_SECOND, self._tick, pause=True)
        self._growth = self.set_interval(GROWS_S, self._grow, pause=True)

    def on_unmount(self) -> None:
        self.app.post_message(self.ReplayClosed(self))  # itself it is closed to messages

    def apply_layout(self) -> None:
        self.steps.compact = self.content_pane.compact = self.compact
        self._draw_crumb()
        self.draw_detail()

    # -- data

    @property
    def current_query(self) -> ReplayQuery:
        return ReplayQuery(self._trace_id)

    @property
    def cursor_key(self) -> int | None:
        """Key of the current step's record; None of a step in flight."""
        return None if self._begun is not None else self._played_row

    @property
    def _played_row(self) -> int | None:
        """Key of the last played step; None before any has ended."""
        steps = () if self._run is None else self._run.replay.steps
        return steps[self._index].row if steps else None

    @property
    def target_trace(self) -> str:
        return self._trace_id

    @property
    def reopen_message(self) -> Message:
        return self.ReplayRequested(self._trace_id)

    def get_state(self) -> object:
        return self._played_row

    def apply_intent(self, intent: Intent) -> bool:
        if self._run is None:
            return False
        if isinstance(intent, SelectStep):
            self.go_to(intent.row)
        elif isinstance(intent, RestoreState) and isinstance(intent.state, int):
            self.go_to(intent.state)
        return True

    def update_body(self, overview: Overview, result: object | None) -> None:
        """Show the trace as it is known; a running one grows."""
        run = cast("ReplayResult | None", result)
        self._in_flight = overview.steps_in_flight(self._trace_id)
        is_shown = run is not None and run.replay.trace_id == self._trace_id
        if run is None or not is_shown or not (run.replay.steps or self._in_flight):
            if not self._is_kept:
                self._update_detail()
            return
        row, begun, self._run = self._played_row, self._begun, run
        if self._in_flight and self._growth is not None:
            self._growth.resume()
        self._draw_crumb()
        self._show_step(0 if row is None else run.replay.index_by_key.get(row, 0))
        if not run.replay.steps:  # there is nothing to play
            spans = [step.span_id for step in self._in_flight]
            self._index, begun = 0, begun if begun in spans else spans[0]
            self.steps.update(run.timeline, None, self._in_flight)
        if begun is not None:
            self.steps.move_to(StepInFlight(begun))
            self._show_begun(begun)

    def _draw_crumb(self) -> None:
        if self._run is not None and self.overview is not None:
            self._crumb.update(replay_text.breadcrumb(self._run, self.overview, self.size.width))

    def go_to(self, row: Hashable) -> bool:
        """Go to a step of this trace; False for other records."""
        if isinstance(row, StepInFlight):
            self._pause()
            self._show_begun(row.span_id)
            return self.steps.move_to(row)
        places = {} if self._run is None else self._run.replay.index_by_key
        index = places.get(row) if isinstance(row, int) else None
        if index is not None:
            self._pause()
            self._show_step(index)
        return index is not None

    def _show_step(self, index: int) -> None:
        """Make a step the current one: the cursor moves at once, the detail follows."""
        run = self._run
        if run is None or not run.replay.steps:
            return
        self._index = min(max(0, index), len(run.replay.steps) - 1)
        self._begun = None
        now, places = self._index, run.replay.index_by_key
        self.steps.following = False
        self.steps.update(run.timeline, lambda row: places[row] <= now, self._in_flight)
        self.steps.move_to(run.replay.steps[now].row)
        self.scrub.update(run.replay, now, self._state(run))
        self._detail_timer.restart()
        self.refresh_bindings()

    def _show_begun(self, span_id: str) -> None:
        """Show the detail of a step in flight; the position of the replay stays."""
        if any(step.span_id == span_id for step in self._in_flight):
            self._begun = span_id
            if self._run is not None:
                self.scrub.update(self._run.replay, self._index, self._state(self._run))
            self._detail_timer.restart()
            self.refresh_bindings()

    def _grow(self) -> None:
        """Let the bars of steps in flight grow; stop once none is left."""
        now = datetime.now(UTC)
        if self._growth is not None and all(step.is_gone(now) for step in self._in_flight):
            self._growth.pause()
        self.steps.grow()
        if self._begun is not None:
            self._draw_begun()

    @property
    def _step_in_flight(self) -> RunningStep | None:
        """The step in flight under the cursor."""
        return next((step for step in self._in_flight if step.span_id == self._begun), None)

    def _draw_begun(self) -> None:
        """Draw the step in flight under the cursor."""
        step = self._step_in_flight
        if step is None or self._run is None:
            return
        number = humanize.step_number(step.step)
        lines = running_text.detail(step, self._run.timeline.begin, datetime.now(UTC))
        self.detail_pane.update(f"Step {number} · {sanitize(step.label, 40)}", lines)
        self.content_pane.update_empty(running_text.NO_RECORD)
        self._share_room()

    def _state(self, run: ReplayResult) -> str:
        if (step := self._step_in_flight) is not None:
            return replay_text.state_in_flight(run, step)
        return replay_text.state(run, self._index, self._playback.speed, is_playing=self.playing)

    def _update_detail(self) -> None:
        """Show the detail of the current step, and have its line read."""
        if self._begun is not None:
            self.record_line = self._content = None
            self._draw_begun()
            return
        row = self.cursor_key
        if self.overview is None or row is None:
            return
        if self._is_kept:
            self._request_content(self.overview, row)
            return
        self.record_line = None
        self.detail_pane.update("Evicted", [Content.styled(self.EVICTED, "$text-muted")])
        self.content_pane.update_empty(self.EVICTED)

    def _request_content(self, overview: Overview, row: int) -> None:
        """Have the content of a step read, and draw the rest of its detail."""
        location = overview.location(row)
        if self.record_line is None or location != self.record_line.location:
            self.record_line, self._content = RecordLine(location), None
            steps = () if self._run is None else self._run.replay.steps[: self._index]
            calls = [step for step in steps if not is_tool(step) and overview.has(step.row)]
            earlier = [(step.step, step.row) for step in calls[: -_EARLIER - 1 : -1]]
            self.post_message(self.ContentRequested(row, tuple(earlier)))
        self.draw_detail()

    def update_content(self, content: StepContent) -> None:
        if content is self._content:  # no message is shared with an earlier step
            return
        if self.record_line is not None and content.location == self.record_line.location:
            self._content = content
        super().update_content(content)

    @property
    def _is_kept(self) -> bool:
        """Whether the current step's record is still in the window of --last."""
        overview, row = self.overview, self.cursor_key
        return overview is not None and row is not None and overview.has(row)

    def draw_detail(self) -> None:
        read = self.record_line
        if self._run is None or self.overview is None or read is None or not self._is_kept:
            return
        step = self._run.replay.steps[self._index]
        width, file = self.detail_pane.size.width - 2, read.location[0]
        lines = [*self.note_lines(step.row)]
        detail = self.overview.detail(step.row)
        lines += replay_text.detail(detail, step.start, read.decoded, file, width)
        lines = [line for line in lines if line.plain or not self.compact]
        number, total = humanize.step_number(step.step), len(self._run.replay.steps)
        title = f"Step {number} · {step.name}"
        self.detail_pane.update(title, lines, f"{self._index + 1:,} of {total:,}")
        if self._content is not None:
            name = f"step {number} {step.name}"
            note = replay_text.answer_note(detail.record)
            self.content_pane.update(name, self._content, note)
            self._go_to_hit()
        self._share_room()

    def _share_room(self) -> None:
        """Show detail and content, or the one in use if there is room for one."""
        shares_room = not self.compact and not self._is_zoomed
        self.detail_pane.display = shares_room or not self._shows_content
        self.content_pane.display = shares_room or self._shows_content

    def update_search(self, search: SearchState) -> None:
        super().update_search(search)
        self.content_pane.mark(search.text if search.found else "")
        self._go_to_hit()

    def _go_to_hit(self) -> None:
        """Go to the words in the current step's content, once for each hit."""
        search, content = self.search, self._content
        hit = search.text, search.row
        is_here = search.excerpt is not None and search.row == self.cursor_key
        if is_here and content is not None and hit != self._hit:
            self._hit = hit
            self._show_content()
            self.call_after_refresh(self.content_pane.go_to_marked)  # when it has its size

    @property
    def target_message(self) -> int | None:
        return self.content_pane.message if self.content_pane.has_focus else None

    # -- actions

    @on(LineTable.Highlighted, "#timeline")
    def _step_highlighted(self, message: LineTable.Highlighted) -> None:
        if message.by_user:
            self.go_to(message.key)

    @on(LineTable.Selected, "#timeline")
    def action_record(self) -> None:
        """Show the whole record of the current step."""
        if self._begun is not None:
            self.hint(running_text.NO_RECORD)
        elif self.record_line is not None:
            self.post_message(self.RecordRequested(self.record_line.location))

    @on(Scrubber.SeekRequested)
    def _scrubbed(self, message: Scrubber.SeekRequested) -> None:
        self._pause()
        self._show_step(message.index)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys that would do nothing: of a step or a run without a record."""
        has_steps = self._run is not None and bool(self._run.replay.steps)
        works = {
            "play": has_steps,
            "speed": has_steps,
            "step": len(self.steps.source) > 1,
            "view_as": self._begun is None,
            "answer": self._begun is None and self.content_pane.has_answer,
            "zoom": self._begun is None or self._is_zoomed,
        }
        return works.get(action, True) and super().check_action(action, parameters)

    def action_step(self, steps: int) -> None:
        """Move by a number of rows: steps, and after them those in flight."""
        rows, at = self.steps.source, self.steps.source.index(self.steps.cursor_key)
        if at is not None:
            self.go_to(rows.key(min(max(0, at + steps), len(rows) - 1)))

    def follow(self) -> None:
        self.action_step(len(self.steps.source))

    def action_view_as(self) -> None:
        """Cycle through the ways to show a step; in the compact form detail comes first."""
        mode = MODES.index(self.content_pane.mode)
        had_focus = self.focused in (self.detail_pane, self.content_pane)
        if self.compact and not self._shows_content:
            self._shows_content = True
        else:
            mode = (mode + 1) % len(MODES)
            self._shows_content = not self.compact or self._is_zoomed or mode != 0
        self.draw_detail()
        self.content_pane.set_mode(mode)
        if had_focus and self.compact:  # one of them is in the place of the other
            (self.content_pane if self._shows_content else self.detail_pane).focus()

    def action_answer(self) -> None:
        """Go to the answer in the conversation."""
        self._show_content()
        self.content_pane.action_answer()

    def action_zoom(self) -> None:
        """Give the conversation the whole screen, and back."""
        self._is_zoomed = self.content_pane.is_zoomed = not self._is_zoomed
        self.set_class(self._is_zoomed, "-zoomed")
        if self._is_zoomed:
            self._show_content()
        else:
            self._shows_content = False
            self.draw_detail()
            self.steps.focus()

    def _show_content(self) -> None:
        self._shows_content = True
        self.draw_detail()
        self.content_pane.focus()

    def action_next_call(self, kind: CallKind, direction: int) -> None:
        """Go to the next step of a kind, or with -1 to the previous one."""
        run = self._run
        steps = () if run is None else run.replay.steps
        here = self._index if self._begun is None else len(steps)  # after all that have ended
        found = None if run is None else run.replay.next_step(kind, here, direction)
        if found is None:
            self.hint(f"No {kind} step {'after' if direction > 0 else 'before'} this one.")
        else:
            self.start_jump()
            self._pause()
            self._show_step(found)

    @property
    def is_maximised(self) -> bool:
        return self._is_zoomed

    def action_back(self) -> None:
        """Leave the conversation's full screen, else close the replay."""
        if self._is_zoomed:
            self.action_zoom()
        else:
            self.dismiss()

    # -- playing

    @property
    def playing(self) -> bool:
        return self._playback.playing

    def action_play(self) -> None:
        """Play from the current step (from the start, if it is the last), or pause."""
        if self._run is None or self._timer is None or not self._run.replay.steps:
            return
        if self.playing:
            self._pause()
            return
        replay = self._run.replay
        if self._index == len(replay.steps) - 1:
            self._index = 0
        self._playback.start(replay.appears_ms[self._index])
        self._timer.resume()
        self._show_step(self._index)

    def _pause(self) -> None:
        if self._timer is not None and self.playing:
            self._timer.pause()
            self._playback.stop()
            self._show_step(self._index)

    def action_speed(self, by: int) -> None:
        """Play faster, or slower with -1."""
        self._playback.change_speed(by)
        if self._run is not None and self._run.replay.steps:
            self.scrub.update(self._run.replay, self._index, self._state(self._run))

    def _tick(self) -> None:
        """Advance to the step that is due at the played time."""
        if self._run is None:
            return
        replay, played_ms = self._run.replay, self._playback.tick()
        if (at := replay.index_at(played_ms)) > self._index:
            self._show_step(at)
        if self._index == len(replay.steps) - 1 and played_ms >= replay.played_ms:
            self._pause()
