"""The aligned steps of two traces, and how they differ."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

from textual.binding import BindingType

from llmlog_tui import humanize
from llmlog_tui.analysis.traces.running_steps import begin_of, name_of
from llmlog_tui.tui.keys.panes import PAIRS_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.render import running_text
from llmlog_tui.tui.render.cells import is_tool
from llmlog_tui.tui.widgets.column_layout import leading_items
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, RowSource, Tone, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.diff import AlignedPair
    from llmlog_tui.analysis.traces.timeline import Step
    from llmlog_tui.tui.queries import DiffResult

_NUMBER, _MARK, _FINISH, _MS = 3, 1, 12, 7
_WHY, _WHY_NARROW = 34, 20
_NAME, _NAME_NARROW, _LONG_FINISH = 30, 22, 28
"""Sufficient cells of a step's name, and maximum cells of finish."""
_REASON_PARTS: Final = (" from ", " differ")
"""Where a narrow column may end a reason, instead of cutting a word."""
_SIDE_BY_SIDE_FROM: Final = 130
"""Minimum columns for two steps beside each other."""
_GAPS: Final = 17
"""Cells of gutters, the two rules, and between columns."""
_GAPS_NARROW: Final = 8
"""Cells of gutters and between columns, with one step a line."""
_WHY_COLUMN: Final = 6
"""Index of the column between the two sides."""

Side = Literal["a", "b"]


class _DiffLine(NamedTuple):
    """Key of a line, of one side of a pair; both, if `side` is None."""

    pair: int
    side: Side | None


class DiffPane(Pane):
    """Two traces beside each other; on a narrow screen, in one column."""

    BINDINGS: ClassVar[list[BindingType]] = [*PAIRS_BINDINGS]

    def __init__(self) -> None:
        super().__init__(id="pairs")
        self.following = False
        self.empty = "Reading both traces …"
        self._diffed: DiffResult | None = None

    def update(self, diffed: DiffResult) -> None:
        """Show a diff; first, with the cursor at the first difference."""
        is_new, self._diffed = self._diffed is None, diffed
        self.empty = "No step of either run has ended yet."
        self.redraw()
        if is_new:
            self.go_to_pair(diffed.found.first or 0)

    def redraw(self) -> None:
        if self._diffed is None:
            self.set_title("Diff")
            return
        pair = self.pair
        width = self.size.width
        is_narrow = width < _SIDE_BY_SIDE_FROM
        source = (_NarrowDiff if is_narrow else _WideDiff)(self._diffed, width)
        self.following = False
        self.set_source(source)
        self.go_to_pair(pair)
        self.set_title(_summary(self._diffed), "◄ first difference   ≠ differs   = equal")

    @property
    def pair(self) -> int:
        """Return the index of the pair under the cursor."""
        return self.cursor_key.pair if isinstance(self.cursor_key, _DiffLine) else 0

    @property
    def side(self) -> Side | None:
        """Return the side of the line under the cursor, if it has only one."""
        return self.cursor_key.side if isinstance(self.cursor_key, _DiffLine) else None

    def go_to_pair(self, pair: int) -> None:
        """Put the cursor on a pair."""
        if self.pair != pair or self.cursor_key is None:
            next(
                (key for side in (None, "a", "b") if self.move_to(key := _DiffLine(pair, side))),
                None,
            )
        self.following = False


def _summary(diffed: DiffResult) -> str:
    found = diffed.found
    differ = sum(pair.why is not None for pair in found.pairs)
    unfinished = running_text.unfinished(diffed.unfinished, datetime.now(UTC))
    if found.first is None:
        same = "both traces do the same"
        return f"Diff · {f'{same} so far · {unfinished}' if unfinished else same}"
    pair = found.pairs[found.first]
    step = pair.a or pair.b
    number = humanize.step_number(None if step is None else step.step)
    differing = f"{differ:,} of {len(found.pairs):,} differ"
    parts = f"they diverge at step {number}: {pair.sentence()}", unfinished, differing
    return " · ".join(("Diff", *filter(None, parts)))


