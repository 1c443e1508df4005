"""Traces: one row for each run."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import BindingType

from llmlog_tui import units
from llmlog_tui.tui.bindings import PICK_BINDINGS, TRACES_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.widgets.rows import Cell, Column, Row, RowSource, Span, cell, flags

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview

_WIDE: Final = (
    Column("id", 8, flex=True, field="trace_id"),
    Column("when", 8),
    Column("steps", 5, "right"),
    Column("time ms", 7, "right"),
    Column("tokens", 6, "right"),
    Column("cost $", 7, "right"),
    Column("flag", 4),
)
_COMPACT: Final = (
    Column("id", 8, field="trace_id"),
    *_WIDE[1:],
    Column("session", 8, field="session_id"),
    Column("models", 10, flex=True),
)


class TracesPane(Pane):
    """The traces of an Overview; the one under the cursor is the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = [*TRACES_BINDINGS, *PICK_BINDINGS]

    def __init__(self) -> None:
        super().__init__(id="traces")
        self.empty = "No traces yet. One appears with the first record that has a trace_id."
        self._overview: Overview | None = None
        self._marks: Mapping[str, str] = {}

    def hold(self, overview: Overview) -> None:
        """Show the traces of `overview`."""
        self._overview = overview
        self.redraw()

    def mark(self, marks: Mapping[str, str]) -> None:
        """Show these letters beside these traces."""
        self._marks = marks
        self.redraw()

    def redraw(self) -> None:
        """Draw what is held."""
        if self._overview is None:
            self.label("Traces")
            return
        self.show(_Traces(self._overview, _COMPACT if self.compact else _WIDE, self._marks))
        total = len(self.source)
        self.label(
            f"Traces {total:,}" if self.compact else "Traces",
            f"{total:,} {'trace' if total == 1 else 'traces'}{self._costs()} · newest last",
        )

    def _costs(self) -> str:
        """What they cost, where that is known, and what caching saved."""
        cost = None if self._overview is None else self._overview.cost
        if cost is None or cost.usd is None:
            return ""
        saved = f", caching saved {units.money(cost.saved_usd)}" if cost.saved_usd else ""
        return f" · {units.money(cost.usd)}{saved}"

    def action_session(self) -> None:
        """Show only the calls of the session that this trace is of."""
        at = None if self.cursor_key is None else self.source.index(self.cursor_key)
        if at is not None and self._overview is not None:
            session = self._overview.traces["session_id"][at]
            self.post_message(self.Picked("session_id", session, holds=True))


class _Traces(RowSource):
    def __init__(
        self, overview: Overview, columns: Sequence[Column], marks: Mapping[str, str]
    ) -> None:
        self._marks = marks
        self.columns = columns
        self._overview = overview
        self._ids = overview.traces["trace_id"]
        self._newest = overview.newest

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, index: int) -> Hashable:
        return str(self._ids[index])

    def index(self, key: Hashable) -> int | None:
        return self._ids.index_of(key)

    def picked(self, index: int, column: int) -> tuple[str, object]:
        field = self.columns[column].field
        return field, self._overview.traces[field][index]

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self._row(trace, widths) for trace in self._overview.trace_rows(start, stop)]

    def _row(self, trace: dict[str, Any], widths: Sequence[int]) -> Row:
        models = trace["models"]
        more = f" +{len(models) - 1}" if len(models) > 1 else ""
        cells: tuple[Cell, ...] = (
            cell(trace["trace_id"] if widths[0] > len("7c1d4e8a") else trace["trace_id"][:8]),
            cell(units.moment(trace["ts"], self._newest, widths[1]), "muted"),
            cell(units.whole(trace["steps"])),
            cell(units.within(trace["time_ms"], 7)),
            cell(units.count(trace["tokens"])),
            cell(_cost(trace)),
            flags(trace),
            cell(units.short_id(trace["session_id"]), "muted"),
            cell((models[0] if models else units.UNKNOWN) + more, "muted"),
        )
        return Row(cells, Span(self._marks.get(trace["trace_id"], " "), "accent"))


def _cost(trace: dict[str, Any]) -> str:
    """What the trace cost; `+` says that some of its calls have no price."""
    usd, partly = trace["cost_usd"], "+" if trace["unpriced_calls"] else ""
    return units.UNKNOWN if usd is None else units.dollars(usd, 7 - len(partly)) + partly
