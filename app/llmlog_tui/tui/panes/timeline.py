"""Timeline: the steps of the selected trace, in order, each a bar on one time axis."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType

from llmlog_tui import units
from llmlog_tui.tui.bars import LEGEND, Axis, bar
from llmlog_tui.tui.bindings import TIMELINE_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.widgets.rows import Cell, Column, Row, RowSource, Span, Tone, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.timeline import Step, Timeline

_WIDE: Final = (
    Column("#", 3, "right"),
    Column(" step", 25),
    Column("", 12, flex=True),
    Column("ms", 7, "right"),
    Column("notes", 26),
)
_COMPACT: Final = (
    Column("#", 3, "right"),
    Column(" step", 18),
    Column("", 12, flex=True),
    Column("ms", 7, "right"),
    Column("notes", 18),
)
_WIDE_FROM = 80
_FRAME = 4
_TONES: Final[dict[str, Tone]] = {
    "failed": "error",
    "truncated": "warning",
    "changed": "accent",
    "retried": "warning",
    "usage": "muted",
}
_BARS, _NOTES = 2, 4


class TimelinePane(Pane):
    """One trace, step by step."""

    BINDINGS: ClassVar[list[BindingType]] = [*TIMELINE_BINDINGS]
    shows_records = True

    def __init__(self) -> None:
        super().__init__(id="timeline")
        self.empty = "The steps of the trace that is selected in Traces appear here."
        self._timeline: Timeline | None = None
        self._played: frozenset[int] | None = None

    def hold(self, timeline: Timeline, played: frozenset[int] | None = None) -> None:
        """Show `timeline`; with `played`, the steps with other keys are dim: still to come."""
        self._played = played
        another = self._timeline is None or self._timeline.trace_id != timeline.trace_id
        self._timeline = timeline
        self.redraw()
        if another and not self.following:
            self.follow()

    def redraw(self) -> None:
        """Draw what is held."""
        timeline = self._timeline
        if timeline is None:
            self.label("Timeline")
            return
        wide = not self.compact and self.size.width >= _WIDE_FROM
        self.show(_Steps(timeline, _WIDE if wide else _COMPACT, self._played))
        count = len(timeline.steps)
        facts = [
            f"Timeline {units.short_id(timeline.trace_id)}",
            f"{count:,} step{'' if count == 1 else 's'}",
            units.duration(timeline.duration_ms),
            *([] if timeline.timed else ["in sequence: no ts"]),
        ]
        session = f"session {units.short_id(timeline.session_id)}"
        subtitles = (f"{LEGEND} · {session}", LEGEND, session)
        room = self.size.width - _FRAME
        self.label(" · ".join(facts), next((s for s in subtitles if len(s) <= room), ""))


class _Steps(RowSource):
    def __init__(
        self, timeline: Timeline, columns: Sequence[Column], played: frozenset[int] | None
    ) -> None:
        self._played = played
        self.columns = columns
        self._steps = timeline.steps
        self._duration_ms = timeline.duration_ms or 0.0
        self._index: dict[Hashable, int] = {step.row: n for n, step in enumerate(timeline.steps)}

    def __len__(self) -> int:
        return len(self._steps)

    def key(self, index: int) -> Hashable:
        return self._steps[index].row

    def index(self, key: Hashable) -> int | None:
        return self._index.get(key)

    def heading(self, column: int, width: int) -> str:
        if column == _BARS:
            return Axis.of(self._duration_ms, width).labels()
        return super().heading(column, width)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        axis = Axis.of(self._duration_ms, widths[_BARS] if len(widths) > _BARS else 0)
        notes = widths[_NOTES] if len(widths) > _NOTES else 0
        rows = ((step, self._row(step, axis, notes)) for step in self._steps[start:stop])
        return [row if self._is_played(step) else _dim(row) for step, row in rows]

    def _is_played(self, step: Step) -> bool:
        return self._played is None or step.row in self._played

    def _row(self, step: Step, axis: Axis, notes: int) -> Row:
        tone: Tone = "error" if step.failed else "warning" if step.slow else ""
        number = units.UNKNOWN if step.step is None else str(step.step)
        return Row(
            (
                cell(number, "muted"),
                (
                    Span("✗" if step.failed else " ", "error"),
                    Span(step.branch, "muted"),
                    Span(step.name, "secondary" if _is_tool(step) else ""),
                ),
                bar(step, axis),
                cell(units.within(step.latency_ms, 7), tone),
                _notes(step, notes),
            )
        )


def _dim(row: Row) -> Row:
    return Row(tuple(tuple(Span(span.text, "muted") for span in cell) for cell in row.cells))


def _is_tool(step: Step) -> bool:
    return step.event in ("tool_call", "embedding")


def _notes(step: Step, width: int) -> Cell:
    """As many notes as fit, whole."""
    spans: list[Span] = []
    for note in step.notes:
        gap = "  " if spans else ""
        if sum(len(span.text) for span in spans) + len(gap) + len(note.text) > width:
            break
        spans.append(Span(gap + note.text, _TONES[note.kind]))
    return spans