class _WideDiff(RowSource):
    """A row for each pair: A's step, why they differ, B's step."""

    def __init__(self, diffed: DiffResult, width: int) -> None:
        self._diffed = diffed
        self._found = diffed.found
        sides = width - _longest_reason(diffed) - _GAPS
        name = sides // 2 - _NUMBER - _MARK - _FINISH - _MS
        wider = max(0, min(_longest_end(diffed) - _FINISH, name - _NAME))
        step = (
            Column("#", _NUMBER, "right"),
            Column("", _MARK),
            Column("", name - wider),
            Column("finish", _FINISH + wider),
            Column("ms", _MS, "right"),
        )
        rule = Column("│", 1)
        reason = Column("", width - _GAPS - 2 * (sides // 2), flex=True)
        self.columns = (*step, rule, reason, rule, *step)

    def __len__(self) -> int:
        return len(self._found.pairs)

    def key(self, index: int) -> Hashable:
        return _DiffLine(index, None)

    def index(self, key: Hashable) -> int | None:
        is_pair = isinstance(key, _DiffLine) and key.side is None and key.pair < len(self)
        return key.pair if is_pair and isinstance(key, _DiffLine) else None

    def heading(self, column: int, width: int) -> str:
        if column in (2, 10):
            names = _names_of_run(self._diffed, "a" if column == 2 else "b")  # noqa: PLR2004
            return next((name for name in names if len(name) <= width), "")
        return super().heading(column, width)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        why = widths[_WHY_COLUMN] if len(widths) > _WHY_COLUMN else 0
        return [self._row(n, why) for n in range(start, stop)]

    def _row(self, n: int, width: int) -> Row:
        pair = self._found.pairs[n]
        rule = cell("│", "muted")
        sign, tone = _sign(pair, is_first=n == self._found.first)
        why = cell(_reason(sign, pair, width) if pair.why else sign.center(width), tone)
        ends = self._diffed.ends
        cells = (*_step(pair.a, ends, pair), rule, why, rule, *_step(pair.b, ends, pair))
        return Row(cells, style_class="slow" if n == self._found.first else "")


class _NarrowDiff(RowSource):
    """A row for each equal pair, a row for each side of the others."""

    def __init__(self, diffed: DiffResult, width: int) -> None:
        others = _NUMBER + _MARK + _FINISH + _MS + _WHY_NARROW + _GAPS_NARROW
        wider = max(0, min(_longest_end(diffed) - _FINISH, width - others - _NAME_NARROW))
        self.columns = (
            Column("#", _NUMBER, "right"),
            Column("", _MARK),
            Column("", 12, flex=True),
            Column("finish", _FINISH + wider),
            Column("ms", _MS, "right"),
            Column("", _WHY_NARROW),
        )
        self._diffed = diffed
        self._found = diffed.found
        self._lines = tuple(_lines(self._found.pairs))
        self._index = {line: n for n, line in enumerate(self._lines)}

    def __len__(self) -> int:
        return len(self._lines)

    def key(self, index: int) -> Hashable:
        return self._lines[index]

    def index(self, key: Hashable) -> int | None:
        return self._index.get(key) if isinstance(key, _DiffLine) else None

    def heading(self, column: int, width: int) -> str:
        if column == 2:  # noqa: PLR2004 - the name's
            a, b = self._found.a.trace_id, self._found.b.trace_id
            return f"A {humanize.short_id(a)}  B {humanize.short_id(b)}"[:width]
        return super().heading(column, width)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self._row(line, widths[-1]) for line in self._lines[start:stop]]

    def _row(self, line: _DiffLine, width: int) -> Row:
        pair, is_first = self._found.pairs[line.pair], line.pair == self._found.first
        step = pair.a if line.side == "a" else pair.b
        sign, tone = _sign(pair, is_first=is_first)
        is_last = line.side == "b" or pair.b is None
        why = _reason(sign, pair, width) if pair.why and is_last else ""
        mark = (
            CellSpan("=", "muted") if line.side is None else CellSpan(line.side.upper(), "accent")
        )
        cells = (*_step(step, self._diffed.ends, pair), cell(why, tone))
        return Row(cells, mark, style_class="slow" if is_first else "")


def _longest_reason(diffed: DiffResult) -> int:
    """Return the cells that all reasons need, between two bounds."""
    longest = max((len(pair.sentence()) for pair in diffed.found.pairs), default=0)
    return min(_WHY, max(_WHY_NARROW, longest + 2))


def _longest_end(diffed: DiffResult) -> int:
    """Return the cells that finish reasons and errors need, between two bounds."""
    return min(_LONG_FINISH, max((_FINISH, *(len(end or "") for end in diffed.ends.values()))))


def _reason(sign: str, pair: AlignedPair, width: int) -> str:
    return leading_items(f"{sign} {pair.sentence()}", width, _REASON_PARTS)


def _lines(pairs: Sequence[AlignedPair]) -> Iterator[_DiffLine]:
    for n, pair in enumerate(pairs):
        if pair.why is None:
            yield _DiffLine(n, None)
        else:
            if pair.a is not None:
                yield _DiffLine(n, "a")
            if pair.b is not None:
                yield _DiffLine(n, "b")


def _sign(pair: AlignedPair, *, is_first: bool) -> tuple[str, Tone]:
    if pair.why is None:
        return "=", "muted"
    return ("◄", "worst") if is_first else ("≠", "warning")


def _step(step: Step | None, ends: Mapping[int, str | None], pair: AlignedPair) -> tuple[Cell, ...]:
    if step is None:
        return cell(humanize.UNKNOWN, "muted"), cell(""), cell(""), cell(""), cell("")
    cut = cell("┤", "warning") if step.cut_off else cell("")
    tone: Tone = "secondary" if is_tool(step) else ""
    differs: Tone = "worst" if pair.why in ("finish_reason", "status") else "muted"
    return (
        cell(humanize.step_number(step.step), "muted"),
        cell("✗", "error") if step.failed else cut,
        cell(step.name, "worst" if pair.why in ("model", "tool", "event") else tone),
        cell(ends.get(step.row) or "", "error" if step.failed else differs),
        cell(humanize.fit_number(step.latency_ms, _MS), "warning" if step.slow else ""),
    )


def _names_of_run(diffed: DiffResult, side: Side) -> tuple[str, ...]:
    """Return headings of a run, from the longest to the shortest."""
    run = diffed.found.a if side == "a" else diffed.found.b
    at = 0 if side == "a" else 1
    unfinished = diffed.unfinished[at]
    begin = diffed.began[at] or begin_of(unfinished)
    began = humanize.time_label(begin, begin, 8)
    steps = humanize.plural(len(run.steps), "step")
    name = f"{side.upper()} {humanize.short_id(run.trace_id)}"
    called = f"{side.upper()} {humanize.run_label(run.trace_id, run.name or name_of(unfinished))}"
    return f"{called} {began} · {steps}", f"{name} {began} · {steps}", f"{name} · {steps}", name
