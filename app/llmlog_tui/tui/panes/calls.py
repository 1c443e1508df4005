"""Calls: one row for each model call; what was slow is marked, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual.binding import BindingType
from textual.message import Message

from llmlog_tui import humanize
from llmlog_tui.config.settings import STYLES, RowRule
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.panes import CALLS_BINDINGS, COLUMN_BINDINGS, PICK_BINDINGS
from llmlog_tui.tui.panes.call_columns import ALL, ColumnChoice
from llmlog_tui.tui.panes.pane import READING, CursorState, Pane
from llmlog_tui.tui.queries import Sort
from llmlog_tui.tui.widgets.row_source import UNMARKED, CellSpan, Column, Ground, Row, RowSource

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview

_EDGES: Final = 3
"""What a table has beside its columns: two cells of gutter and one of margin."""

_LEAST_WIDE: Final = 80
"""Under so many cells the columns of the wide form would end before what matters."""

_STAND_INS: Final = {"model": "requested_model", "finish_reason": "error_type"}
"""What is shown of a call that failed, in the place of what it does not have."""

_EMPTY: Final = "No model calls yet. They appear here as the application makes them."

_MARKS: Final[dict[str, CellSpan]] = {
    "warning": CellSpan("!", "warning"),
    "error": CellSpan("✗", "error"),
    "accent": CellSpan("*", "accent"),
    "success": CellSpan("+", "success"),
    "muted": CellSpan("-", "muted"),
}
"""What stands in the gutter of a row with a user's style: colour alone never says it."""

_SAME_TRACE: Final = CellSpan("│", "primary")


