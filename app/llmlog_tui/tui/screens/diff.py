"""Diff: two runs side by side, aligned at their steps, and where they part."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from llmlog_tui import units
from llmlog_tui.text import inert
from llmlog_tui.tui.bindings import DIFF_BINDINGS, PAIRS_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.screens.view import View
from llmlog_tui.tui.widgets.rows import Cell, Column, Row, RowSource, Span, Tone, cell
from llmlog_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from llmlog_tui.analysis.divergence import Divergence, Pair
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.analysis.timeline import Step

_WHY: Final = 36


class PairsPane(Pane):
    """One row for two steps that belong together."""

    BINDINGS: ClassVar[list[BindingType]] = [*PAIRS_BINDINGS]

    def __init__(self) -> None:
        super().__init__(id="pairs")
        self.following = False
        self.empty = "Reading both runs …"
        self._found: Divergence | None = None

    def hold(self, found: Divergence) -> None:
        """Show two runs."""
        self._found = found
        self.redraw()

    def redraw(self) -> None:
        """Draw what is held."""
        if self._found is None:
            self.label("Diff")
            return
        room = self.size.width - _WHY - 3 * 2 - 4
        side = max(20, room // 2)
        columns = (
            Column("A", side),
            Column("", _WHY),
            Column("B", side),
        )
        self.show(_Pairs(self._found, columns))
        a, b = self._found.a, self._found.b
        self.label(
            f"A {units.short_id(a.trace_id)} · {len(a.steps):,} steps   "
            f"B {units.short_id(b.trace_id)} · {len(b.steps):,} steps",
            f"{sum(1 for pair in self._found.pairs if pair.why):,} differences",
        )


class _Pairs(RowSource):
    def __init__(self, found: Divergence, columns: Sequence[Column]) -> None:
        self.columns = columns
        self._found = found

    def __len__(self) -> int:
        return len(self._found.pairs)

    def key(self, index: int) -> Hashable:
        return index

    def index(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) and key < len(self) else None

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        pairs = self._found.pairs
        return [self._row(n, pairs[n], widths) for n in range(start, stop)]

    def _row(self, index: int, pair: Pair, widths: Sequence[int]) -> Row:
        first = index == self._found.first
        mark = "=" if pair.why is None else "◄ " if first else "≠ "
        tone: Tone = "muted" if pair.why is None else "worst" if first else "warning"
        cells = (
            _side(pair.a, widths[0]),
            cell(mark + pair.sentence(), tone),
            _side(pair.b, widths[2]) if len(widths) > 2 else (),  # noqa: PLR2004 - the third
        )
        return Row(cells, Span("►", "warning") if first else Span(" "), "slow" if pair.why else "")


def _side(step: Step | None, width: int) -> Cell:
    if step is None:
        return cell(f"{units.UNKNOWN:>4}", "muted")
    number = units.UNKNOWN if step.step is None else str(step.step)
    room = max(4, width - 4 - 2 - 9)
    name = inert(step.name)[:room]
    return (
        Span(f"{number:>4} ", "muted"),
        Span("✗" if step.failed else "┤" if step.truncated else " ", "error"),
        Span(f"{name:<{room}}", ""),
        Span(f"{units.within(step.latency_ms, 8):>8}", "warning" if step.slow else ""),
    )


class DiffScreen(View):
    """The pairs, and B's figures against A's."""

    NAME = "diff"
    LABEL = "Overview"
    AUTO_FOCUS = "#pairs"
    BINDINGS: ClassVar[list[BindingType]] = [*DIFF_BINDINGS]

    def __init__(self, a: str, b: str) -> None:
        super().__init__()
        self.traces = (a, b)
        self._found: Divergence | None = None
        self._crumb = Static(id="crumb")
        self.pairs = PairsPane()
        self.deltas = Static(id="deltas")

    def body(self) -> Iterable[Widget]:
        """Breadcrumb, pairs, and the sum of it."""
        yield self._crumb
        yield self.pairs
        yield self.deltas

    def on_mount(self) -> None:
        """Say which runs these are."""
        a, b = (inert(units.short_id(trace)) for trace in self.traces)
        self._crumb.update(
            Content.assemble((" Overview › ", "$text-muted"), (f"Diff  A {a}  B {b}", "bold"))
        )
        self.pairs.redraw()

    def reform(self) -> None:
        """Take the narrow form."""
        self.pairs.compact = self.compact

    def show(self, overview: Overview, answer: object | None) -> None:
        """The runs are those that were marked; they do not change with the log."""
        del overview, answer

    def found_out(self, found: Divergence) -> None:
        """Show where the runs part."""
        self._found = found
        self.pairs.hold(found)
        if found.first is not None:
            self.pairs.move_to(found.first)
        self.deltas.update(Content.assemble(*_deltas(found)))

    @property
    def row(self) -> Hashable:
        """The record under the cursor: A's, else B's."""
        at = self.pairs.cursor_key
        if self._found is None or not isinstance(at, int):
            return None
        pair = self._found.pairs[at]
        step = pair.b or pair.a
        return None if step is None else step.row

    @on(LineTable.Selected, "#pairs")
    def _open(self) -> None:
        if self.overview is not None and isinstance(self.row, int):
            self.post_message(self.RecordWanted(self.overview.place(self.row)))

    def action_difference(self, direction: int) -> None:
        """Go to the next difference, or with -1 to the one before."""
        at = self.pairs.cursor_key
        if self._found is None or not isinstance(at, int):
            return
        pairs = self._found.pairs
        later = range(at + 1, len(pairs)) if direction > 0 else range(at - 1, -1, -1)
        found = next((n for n in later if pairs[n].why), None)
        if found is None:
            self.hint(f"No difference {'after' if direction > 0 else 'before'} this one.")
        else:
            self.pairs.move_to(found)

    def action_back(self) -> None:
        """Back to the Overview."""
        self.dismiss()


def _deltas(found: Divergence) -> Iterator[str | tuple[str, str]]:
    delta = found.delta
    muted = "$text-muted"
    yield (" B against A   ", muted)
    if found.first is None:
        yield ("both runs do the same   ", "$text-success")
    time = delta.time_ms
    sign = "-" if time is not None and time < 0 else "+"
    yield from (("steps ", muted), f"{delta.steps:+,}   ")
    if time is not None:
        yield from (("time ", muted), f"{sign}{units.duration(abs(time))}   ")
    for label, tokens in (
        ("in", delta.prompt_tokens),
        ("out", delta.completion_tokens),
        ("rsn", delta.reasoning_tokens),
    ):
        if tokens is not None:
            yield from ((f"{label} ", muted), f"{tokens:+,}   ")
    if delta.cost_usd is not None:
        cost = delta.cost_usd
        yield from (("cost ", muted), f"{'-' if cost < 0 else '+'}${abs(cost):.4f}   ")
    yield from (("errors ", muted), f"{delta.errors:+,}")
