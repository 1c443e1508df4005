"""Bars of steps on a time axis, one glyph per cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Tone

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Step

WAIT, FIRST_TOKEN, ANSWER, TOOL, CUT, GRID = "░▒█▄┤┊"

UNKNOWN_LENGTH = "·"
TIP = "►"
"""End of a bar that grows."""

EARLIER, LATER = "‹›"

LEGEND = (
    f"{WAIT} retry wait  {FIRST_TOKEN} until first token  {ANSWER} answer  "
    f"{TOOL} tool, embedding  {CUT} cut off"
)
LEGEND_NEAR = f"{LEGEND}  {EARLIER} {LATER} outside"
"""Legend of a timeline that shows only part of its time."""

_MIN_CELLS_FOR_PHASES = 3
_MIN_CELLS_PER_TICK = 8
_SECOND_MS = 1_000
_LONGEST_MS = 1e300
"""Maximum duration of an axis: its ticks are finite."""
_FAR_CELLS = 1e9
"""Maximum distance of a position from the left."""
_FULL_BLOCK_EVENTS = ("chat_completion", "response")


@dataclass(frozen=True)
class Axis:
    """`width` cells for `duration_ms` from `begin_ms` on, with a tick every `tick_ms`."""

    duration_ms: float
    width: int
    tick_ms: float
    begin_ms: float = 0.0

    @classmethod
    def of(cls, duration_ms: float, width: int, begin_ms: float = 0.0) -> Axis:
        """Return an axis with ticks at 1, 2 or 5 times a power of ten."""
        duration_ms = min(max(duration_ms, 1.0), _LONGEST_MS)
        min_ms = duration_ms / max(1, width // _MIN_CELLS_PER_TICK)
        power = 10.0 ** math.floor(math.log10(min_ms))
        tick = next((n * power for n in (1, 2, 5) if n * power >= min_ms), 10 * power)
        return cls(duration_ms, width, tick, begin_ms)

    @property
    def end_ms(self) -> float:
        return self.begin_ms + self.duration_ms

    def cell(self, time_ms: float) -> float:
        """Return the position of a time, in cells from the left."""
        cells = (time_ms - self.begin_ms) / self.duration_ms * self.width
        return max(-_FAR_CELLS, min(cells, _FAR_CELLS))

    def time_ms(self, cell: float) -> float:
        """Return the time at a position in cells from the left."""
        return self.begin_ms + cell / self.width * self.duration_ms

    def ticks(self) -> list[tuple[int, float]]:
        """Return (cell, ms) of every tick after the begin that has room for its label."""
        found, first = [], math.floor(self.begin_ms / self.tick_ms) + 1
        # Not until the end is reached: far from 0, the next tick may be the same float.
        for n in range(first, first + self.width // _MIN_CELLS_PER_TICK + 2):
            at = int(self.cell(n * self.tick_ms))
            if 0 < at < self.width - 2:
                found.append((at, n * self.tick_ms))
        return found

    def labels(self) -> str:
        """Return a heading for bars, with the begin and ticks: `0 s         5           10`."""
        size, unit, places = self._unit()
        # A begin that is no tick needs a digit more.
        text = f"{_short(self.begin_ms / size, places + 1)} {unit}"
        for at, ms in self.ticks():
            label = _short(ms / size, places)
            if at > len(text) and at + len(label) <= self.width:
                text = f"{text:<{at}}{label}"
        return text[: self.width]

    def range_label(self) -> str:
        """Return the begin and end: `4.21 – 5.3 s`."""
        size, unit, places = self._unit()
        ends = (_short(ms / size, places + 1) for ms in (self.begin_ms, self.end_ms))
        return f"{' – '.join(ends)} {unit}"

    def _unit(self) -> tuple[int, str, int]:
        """Return the labels' unit in ms, its name, and the decimals of ticks."""
        size, unit = (_SECOND_MS, "s") if self.end_ms >= _SECOND_MS else (1, "ms")
        return size, unit, max(0, -math.floor(math.log10(self.tick_ms / size) + 1e-9))