class CallsPane(Pane):
    """The model calls of an Overview, those of the selected trace marked.

    `choice` says which columns there are, `rules` which rows have a style of the user's own.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*CALLS_BINDINGS, *PICK_BINDINGS, *COLUMN_BINDINGS]
    shows_records = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"table--rule-{style}" for style in STYLES}

    @dataclass
    class ColumnsWanted(Message):
        """The user wants to choose the columns of this table."""

        pane: CallsPane

    def __init__(self, *, id: str = "calls") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.empty = READING
        self.sort: Sort | None = None
        self.choice = ColumnChoice()
        self.rules: Sequence[RowRule] = ()
        self._overview: Overview | None = None
        self._trace: str | None = None
        self._order: pl.Series | None = None
        self._sorted_by: Sort | None = None
        self._new = 0

    def recall(self, remembered: object, rules: Sequence[RowRule]) -> None:
        """Have the columns of an earlier run, and rows with these styles."""
        self.choice, self.rules = ColumnChoice.of(remembered), rules

    def wait_for(self, files: Sequence[Path]) -> None:
        """Say which files are not there yet, while there are no calls."""
        self.empty = READING if self._overview is None else _EMPTY
        if files:
            self.empty = (
                f"No {files[0].name} yet: it is read once it is there. "
                "`llmlog-tui --demo` shows one."
            )
        self.repaint()

    def hold(self, overview: Overview, trace: str | None, order: pl.Series | None) -> None:
        """Show the calls of `overview` in `order`; `trace` is the selected one.

        What was sorted stays as it is while calls arrive: they are counted, and come in with the
        next sort.
        """
        self._trace = trace
        last = self._overview
        if self.sort is None:
            self._overview, self._order, self._sorted_by, self._new = overview, None, None, 0
        elif order is not None and (
            self._sorted_by != self.sort or last is None or last.where != overview.where
        ):
            self._overview, self._order, self._sorted_by, self._new = overview, order, self.sort, 0
            self.following = False
        elif last is not None and last.where == overview.where:
            self._new = overview.calls.height - last.calls.height
        self.redraw()

    def mark(self, trace: str | None) -> None:
        """Mark the calls of the selected trace."""
        if trace != self._trace:
            self._trace = trace
            self.repaint()

    def mark_of(self, index: int, row: Row) -> CellSpan:
        """A call of the selected trace, where nothing else is marked."""
        mark = super().mark_of(index, row)
        is_same = row.trace is not None and row.trace == self._trace
        return _SAME_TRACE if is_same and mark == UNMARKED else mark

    def action_sort(self) -> None:
        """Sort by the column under the cursor: descending, ascending, then by time again."""
        field = self.column.field if self.column is not None else ""
        if not field:
            return
        if self.sort is None or self.sort.field != field:
            self.sort = Sort(field, descending=True)
        else:
            self.sort = Sort(field, descending=False) if self.sort.descending else None
        self.post_message(self.Sorted(self))

    @property
    def spot(self) -> CursorState:
        """Where the cursor is, in which order."""
        return super().spot._replace(sort=self.sort)

    def return_to(self, spot: CursorState) -> bool:
        """Be sorted as then, too."""
        if spot.sort != self.sort:
            self.sort = spot.sort
            self.post_message(self.Sorted(self))
        return super().return_to(spot)

    def follow(self) -> None:
        """Go to the newest call, in the order of the log."""
        self.sort = None
        super().follow()

    # -- columns

    def action_columns(self) -> None:
        """Choose the columns."""
        self.post_message(self.ColumnsWanted(self))

    def choose(self, choice: ColumnChoice) -> None:
        """Have other columns; the order by one that is gone goes too."""
        self.choice = choice
        fields = [column.field for column in self._columns()]
        if self.sort is not None and self.sort.field not in fields:
            self.sort = None
            self.post_message(self.Sorted(self))
        here = self.column.field if self.column is not None else None
        self._column = fields.index(here) if here in fields else None
        self.redraw()

    def _columns(self) -> list[Column]:
        names = self.choice.names(compact=self.is_narrow)
        return [ALL[name].in_form(compact=self.is_narrow) for name in names]

    @property
    def room(self) -> int:
        """How many cells the columns share."""
        return max(0, self.size.width - _EDGES)

    @property
    def is_narrow(self) -> bool:
        """Whether it has the columns of the compact form: there, and beside an open drawer."""
        return self.compact or 0 < self.size.width < _LEAST_WIDE

    # -- drawing

    def redraw(self) -> None:
        """Draw what is held."""
        if self._overview is None:
            self.label("Calls")
            return
        if self._overview.where is not None:
            self.empty = "No calls match. Esc clears the filter."
        elif self._overview.all_calls or self.empty == READING:
            self.empty = _EMPTY
        look = _CallStyle(self.choice.names(compact=self.is_narrow), self._sorted_by, self._styles)
        self.show(_CallRows(self._overview, self._columns(), self._order, look))
        total = f"{humanize.count(len(self.source))} {self._arrow()}" if self.compact else ""
        verdict = self._overview.verdict.sentence()
        self.label(
            " · ".join(part for part in (f"Calls {total}".strip(), verdict) if part),
            f"{len(self.source):,} of {self._overview.snapshot.counts.records:,} records · "
            f"{self._in_order()} · slow is over {humanize.integer(self._overview.slow_ms)} ms",
        )

    def _in_order(self) -> str:
        if self._sorted_by is None:
            return "newest last"
        new = f", {self._new:,} new since" if self._new else ""
        return f"{self._arrow()}{new} · End newest"

    def _arrow(self) -> str:
        if self._sorted_by is None:
            return ""
        return f"by {self._sorted_by.field} {'▾' if self._sorted_by.descending else '▴'}"

    def _styles(self, calls: pl.DataFrame) -> list[str]:
        """The style that the user's rules give each of these calls, empty for none.

        A rule can fail on values that nobody foresaw: then there are no rules any more.
        """
        if not self.rules:
            return [""] * calls.height
        from llmlog_tui.analysis.query.sql import QueryError, first_match  # noqa: PLC0415 - polars

        try:
            found = first_match(calls, [rule.where for rule in self.rules])
        except QueryError as error:
            self.rules = ()
            why = sanitize(str(error), 200)
            self.notify(why, title="No row styles", severity="error", markup=False)
            return [""] * calls.height
        return ["" if rule is None else self.rules[rule].style for rule in found]


@dataclass(frozen=True)
class _CallStyle:
    """How calls are drawn: `names` of the columns, the order, the styles."""

    names: Sequence[str]
    sort: Sort | None
    styles: Callable[[pl.DataFrame], list[str]]


class _CallRows(RowSource):
    def __init__(
        self,
        overview: Overview,
        columns: Sequence[Column],
        order: pl.Series | None,
        look: _CallStyle,
    ) -> None:
        self.columns = columns
        self._overview = overview
        self._order = order
        self._look = look
        self._keys = overview.calls["row"] if order is None else overview.calls["row"][order]

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, index: int) -> Hashable:
        return int(self._keys[index])

    def index(self, key: Hashable) -> int | None:
        return self._keys.index_of(key)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        calls = self._overview.call_rows(start, stop, self._order)
        styles = self._look.styles(self._frame(start, stop))
        draws = [ALL[name].draw for name in self._look.names]
        newest = self._overview.newest
        return [
            Row(
                [draw(call, width, newest) for draw, width in zip(draws, widths, strict=False)],
                _MARKS.get(style, UNMARKED),
                _ground(call, style),
                call["trace_id"],
            )
            for call, style in zip(calls, styles, strict=True)
        ]

    def _frame(self, start: int, stop: int) -> pl.DataFrame:
        calls = self._overview.calls
        if self._order is None:
            return calls.slice(start, stop - start)
        return calls[self._order.slice(start, stop - start)]

    def picked(self, index: int, column: int) -> tuple[str, object]:
        """Where another field stands in for one that is unknown, that one."""
        at = index if self._order is None else int(self._order[index])
        field = self.columns[column].field
        stand_in = _STAND_INS.get(field, field)
        shown = field if self._overview.calls[field][at] is not None else stand_in
        return shown, self._overview.calls[shown][at]

    def heading(self, column: int, width: int) -> str:
        title, sort = self.columns[column].title, self._look.sort
        if sort is None or sort.field != self.columns[column].field:
            return title
        return f"{title[: width - 1]}{'▾' if sort.descending else '▴'}"


def _ground(call: Mapping[str, Any], style: str) -> Ground:
    if style:
        return cast("Ground", f"rule-{style}")
    return "failed" if call["failed"] else "slow" if call["slow"] else ""
