"""A run on one line of time: its events by mark, what has been played, and the totals so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widget import Widget

from llmlog_tui import units
from llmlog_tui.tui.bars import Axis

if TYPE_CHECKING:
    from llmlog_tui.analysis.replay import Moment, Replay
    from llmlog_tui.analysis.timeline import Step

_MARKS: Final = (
    ("failed", "✗", "$text-error"),
    ("truncated", "┤", "$text-warning"),
    ("changed", "≠", "$text-accent"),
    ("retried", "↻", "$text-warning"),
)


class Scrub(Widget):
    """Where the replay stands."""

    def __init__(self) -> None:
        super().__init__(id="scrub")
        self._replay: Replay | None = None
        self._at = 0

    def hold(self, replay: Replay, at: int, state: str) -> None:
        """Show that step number `at` of the replay is the current one; `state` is the title."""
        self._replay, self._at = replay, at
        self.border_title = Content(state)
        self.border_subtitle = Content("gaps over 2 s play as 0.5 s · real time at 1×")
        self.refresh()

    def render(self) -> Content:
        """Marks, track, axis, totals; without the axis where there are only three rows."""
        replay = self._replay
        if replay is None or not replay.steps:
            return Content("")
        width = max(1, self.size.width - 2)
        axis = Axis.of(max(step.end for step in replay.steps), width)
        at = [min(width - 1, int(axis.cell(step.start))) for step in replay.steps]
        rows = [self._marks(replay, at, width), self._track(at, width)]
        if self.size.height > 3:  # noqa: PLR2004 - the rows there always are
            rows.append(Content.styled(axis.labels(), "$text-muted"))
        rows.append(self._totals(replay.moments[self._at], replay.end))
        return Content("\n").join(Content(" ") + row for row in rows)

    def _marks(self, replay: Replay, at: list[int], width: int) -> Content:
        marks: list[tuple[str, str]] = [(" ", "")] * width
        for step, cell in zip(replay.steps, at, strict=True):
            mark = _mark(step)
            if marks[cell][0] in " ·":
                marks[cell] = mark
        return Content.assemble(*marks)

    def _track(self, at: list[int], width: int) -> Content:
        head = at[self._at]
        played = ["━"] * head
        rest = ["─"] * (width - head - 1)
        for cell in at:
            if cell < head:
                played[cell] = "╋"
            elif cell > head:
                rest[cell - head - 1] = "┼"
        return Content.assemble(
            ("".join(played), "$text-primary"),
            ("●", "$text-primary bold"),
            ("".join(rest), "$text-muted"),
        )

    def _totals(self, now: Moment, end: Moment) -> Content:
        figures = (
            ("elapsed", units.duration(now.elapsed_ms), units.duration(end.elapsed_ms)),
            ("calls", units.whole(now.calls), units.whole(end.calls)),
            ("tools", units.whole(now.tools), units.whole(end.tools)),
            ("in", units.count(now.prompt_tokens), units.count(end.prompt_tokens)),
            ("out", units.count(now.completion_tokens), units.count(end.completion_tokens)),
            ("rsn", units.count(now.reasoning_tokens), units.count(end.reasoning_tokens)),
            ("cost", units.money(now.cost_usd), units.money(end.cost_usd)),
            ("errors", units.whole(now.errors), units.whole(end.errors)),
        )
        full = [(label, f"{value}", f" of {total}") for label, value, total in figures]
        short = [(label, value, "") for label, value, _ in full]
        for shown in (full, short):
            line = Content("   ").join(
                Content.assemble((f"{label} ", "$text-muted"), (value, "bold"), (of, "$text-muted"))
                for label, value, of in shown
            )
            if line.cell_length < self.size.width:
                break
        return line


def _mark(step: Step) -> tuple[str, str]:
    if step.failed:
        return _MARKS[0][1:]
    kinds = {note.kind for note in step.notes} | ({"truncated"} if step.truncated else set())
    return next((mark[1:] for mark in _MARKS if mark[0] in kinds), ("·", "$text-muted"))
