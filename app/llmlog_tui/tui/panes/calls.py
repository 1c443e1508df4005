"""The model calls of a log; slow ones are marked, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import BindingType
from textual.message import Message

from llmlog_tui import humanize
from llmlog_tui.config.settings import STYLES, RowRule
from llmlog_tui.log.sources import url_of
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import workers
from llmlog_tui.tui.keys.panes import CALLS_BINDINGS, CELL_BINDINGS, COLUMN_BINDINGS
from llmlog_tui.tui.panes.call_columns import (
    CallColumn,
    CellRenderer,
    ColumnChoice,
    laid_out,
    tag_names,
)
from llmlog_tui.tui.panes.pane import READING, CursorState, Pane
from llmlog_tui.tui.queries import Sort
from llmlog_tui.tui.widgets.row_source import UNMARKED, CellSpan, Column, Row, RowSource

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.progress import Progress

_EDGES: Final = 3
"""Cells beside the columns: two of gutter and one of margin."""

_WIDE_FROM: Final = 80
"""Minimum cells of the wide layout: with fewer, its columns end before the important ones."""

_SUBSTITUTES: Final = {"model": "requested_model", "finish_reason": "error_type"}
"""Field -> field shown in its place if it is unknown, as of failed calls."""

_EMPTY: Final = "No model calls yet. They appear here as the application makes them."
_NO_MATCH: Final = "No calls match. Esc clears the filter."

_MARKS: Final[dict[str, CellSpan]] = {
    "warning": CellSpan("!", "warning"),
    "error": CellSpan("✗", "error"),
    "accent": CellSpan("*", "accent"),
    "success": CellSpan("+", "success"),
    "muted": CellSpan("-", "muted"),
}
"""Style of a user's rule -> mark in the gutter: colour alone is not accessible."""

_SAME_TRACE: Final = CellSpan("│", "primary")


class CallsPane(Pane):
    """The model calls of an Overview, with marks on the selected trace.

    `choice` has the columns, `rules` the styles for rows that match a user's predicates.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*CALLS_BINDINGS, *CELL_BINDINGS, *COLUMN_BINDINGS]
    shows_records = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"table--rule-{style}" for style in STYLES}

    @dataclass
    class ColumnsRequested(Message):
        """Open the column picker for this table."""

        pane: CallsPane

    def __init__(self, *, id: str = "calls") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.empty = READING
        self.sort: Sort | None = None
        self.choice = ColumnChoice()
        self.rules: Sequence[RowRule] = ()
        self._overview: Overview | None = None
        self._progress: Progress | None = None
        self._trace: str | None = None
        self._order: pl.Series | None = None
        self._sorted_by: Sort | None = None
        self._new = 0

    def load_preferences(self, columns: object, rules: Sequence[RowRule]) -> None:
        """Apply the columns of earlier runs, and styles for rows."""
        self.choice, self.rules = ColumnChoice.from_object(columns), rules

    def update_progress(self, progress: Progress) -> None:
        """Show missing files, or why one cannot be read, in place of calls."""
        self._progress = progress
        empty = self._reason_for_none()
        if empty != self.empty:
            self.empty = empty
            self.repaint()

    def _reason_for_none(self) -> str:
        """Return the text in place of calls."""
        if self._overview is not None and self._overview.where is not None:
            return _NO_MATCH
        files = () if self._progress is None else self._progress.waiting
        if files and url_of(files[0]):
            return f"No answer yet about {files[0].name}: it is read once its server answers."
        if files:
            return (
                f"No {files[0].name} yet: it is read once it exists. `llmlog-tui --demo` shows one."
            )
        if self._progress is not None and self._progress.problems:  # whole, unlike in the header
            path, why = self._progress.problems[0]
            return f"{path.name}: {why}"
        return READING if self._overview is None else _EMPTY

    def update(self, overview: Overview, trace: str | None, order: pl.Series | None) -> None:
        """Show the calls of `overview` in `order`, and mark those of the selected `trace`.

        Sorted calls stay unchanged while new ones arrive: those are counted, and are included in
        the next sort.
        """
        self._trace = trace
        last = self._overview
        if self.sort is None:
            self._overview, self._order, self._sorted_by, self._new = overview, None, None, 0
        elif order is not None and (
            self._sorted_by != self.sort or last is None or last.where != overview.where
        ):
            self._overview, self._order, self._sorted_by = overview, order, self.sort
            self._new = overview.calls.height - len(order)
            self.following = False
        elif last is not None and last.where == overview.where and self._order is not None:
            self._new = overview.calls.height - len(self._order)
        self.redraw()

    def set_trace(self, trace: str | None) -> None:
        """Mark the calls of the selected trace."""
        if trace != self._trace:
            self._trace = trace
            self.repaint()

    def row_mark(self, index: int, row: Row) -> CellSpan:
        """Return the row's bookmark or mark; otherwise, that of the selected trace."""
        mark = super().row_mark(index, row)
        is_same = row.group is not None and row.group == self._trace
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
        self.post_message(self.SortRequested(self))
        self.refresh_bindings()  # a click on a heading chooses its column, too

    @property
    def cursor_state(self) -> CursorState:
        return super().cursor_state._replace(sort=self.sort)

    def restore_cursor(self, state: CursorState) -> bool:
        """Restore the sort, too."""
        if state.sort != self.sort:
            self.sort = state.sort
            self.post_message(self.SortRequested(self))
        return super().restore_cursor(state)

    def follow(self) -> None:
        """Follow the newest call, in the order of the log."""
        self.sort = None
        super().follow()

    # -- columns

    def action_columns(self) -> None:
        self.post_message(self.ColumnsRequested(self))

    def set_columns(self, choice: ColumnChoice) -> None:
        """Show other columns; a sort by a removed column ends."""
        self.choice = choice
        fields = [each.column.field for each in self._chosen()]
        if self.sort is not None and self.sort.field not in fields:
            self.sort = None
            self.post_message(self.SortRequested(self))
        current = self.column.field if self.column is not None else None
        self._column = fields.index(current) if current in fields else None
        self.redraw()

    @property
    def tags(self) -> list[str]:
        """Names of the log's tags, as columns to choose from."""
        return [] if self._overview is None else tag_names(self._overview.tags)

    def _chosen(self) -> Sequence[CallColumn]:
        tags = () if self._overview is None else tuple(self._overview.tags)
        return laid_out(self.choice, tags, self.room, compact=self.is_narrow)

    @property
    def room(self) -> int:
        return max(0, self.size.width - _EDGES)

    @property
    def is_narrow(self) -> bool:
        """Return whether it has compact columns: on a small screen, or beside an open drawer."""
        return self.compact or 0 < self.size.width < _WIDE_FROM

    # -- drawing

    def redraw(self) -> None:
        if self._overview is None:
            self.set_title("Calls")
            return
        self.empty = self._reason_for_none()
        chosen = self._chosen()
        style = _CallStyle([each.draw for each in chosen], self._sorted_by, self._styles)
        columns = [each.column for each in chosen]
        self.set_source(_CallRows(self._overview, columns, self._order, style))
        total = f"{humanize.count(len(self.source))} {self._arrow()}" if self.compact else ""
        slow = self._overview.slow_summary.title(len(self.source))
        records = humanize.plural(self._overview.snapshot.counts.records, "record")
        self.set_title(
            " · ".join(part for part in (f"Calls {total}".strip(), slow) if part),
            f"{len(self.source):,} of {records} · "
            f"{self._order_label()} · slow is over {humanize.integer(self._overview.slow_ms)} ms",
        )

    def _order_label(self) -> str:
        if self._sorted_by is None:
            return "newest last"
        new = f", {self._new:,} new since" if self._new else ""
        return f"{self._arrow()}{new} · End newest"

    def _arrow(self) -> str:
        if self._sorted_by is None:
            return ""
        return f"by {self._sorted_by.field} {'▾' if self._sorted_by.descending else '▴'}"

    def _styles(self, count: int, calls: Callable[[], pl.DataFrame]) -> list[str]:
        """Return the styles of `count` calls by the user's rules; empty for none."""
        if not self.rules:
            return [""] * count
        try:
            found = workers.analysis.first_match(calls(), [rule.where for rule in self.rules])
        except workers.analysis.QueryError as error:
            # A valid rule can fail on the values of a log. It would again at every paint.
            self.rules = ()
            why = sanitize(str(error), 200)
            self.notify(why, title="No row styles", severity="error", markup=False)
            return [""] * count
        return ["" if rule is None else self.rules[rule].style for rule in found]


