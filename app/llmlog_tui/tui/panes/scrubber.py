"""A run on one line of time: its events by mark, what has been played, and the totals so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.tui.render.timeline_bars import Axis

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.replay import Replay, RunningTotals
    from llmlog_tui.analysis.traces.timeline import Step

_MARKS: Final = (
    ("failed", "✗", "$text-error"),
    ("truncated", "┤", "$text-warning"),
    ("changed", "≠", "$text-accent"),
    ("retried", "↻", "$text-warning"),
    ("", "·", "$text-muted"),
)
"""What a step is marked with, the gravest first."""

_AXIS_FROM: Final = 4
"""So many rows have room for the axis."""

_MARGIN: Final = 1


@dataclass(frozen=True, eq=False)
class _ScrubLine:
    """Where the steps of a replay stand on a line of cells.

    By cell: the place in _MARKS of the gravest of the steps there, and the first of them; both are
    None where no step begins.
    """

    axis: Axis
    marks: list[int | None]
    firsts: list[int | None]

    @classmethod
    def of(cls, replay: Replay, width: int) -> _ScrubLine:
        axis = Axis.of(max(step.end for step in replay.steps), width)
        marks: list[int | None] = [None] * width
        firsts: list[int | None] = [None] * width
        for place, step in enumerate(replay.steps):
            cell = min(width - 1, int(axis.cell(step.start)))
            there, mark = marks[cell], _mark(step)
            marks[cell] = mark if there is None else min(mark, there)
            if firsts[cell] is None:
                firsts[cell] = place
        return cls(axis, marks, firsts)

    def cell(self, step: Step) -> int:
        return min(self.axis.width - 1, int(self.axis.cell(step.start)))

    def nearest(self, cell: int) -> int | None:
        """The first step of the cell nearest to this one in which any begins."""
        there = (n for n, first in enumerate(self.firsts) if first is not None)
        return self.firsts[min(there, key=lambda n: abs(n - cell))]


class Scrubber(Widget):
    """Where the replay stands; the mouse takes it elsewhere."""

    @dataclass
    class Sought(Message):
        """The step at place `at` of the replay is wanted."""

        at: int

    def __init__(self) -> None:
        super().__init__(id="scrub")
        self._replay: Replay | None = None
        self._line: _ScrubLine | None = None
        self._at = 0
        self._is_held = False

    def hold(self, replay: Replay, at: int, state: str) -> None:
        """Show that step number `at` of the replay is the current one; `state` is the title."""
        if replay is not self._replay:
            self._line = None
        self._replay, self._at = replay, at
        self.border_title = Content(state)
        self.border_subtitle = Content("gaps over 2 s play as 0.5 s · real time at 1×")
        self.refresh()

    # -- the mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go to the step under the mouse, and with it until it is let go."""
        self._is_held = True
        self.capture_mouse()
        self._seek(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go with the mouse."""
        if self._is_held:
            self._seek(event)

    def on_mouse_up(self) -> None:
        """Stay."""
        self._is_held = False
        self.release_mouse()

    def _seek(self, event: events.MouseEvent) -> None:
        offset = event.get_content_offset_capture(self)
        at = None if self._line is None else self._line.nearest(offset.x - _MARGIN)
        if at is not None and at != self._at:
            self.post_message(self.Sought(at))

    # -- drawing

    def render(self) -> Content:
        """Marks, track, axis, totals; without the axis where there are only three rows."""
        replay = self._replay
        if replay is None or not replay.steps:
            return Content("")
        width = max(1, self.size.width - 2 * _MARGIN)
        if self._line is None or self._line.axis.width != width:
            self._line = _ScrubLine.of(replay, width)
        line = self._line
        rows = [self._marks(line), self._track(line, line.cell(replay.steps[self._at]))]
        if self.size.height >= _AXIS_FROM:
            rows.append(Content.styled(line.axis.labels(), "$text-muted"))
        rows.append(self._totals(replay.moments[self._at], replay.end))
        return Content("\n").join(Content(" " * _MARGIN) + row for row in rows)

    def _marks(self, line: _ScrubLine) -> Content:
        drawn = (" " if mark is None else _MARKS[mark][1:] for mark in line.marks)
        return Content.assemble(*drawn)

    def _track(self, line: _ScrubLine, head: int) -> Content:
        played = "".join("━" if first is None else "╋" for first in line.firsts[:head])
        rest = "".join("─" if first is None else "┼" for first in line.firsts[head + 1 :])
        return Content.assemble(
            (played, "$text-primary"), ("●", "$text-primary bold"), (rest, "$text-muted")
        )

    def _totals(self, now: RunningTotals, end: RunningTotals) -> Content:
        figures = (
            ("elapsed", humanize.duration(now.elapsed_ms), humanize.duration(end.elapsed_ms)),
            ("calls", humanize.integer(now.calls), humanize.integer(end.calls)),
            ("tools", humanize.integer(now.tools), humanize.integer(end.tools)),
            ("in", humanize.count(now.prompt_tokens), humanize.count(end.prompt_tokens)),
            ("out", humanize.count(now.completion_tokens), humanize.count(end.completion_tokens)),
            ("rsn", humanize.count(now.reasoning_tokens), humanize.count(end.reasoning_tokens)),
            ("cost", humanize.money(now.cost_usd), humanize.money(end.cost_usd)),
            ("errors", humanize.integer(now.errors), humanize.integer(end.errors)),
        )
        full = [(label, value, f" of {total}") for label, value, total in figures]
        short = [(label, value, "") for label, value, _ in full]
        fewer = (short[:n] for n in range(len(short), 0, -1))
        lines = (
            Content(gap).join(
                Content.assemble((f"{label} ", "$text-muted"), (value, "bold"), (of, "$text-muted"))
                for label, value, of in shown
            )
            for shown, gap in ((full, "   "), (full, "  "), *((some, "  ") for some in fewer))
        )
        room = self.size.width - 2 * _MARGIN
        return next((line for line in lines if line.cell_length <= room), Content(""))


def _mark(step: Step) -> int:
    """The place in _MARKS of what is gravest about a step."""
    if step.failed:
        return 0
    kinds = {note.kind for note in step.notes} | ({"truncated"} if step.truncated else set())
    return next(n for n, (kind, *_) in enumerate(_MARKS) if kind in kinds or not kind)
