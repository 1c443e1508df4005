"""Diff: two runs side by side, aligned at their steps, and where they part."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.views import DIFF_BINDINGS
from llmlog_tui.tui.panes.diff import DiffPane
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.diff import TraceDiff
    from llmlog_tui.analysis.traces.timeline import Step
    from llmlog_tui.tui.messages import DiffDone


class DiffScreen(LogView):
    """The pairs, and B's figures against A's."""

    NAME = "diff"
    AUTO_FOCUS = "#pairs"
    BINDINGS: ClassVar[list[BindingType]] = [*DIFF_BINDINGS]

    def __init__(self, a: str, b: str) -> None:
        super().__init__()
        self.traces = (a, b)
        self._found: TraceDiff | None = None
        self._crumb = Static(id="crumb")
        self.pairs = DiffPane()
        self.deltas = Static(id="deltas")

    def body(self) -> Iterable[Widget]:
        """Breadcrumb, pairs, and the sum of it."""
        yield self._crumb
        yield self.pairs
        yield self.deltas

    def on_mount(self) -> None:
        """Say which runs these are."""
        a, b = (sanitize(humanize.short_id(trace)) for trace in self.traces)
        self._crumb.update(
            Content.assemble((" Overview › ", "$text-muted"), (f"Diff  A {a}  B {b}", "bold"))
        )
        self.pairs.redraw()

    def reform(self) -> None:
        """Take the narrow form."""
        self.pairs.compact = self.compact
        self._sum_up()

    def show(self, overview: Overview, answer: object | None) -> None:
        """The runs are those that were marked; they do not change with the log."""
        del overview, answer

    def found_out(self, message: DiffDone) -> None:
        """Show where the runs part."""
        self._found = message.found
        self.pairs.hold(message)
        self._sum_up()

    def _sum_up(self) -> None:
        """B's figures against A's, as many as fit."""
        if self._found is None:
            return
        line, room = Content(""), self.size.width
        for figure in _deltas(self._found, compact=self.compact):
            if 0 < room < (line + figure).cell_length:  # 0: not laid out yet
                break
            line += figure
        self.deltas.update(line)

    @property
    def reopening(self) -> Message:
        """The wish to lay these traces side by side."""
        return self.DiffWanted(*self.traces)

    @property
    def row(self) -> Hashable:
        """The record of the step under the cursor: B's where there is one."""
        step = self._step(self.pairs.side or "b") or self._step("a")
        return None if step is None else step.row

    def _step(self, side: str) -> Step | None:
        if self._found is None or not self._found.pairs:
            return None
        pair = self._found.pairs[self.pairs.pair]
        return pair.a if side == "a" else pair.b

    @on(LineTable.Selected, "#pairs")
    def _open(self) -> None:
        self._show_record(self.row)

    def action_record(self, side: str) -> None:
        """Show the record of the pair's step in A or B."""
        step = self._step(side)
        if step is None:
            self.hint(f"{side.upper()} has no such step.")
        else:
            self._show_record(step.row)

    def _show_record(self, row: Hashable) -> None:
        if self.overview is None or not isinstance(row, int):
            return
        if self.overview.has(row):
            self.post_message(self.RecordWanted(self.overview.place(row)))
        else:
            self.hint(self.LET_GO)

    def follow(self) -> None:
        """Go to the last step."""
        self.pairs.action_last()

    def action_difference(self, direction: int) -> None:
        """Go to the next difference, or with -1 to the one before."""
        pairs = () if self._found is None else self._found.pairs
        at = self.pairs.pair
        later = range(at + 1, len(pairs)) if direction > 0 else range(at - 1, -1, -1)
        found = next((n for n in later if pairs[n].why), None)
        if found is None:
            self.hint(f"No difference {'after' if direction > 0 else 'before'} this one.")
        else:
            self.pairs.to_pair(found)

    def action_back(self) -> None:
        """Back to the Overview."""
        self.dismiss()


def _deltas(found: TraceDiff, *, compact: bool) -> Iterator[Content]:
    delta, muted = found.delta, "$text-muted"
    yield Content.styled(" B vs A" if compact else " B against A", muted)
    if found.first is None:
        yield Content.styled("  both runs do the same", "$text-success")
    figures = (
        ("steps", delta.steps, humanize.integer),
        ("time", delta.time_ms, humanize.duration),
        ("in", delta.prompt_tokens, humanize.count),
        ("out", delta.completion_tokens, humanize.count),
        ("cost", delta.cost_usd, humanize.money),
        ("errors", delta.errors, humanize.integer),
        ("rsn", delta.reasoning_tokens, humanize.count),
    )
    for label, change, form in figures:
        if change is not None:
            yield Content.assemble((f"  {label} ", muted), _signed(change, form))


def _signed(number: float, form: Callable[[float], str]) -> str:
    return f"{'-' if number < 0 else '+'}{form(abs(number))}"
