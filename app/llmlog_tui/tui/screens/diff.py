"""Diff of two traces: aligned steps side by side, and the differences."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
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
from llmlog_tui.tui.render import running_text
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.diff import TraceDiff
    from llmlog_tui.analysis.traces.timeline import Step
    from llmlog_tui.log.starts import RunningStep
    from llmlog_tui.tui.queries import DiffResult


class DiffScreen(LogView):
    """The aligned pairs, and B's totals against A's."""

    NAME = "diff"
    AUTO_FOCUS = "#pairs"
    BINDINGS: ClassVar[list[BindingType]] = [*DIFF_BINDINGS]

    def __init__(self, a: str, b: str) -> None:
        super().__init__()
        self.traces = (a, b)
        self._found: TraceDiff | None = None
        self._unfinished: Sequence[Sequence[RunningStep]] = ((), ())
        self._crumb = Static(id="crumb")
        self.pairs = DiffPane()
        self.deltas = Static(id="deltas")

    def body(self) -> Iterable[Widget]:
        yield self._crumb
        yield self.pairs
        yield self.deltas

    def on_mount(self) -> None:
        a, b = (sanitize(humanize.short_id(trace)) for trace in self.traces)
        self._crumb.update(
            Content.assemble((" Overview › ", "$text-muted"), (f"Diff  A {a}  B {b}", "bold"))
        )
        self.pairs.redraw()

    def apply_layout(self) -> None:
        self.pairs.compact = self.compact
        self._draw_totals()

    def update_body(self, overview: Overview, result: object | None) -> None:
        del overview, result  # the diff is of the traces as they were when it was opened

    def update_diff(self, result: DiffResult) -> None:
        self._found, self._unfinished = result.found, result.unfinished
        self.pairs.update(result)
        self._draw_totals()
        self.refresh_bindings()

    def _draw_totals(self) -> None:
        """Draw B's totals against A's, up to the width of the screen."""
        if self._found is None:
            return
        line, room = Content(""), self.size.width
        unfinished = running_text.unfinished(self._unfinished, datetime.now(UTC))
        for figure in _deltas(self._found, unfinished, compact=self.compact):
            if 0 < room < (line + figure).cell_length:  # 0: not laid out yet
                break
            line += figure
        self.deltas.update(line)

    @property
    def reopen_message(self) -> Message:
        return self.DiffRequested(*self.traces)

    @property
    def cursor_key(self) -> Hashable:
        """Key of the step under the cursor: B's, or A's where B has none."""
        step = self._step(self.pairs.side or "b") or self._step("a")
        return None if step is None else step.row

    def _step(self, side: str) -> Step | None:
        if self._found is None or not self._found.pairs:
            return None
        pair = self._found.pairs[self.pairs.pair]
        return pair.a if side == "a" else pair.b

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys that would do nothing: without a difference, of a run without the step."""
        if action == "difference":
            return self._found is not None and self._found.first is not None
        if action == "record":
            return self._step(str(parameters[0])) is not None
        return super().check_action(action, parameters)

    @on(LineTable.Highlighted, "#pairs")
    def _pair_highlighted(self) -> None:
        self.refresh_bindings()  # a step that only one run has

    @on(LineTable.Selected, "#pairs")
    def _open_selected(self) -> None:
        """Show the text diff of the pair, or the record of a single step."""
        a, b = self._step("a"), self._step("b")
        if a is None or b is None or self.overview is None:
            self._open_record(self.cursor_key)
        elif self.overview.has(a.row) and self.overview.has(b.row):
            self.post_message(self.TextDiffRequested(a.row, b.row, humanize.step_number(a.step)))
        else:
            self.hint(self.EVICTED)

    def action_record(self, side: str) -> None:
        """Show the record of the pair's step in A or B."""
        step = self._step(side)
        if step is not None:
            self._open_record(step.row)

    def _open_record(self, row: Hashable) -> None:
        if self.overview is None or not isinstance(row, int):
            return
        if self.overview.has(row):
            self.post_message(self.RecordRequested(self.overview.location(row)))
        else:
            self.hint(self.EVICTED)

    def follow(self) -> None:
        self.pairs.action_last()

    def action_difference(self, direction: int) -> None:
        """Go to the next difference, or with -1 to the previous one."""
        pairs = () if self._found is None else self._found.pairs
        here = self.pairs.pair
        later = range(here + 1, len(pairs)) if direction > 0 else range(here - 1, -1, -1)
        found = next((n for n in later if pairs[n].why), None)
        if found is None:
            self.hint(f"No difference {'after' if direction > 0 else 'before'} this one.")
        else:
            self.pairs.go_to_pair(found)
            self.refresh_bindings()

    def action_back(self) -> None:
        self.dismiss()


def _deltas(found: TraceDiff, unfinished: str, *, compact: bool) -> Iterator[Content]:
    delta, muted = found.delta, "$text-muted"
    yield Content.styled(" B vs A" if compact else " B against A", muted)
    if unfinished:
        yield Content.styled(f"  {sanitize(unfinished)}", "$text-warning")
    elif found.first is None:
        yield Content.styled("  both traces do the same", "$text-success")
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
