"""Bars on a time axis: where each part of a step falls, cell by cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Tone

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Step

WAIT, FIRST_TOKEN, ANSWER, TOOL, CUT, GRID = "░▒█▄┤┊"

UNKNOWN_LENGTH = "·"

EARLIER, LATER = "‹›"

LEGEND = (
    f"{WAIT} retry wait  {FIRST_TOKEN} until first token  {ANSWER} answer  "
    f"{TOOL} tool, embedding  {CUT} cut off"
)
LEGEND_NEAR = f"{LEGEND}  {EARLIER} {LATER} outside"
"""The legend where not all of the time is shown."""

_PARTS_SHOWN_FROM = 3
_CELLS_PER_TICK = 8
_SECOND_MS = 1_000
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
        """An axis with ticks at 1, 2 or 5 times a power of ten, 8 or more cells apart."""
        duration_ms = max(duration_ms, 1.0)
        least = duration_ms / max(1, width // _CELLS_PER_TICK)
        power = 10 ** math.floor(math.log10(least))
        tick = next((n * power for n in (1, 2, 5) if n * power >= least), 10 * power)
        return cls(duration_ms, width, tick, begin_ms)

    @property
    def end_ms(self) -> float:
        """Where it ends."""
        return self.begin_ms + self.duration_ms

    def cell(self, time_ms: float) -> float:
        """Where a time falls, in cells from the left."""
        return (time_ms - self.begin_ms) / self.duration_ms * self.width

    def time_ms(self, cell: float) -> float:
        """The time at so many cells from the left."""
        return self.begin_ms + cell / self.width * self.duration_ms

    def ticks(self) -> list[tuple[int, float]]:
        """(cell, ms) of every tick behind the begin that has room for its label."""
        found, n = [], math.floor(self.begin_ms / self.tick_ms) + 1
        while (at := int(self.cell(n * self.tick_ms))) < self.width - 2:
            if at > 0:
                found.append((at, n * self.tick_ms))
            n += 1
        return found

    def labels(self) -> str:
        """The line over the bars, where it begins and its ticks: `0 s         5           10`."""
        size, unit, places = self._form()
        # A begin that is no tick needs a digit more.
        text = f"{_short(self.begin_ms / size, places + 1)} {unit}"
        for at, ms in self.ticks():
            label = _short(ms / size, places)
            if at > len(text) and at + len(label) <= self.width:
                text = f"{text:<{at}}{label}"
        return text[: self.width]

    def stretch(self) -> str:
        """From where to where it goes: `4.21 – 5.3 s`."""
        size, unit, places = self._form()
        ends = (_short(ms / size, places + 1) for ms in (self.begin_ms, self.end_ms))
        return f"{' – '.join(ends)} {unit}"

    def _form(self) -> tuple[int, str, int]:
        """The unit of the labels in ms, its name, and how many decimals ticks have in it."""
        size, unit = (_SECOND_MS, "s") if self.end_ms >= _SECOND_MS else (1, "ms")
        return size, unit, max(0, -math.floor(math.log10(self.tick_ms / size) + 1e-9))


def _short(number: float, places: int) -> str:
    """With at most so many decimals: `4,000`, `0.5`, `2`."""
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def bar(step: Step, axis: Axis) -> Cell:
    """The step on the axis; every part that took time keeps a cell once the bar has three.

    What is outside the axis, or goes on there, is told of by the cell at the edge.
    """
    if axis.width < 1:
        return ()
    canvas: list[CellSpan] = [CellSpan(" ")] * axis.width
    for at, _ in axis.ticks():
        canvas[at] = CellSpan(GRID, "muted")
    goes_on, came_before = step.end > axis.end_ms, step.start < axis.begin_ms
    if step.start > axis.end_ms or (goes_on and step.start == axis.end_ms):
        canvas[-1] = CellSpan(LATER, "muted")
        return canvas
    if step.end < axis.begin_ms or (came_before and step.end == axis.begin_ms):
        canvas[0] = CellSpan(EARLIER, "muted")
        return canvas
    is_cut_here = step.truncated and not goes_on
    room = axis.width - 1 if is_cut_here and axis.width > 1 else axis.width
    first = max(0, min(int(axis.cell(step.start)), room - 1))
    if step.latency_ms is None:
        canvas[first] = CellSpan(UNKNOWN_LENGTH, "muted")
        return canvas
    last = max(first + 1, min(math.ceil(axis.cell(step.end) - 1e-9), room))
    canvas[first:last] = _parts(step, axis, first, last)
    if came_before:
        canvas[0] = CellSpan(EARLIER, canvas[0].tone)
    if goes_on:
        canvas[-1] = CellSpan(LATER, canvas[-1].tone)
    if is_cut_here:
        canvas[min(last, axis.width - 1)] = CellSpan(CUT, "warning")
    return canvas


def _parts(step: Step, axis: Axis, first: int, last: int) -> list[CellSpan]:
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
    if len(cells) >= _PARTS_SHOWN_FROM:
        waits = min(step.waited, end) > begin
        if waits:
            cells[0] = wait
        if end > max(step.answer, begin):
            cells[-1] = answer
        if min(step.answer, end) > max(step.waited, begin) and first_token not in cells:
            cells[1 if waits else 0] = first_token
    return cells