@dataclass(frozen=True)
class _CallStyle:
    """Renderers of the columns, the order, and the styles of rows."""

    draws: Sequence[CellRenderer]
    sort: Sort | None
    styles: Callable[[int, Callable[[], pl.DataFrame]], list[str]]


class _CallRows(RowSource):
    def __init__(
        self,
        overview: Overview,
        columns: Sequence[Column],
        order: pl.Series | None,
        style: _CallStyle,
    ) -> None:
        self.columns = columns
        self.overview = overview
        self.order = order
        self._style = style
        self._keys = overview.calls["row"] if order is None else overview.calls["row"][order]

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, index: int) -> Hashable:
        return int(self._keys[index])

    def index(self, key: Hashable) -> int | None:
        return self._keys.index_of(key)

    def continues(self, before: RowSource) -> bool:
        return (
            isinstance(before, _CallRows)
            and self.order is None
            and before.order is None
            and self.columns == before.columns
            and self.overview.has_only_more_calls_than(before.overview)
        )

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        calls = self.overview.call_rows(start, stop, self.order)
        styles = self._style.styles(stop - start, lambda: self._frame(start, stop))
        newest = self.overview.newest
        return [
            Row(
                [
                    draw(call, width, newest)
                    for draw, width in zip(self._style.draws, widths, strict=False)
                ],
                _MARKS.get(style, UNMARKED),
                _style_class(call, style),
                call["trace_id"],
            )
            for call, style in zip(calls, styles, strict=True)
        ]

    def _frame(self, start: int, stop: int) -> pl.DataFrame:
        calls = self.overview.calls
        if self.order is None:
            return calls.slice(start, stop - start).frame()
        return calls.gather(self.order.slice(start, stop - start))

    def field_value(self, index: int, column: int) -> tuple[str, object]:
        call = self._frame(index, index + 1)
        field = self.columns[column].field
        if call[field][0] is None:
            field = _SUBSTITUTES.get(field, field)
        return field, call[field][0]

    def heading(self, column: int, width: int) -> str:
        title, sort = self.columns[column].title, self._style.sort
        if sort is None or sort.field != self.columns[column].field:
            return title
        return f"{title[: width - 1]}{'▾' if sort.descending else '▴'}"


def _style_class(call: Mapping[str, Any], style: str) -> str:
    if style:
        return f"rule-{style}"
    return "failed" if call["failed"] else "slow" if call["slow"] else ""