def _short(number: float, places: int) -> str:
    """Return a number with at most `places` decimals: `4,000`, `0.5`, `2`."""
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def bar(step: Step, axis: Axis) -> Cell:
    """Return a step's cells; one at the edge marks a continuing or hidden step.

    A bar of at least 3 cells has one for every phase with a duration.
    """
    if axis.width < 1:
        return ()
    canvas = _grid(axis)
    ends_later, began_earlier = step.end > axis.end_ms, step.start < axis.begin_ms
    if step.start > axis.end_ms or (ends_later and step.start == axis.end_ms):
        canvas[-1] = CellSpan(LATER, "muted")
        return canvas
    if step.end < axis.begin_ms or (began_earlier and step.end == axis.begin_ms):
        canvas[0] = CellSpan(EARLIER, "muted")
        return canvas
    is_cut_here = step.cut_off and not ends_later
    room = axis.width - 1 if is_cut_here and axis.width > 1 else axis.width
    first = max(0, min(int(axis.cell(step.start)), room - 1))
    if step.latency_ms is None:
        canvas[first] = CellSpan(UNKNOWN_LENGTH, "muted")
        return canvas
    last = max(first + 1, min(math.ceil(axis.cell(step.end) - 1e-9), room))
    canvas[first:last] = _phases(step, axis, first, last)
    if began_earlier:
        canvas[0] = CellSpan(EARLIER, canvas[0].tone)
    if ends_later:
        canvas[-1] = CellSpan(LATER, canvas[-1].tone)
    if is_cut_here:
        canvas[min(last, axis.width - 1)] = CellSpan(CUT, "warning")
    return canvas


def begun_bar(start: float, end: float | None, axis: Axis, *, is_tool: bool) -> Cell:
    """Return the cells of a step in flight: a growing bar or a dot.

    `start` and `end`, None if it never ended, are ms since the start of the trace.
    """
    if axis.width < 1:
        return ()
    canvas = _grid(axis)
    if start > axis.end_ms:
        canvas[-1] = CellSpan(LATER, "muted")
        return canvas
    first = max(0, min(int(axis.cell(start)), axis.width - 1))
    if end is None:
        canvas[first] = CellSpan(UNKNOWN_LENGTH, "warning")
        return canvas
    last = max(first, min(int(axis.cell(end)), axis.width - 1))
    part = CellSpan(TOOL, "secondary") if is_tool else CellSpan(FIRST_TOKEN, "primary")
    canvas[first:last] = [part] * (last - first)
    canvas[last] = CellSpan(LATER if end > axis.end_ms else TIP, part.tone)
    return canvas


def _grid(axis: Axis) -> list[CellSpan]:
    """Return empty cells with lines at ticks."""
    canvas: list[CellSpan] = [CellSpan(" ")] * axis.width
    for at, _ in axis.ticks():
        canvas[at] = CellSpan(GRID, "muted")
    return canvas


def _phases(step: Step, axis: Axis, first: int, last: int) -> list[CellSpan]:
    tone: Tone = "error" if step.failed else "primary"
    if step.event not in _FULL_BLOCK_EVENTS:
        tool: Tone = "error" if step.failed else "muted" if step.event == "span" else "secondary"
        return [CellSpan(TOOL, tool)] * (last - first)
    wait, first_token, answer = (
        CellSpan(WAIT, "warning"),
        CellSpan(FIRST_TOKEN, tone),
        CellSpan(ANSWER, tone),
    )
    edges = ((step.waited, wait), (step.answer, first_token), (math.inf, answer))
    begin, end = max(step.start, axis.begin_ms), min(step.end, axis.end_ms)
    cells = []
    for at in range(first, last):
        middle = max(begin, axis.time_ms(at + 0.5))
        cells.append(next(span for edge, span in edges if middle < edge))
    # Sampled at the middle of each cell, a short phase falls between two cells.
    if len(cells) >= _MIN_CELLS_FOR_PHASES:
        waits = min(step.waited, end) > begin
        if waits:
            cells[0] = wait
        if end > max(step.answer, begin):
            cells[-1] = answer
        if min(step.answer, end) > max(step.waited, begin) and first_token not in cells:
            cells[1 if waits else 0] = first_token
    return cells
