"""Bars on a time axis: where each part of a step falls, cell by cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmlog_tui.tui.widgets.rows import Cell, Span, Tone

if TYPE_CHECKING:
    from llmlog_tui.analysis.timeline import Step

WAIT, FIRST_TOKEN, ANSWER, TOOL, CUT, GRID = "░▒█▄┤┊"

UNKNOWN_LENGTH = "·"

LEGEND = (
    f"{WAIT} retry wait  {FIRST_TOKEN} until first token  {ANSWER} answer  "
    f"{TOOL} tool, embedding  {CUT} cut off"
)

_PARTS_SHOWN_FROM = 3
_CELLS_PER_TICK = 8
_FULL_BLOCK_EVENTS = ("chat_completion", "response")


@dataclass(frozen=True)
class Axis:
    """`width` cells for `duration_ms`, with a tick every `tick_ms`."""

    duration_ms: float
    width: int
    tick_ms: float

    @classmethod
    def of(cls, duration_ms: float, width: int) -> Axis:
        """An axis with ticks at 1, 2 or 5 times a power of ten, 8 or more cells apart."""
        duration_ms = max(duration_ms, 1.0)
        least = duration_ms / max(1, width // _CELLS_PER_TICK)
        power = 10 ** math.floor(math.log10(least))
        tick = next((n * power for n in (1, 2, 5) if n * power >= least), 10 * power)
        return cls(duration_ms, width, tick)

    def cell(self, time_ms: float) -> float:
        """Where a time falls, in cells from the left."""
        return time_ms / self.duration_ms * self.width

    def ticks(self) -> list[tuple[int, float]]:
        """(cell, ms) of every tick but the first that has room for its label."""
        found, n = [], 1
        while (at := int(self.cell(n * self.tick_ms))) < self.width - 2:
            found.append((at, n * self.tick_ms))
            n += 1
        return found

    def labels(self) -> str:
        """The line over the bars: `0 s         5           10`."""
        in_seconds = self.tick_ms >= 100  # noqa: PLR2004 - a tenth of a second still reads well
        text = "0 s" if in_seconds else "0 ms"
        for at, ms in self.ticks():
            text = f"{text:<{at}}{ms / 1_000 if in_seconds else ms:g}"
        return text[: self.width]


def bar(step: Step, axis: Axis) -> Cell:
    """The step on the axis; every part that took time keeps a cell once the bar has three."""
    if axis.width < 1:
        return ()
    canvas: list[Span] = [Span(" ")] * axis.width
    for at, _ in axis.ticks():
        canvas[at] = Span(GRID, "muted")
    room = axis.width - 1 if step.truncated and axis.width > 1 else axis.width
    first = min(int(axis.cell(step.start)), room - 1)
    if step.latency_ms is None:
        canvas[first] = Span(UNKNOWN_LENGTH, "muted")
        return canvas
    last = max(first + 1, min(math.ceil(axis.cell(step.end) - 1e-9), room))
    canvas[first:last] = _parts(step, axis, first, last)
    if step.truncated:
        canvas[min(last, axis.width - 1)] = Span(CUT, "warning")
    return canvas


def _parts(step: Step, axis: Axis, first: int, last: int) -> list[Span]:
    tone: Tone = "error" if step.failed else "primary"
    if step.event not in _FULL_BLOCK_EVENTS:
        tool: Tone = "error" if step.failed else "muted" if step.event == "span" else "secondary"
        return [Span(TOOL, tool)] * (last - first)
    edges = (
        (step.waited, Span(WAIT, "warning")),
        (step.answer, Span(FIRST_TOKEN, tone)),
        (math.inf, Span(ANSWER, tone)),
    )
    cells = []
    for at in range(first, last):
        middle = max(step.start, (at + 0.5) / axis.width * axis.duration_ms)
        cells.append(next(span for end, span in edges if middle < end))
    if len(cells) >= _PARTS_SHOWN_FROM:
        if step.waited > step.start:
            cells[0] = edges[0][1]
        if step.end > step.answer:
            cells[-1] = edges[2][1]
        if step.answer > step.waited and edges[1][1] not in cells:
            cells[1 if step.waited > step.start else 0] = edges[1][1]
    return cells
