"""The scrubber of a replay: steps on a track of time, and totals."""

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
    ("cut off", "┤", "$text-warning"),
    ("changed", "≠", "$text-accent"),
    ("retried", "↻", "$text-warning"),
    ("", "·", "$text-muted"),
)
"""Kind of a step, glyph and colour of its mark; the most severe first."""

_AXIS_FROM: Final = 4
"""Minimum rows of a scrubber with an axis."""

_MARGIN: Final = 1


@dataclass(frozen=True, eq=False)
class _ScrubLine:
    """Positions of a replay's steps on a line of cells.

    Per cell: the index in _MARKS of its most severe step, and the index of its first step; both
    are None in cells without steps.
    """

    axis: Axis
    marks: list[int | None]
    firsts: list[int | None]

    @classmethod
    def of(cls, replay: Replay, width: int) -> _ScrubLine:
        axis = Axis.of(max(step.end for step in replay.steps), width)
        marks: list[int | None] = [None] * width
        firsts: list[int | None] = [None] * width
        for index, step in enumerate(replay.steps):
            cell = min(width - 1, int(axis.cell(step.start)))
            other, mark = marks[cell], _mark(step)
            marks[cell] = mark if other is None else min(mark, other)
            if firsts[cell] is None:
                firsts[cell] = index
        return cls(axis, marks, firsts)

    def cell(self, elapsed_ms: float) -> int:
        return min(self.axis.width - 1, int(self.axis.cell(elapsed_ms)))

    def nearest(self, cell: int) -> int | None:
        """Return the first step of the nearest cell with steps."""
        cells = (n for n, first in enumerate(self.firsts) if first is not None)
        return self.firsts[min(cells, key=lambda n: abs(n - cell))]


class Scrubber(Widget):
    """The position of a replay, which the mouse can drag."""

    @dataclass
    class SeekRequested(Message):
        """Go to the step at this index of the replay."""

        index: int

    def __init__(self) -> None:
        super().__init__(id="scrub")
        self._replay: Replay | None = None
        self._line: _ScrubLine | None = None
        self._index = 0
        self._is_dragged = False

    def update(self, replay: Replay, index: int, state: str) -> None:
        """Show a replay at the step with this index; `state` is the title."""
        if replay is not self._replay:
            self._line = None
        self._replay, self._index = replay, index
        self.border_title = Content(state)
        self.border_subtitle = Content("gaps over 2 s play as 0.5 s · real time at 1×")
        self.refresh()

    # -- the mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._is_dragged = True
        self.capture_mouse()
        self._seek(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._is_dragged:
            self._seek(event)

    def on_mouse_up(self) -> None:
        self._is_dragged = False
        self.release_mouse()

    def _seek(self, event: events.MouseEvent) -> None:
        offset = event.get_content_offset_capture(self)
        index = None if self._line is None else self._line.nearest(offset.x - _MARGIN)
        if index is not None and index != self._index:
            self.post_message(self.SeekRequested(index))

    # -- drawing

    def render(self) -> Content:
        """Render marks, track, axis and totals; without the axis in three rows."""
        replay = self._replay
        if replay is None or not replay.steps:
            return Content("")
        width = max(1, self.size.width - 2 * _MARGIN)
        if self._line is None or self._line.axis.width != width:
            self._line = _ScrubLine.of(replay, width)
        line = self._line
        # The totals are of the moment at which the step has ended: so is the playhead.
        head = line.cell(replay.moments[self._index].elapsed_ms)
        rows = [self._marks(line), self._track(line, head)]
        if self.size.height >= _AXIS_FROM:
            rows.append(Content.styled(line.axis.labels(), "$text-muted"))
        rows.append(self._totals(replay.moments[self._index], replay.end))
        return Content("\n").join(Content(" " * _MARGIN) + row for row in rows)

    def _marks(self, line: _ScrubLine) -> Content:
        drawn = (" " if mark is None else _MARKS[mark][1:] for mark in line.marks)
        return Content.assemble(*drawn)

    def _track(self, line: _ScrubLine, head: int) -> Content:
        played = "".join("━" if first is None else "╋" for first in line.firsts[:head])
        remainder = "".join("─" if first is None else "┼" for first in line.firsts[head + 1 :])
        return Content.assemble(
            (played, "$text-primary"), ("●", "$text-primary bold"), (remainder, "$text-muted")
        )

    def _totals(self, now: RunningTotals, end: RunningTotals) -> Content:
        figures = (
            ("elapsed", humanize.duration(now.elapsed_ms), humanize.duration(end.elapsed_ms)),
            ("calls", humanize.integer(now.calls), humanize.integer(end.calls)),
            ("tools", humanize.integer(now.tools), humanize.integer(end.tools)),
            ("in", humanize.count(now.prompt_tokens), humanize.count(end.prompt_tokens)),
            ("out", humanize.count(now.completion_tokens), humanize.count(end.completion_tokens)),
            ("rsn", humanize.count(now.reasoning_tokens), humanize.count(end.reasoning_tokens)),
            ("cost", _cost(now), _cost(end)),
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


def _cost(totals: RunningTotals) -> str:
    """Return the cost, followed by `+` if some calls have no price."""
    mark = humanize.unpriced_mark(totals.cost_usd, totals.unpriced)
    return humanize.money(totals.cost_usd) + mark


def _mark(step: Step) -> int:
    """Return the index in _MARKS of a step's most severe kind."""
    if step.failed:
        return 0
    kinds = {note.kind for note in step.notes}
    return next(n for n, (kind, *_) in enumerate(_MARKS) if kind in kinds or not kind)
