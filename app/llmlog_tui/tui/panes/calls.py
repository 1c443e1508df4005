"""Calls: one row for each model call; what was slow is marked, with the reason."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import BindingType

from llmlog_tui import units
from llmlog_tui.tui.asks import Sort
from llmlog_tui.tui.bindings import CALLS_BINDINGS, COLUMN_BINDINGS, PICK_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.widgets.rows import Cell, Column, Row, RowSource, Span, Tone, cell, flags

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.overview import Overview

_WIDE: Final = (
    Column("time", 12, field="ts"),
    Column("trace", 8, field="trace_id"),
    Column("st", 3, "right", field="step"),
    Column("model", 17, field="model"),
    Column("ms", 7, "right", field="latency_ms"),
    Column("rsn", 5, "right", field="reasoning_tokens"),
    Column("why slow", 29, flex=True),
    Column("tok/s", 5, "right", field="tokens_per_sec"),
    Column("in", 6, "right", field="prompt_tokens"),
    Column("out", 6, "right", field="completion_tokens"),
    Column("cached", 6, "right", field="cached_tokens"),
    Column("cost $", 7, "right", field="cost_usd"),
    Column("finish", 10, field="finish_reason"),
    Column("fingerprint", 11, field="system_fingerprint"),
    Column("flag", 4),
)
_COMPACT: Final = (
    Column("time", 8, field="ts"),
    Column("trace", 8, field="trace_id"),
    Column("st", 3, "right", field="step"),
    Column("model", 14, field="model"),
    Column("ms", 7, "right", field="latency_ms"),
    Column("rsn", 5, "right", field="reasoning_tokens"),
    Column("why slow", 12, flex=True),
)

_STAND_INS: Final = {"model": "requested_model", "finish_reason": "error_type"}
"""What is shown of a call that failed, in the place of what it does not have."""

_EMPTY: Final = "No model calls yet. They appear here as the application makes them."


class CallsPane(Pane):
    """The model calls of an Overview, those of the selected trace marked."""

    BINDINGS: ClassVar[list[BindingType]] = [*CALLS_BINDINGS, *PICK_BINDINGS, *COLUMN_BINDINGS]
    shows_records = True

    def __init__(self, *, id: str = "calls") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.empty = _EMPTY
        self.sort: Sort | None = None
        self._overview: Overview | None = None
        self._trace: str | None = None
        self._order: pl.Series | None = None
        self._sorted_by: Sort | None = None
        self._new = 0

    def wait_for(self, files: Sequence[Path]) -> None:
        """Say which files are not there yet, while there are no calls."""
        self.empty = _EMPTY
        if files:
            self.empty = (
                f"No {files[0].name} yet: it is read once it is there. "
                "`llmlog-tui --demo` shows one."
            )
        self.refresh()

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
            self.redraw()

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

    def follow(self) -> None:
        """Go to the newest call, in the order of the log."""
        self.sort = None
        super().follow()

    def redraw(self) -> None:
        """Draw what is held."""
        if self._overview is None:
            self.label("Calls")
            return
        if self._overview.where is not None:
            self.empty = "No calls match. Esc clears the filter."
        elif self._overview.all_calls:
            self.empty = _EMPTY
        columns = _COMPACT if self.compact else _WIDE
        self.show(_Calls(self._overview, self._trace, columns, self._order, self._sorted_by))
        total = units.count(len(self.source)) if self.compact else ""
        verdict = self._overview.verdict.sentence()
        self.label(
            " · ".join(part for part in (f"Calls {total}".strip(), verdict) if part),
            f"{len(self.source):,} of {self._overview.snapshot.counts.records:,} records · "
            f"{self._in_order()} · slow is over {units.whole(self._overview.slow_ms)} ms",
        )

    def _in_order(self) -> str:
        if self._sorted_by is None:
            return "newest last"
        arrow = "▼" if self._sorted_by.descending else "▲"
        new = f", {self._new:,} new since" if self._new else ""
        return f"by {self._sorted_by.field} {arrow}{new} · End newest"


class _Calls(RowSource):
    def __init__(
        self,
        overview: Overview,
        trace: str | None,
        columns: Sequence[Column],
        order: pl.Series | None,
        sort: Sort | None,
    ) -> None:
        self.columns = columns
        self._overview = overview
        self._trace = trace
        self._order = order
        self._sort = sort
        self._keys = overview.calls["row"] if order is None else overview.calls["row"][order]

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, index: int) -> Hashable:
        return int(self._keys[index])

    def index(self, key: Hashable) -> int | None:
        return self._keys.index_of(key)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        calls = self._overview.call_rows(start, stop, self._order)
        return [self._row(call, widths) for call in calls]

    def picked(self, index: int, column: int) -> tuple[str, object]:
        """Where another field stands in for one that is unknown, that one."""
        at = index if self._order is None else int(self._order[index])
        field = self.columns[column].field
        stand_in = _STAND_INS.get(field, field)
        shown = field if self._overview.calls[field][at] is not None else stand_in
        return shown, self._overview.calls[shown][at]

    def heading(self, column: int, width: int) -> str:
        title, sort = self.columns[column].title, self._sort
        if sort is None or sort.field != self.columns[column].field:
            return title
        return f"{title[: width - 1]}{'▼' if sort.descending else '▲'}"

    def _row(self, call: dict[str, Any], widths: Sequence[int]) -> Row:
        step = units.UNKNOWN if call["step"] is None else str(call["step"])
        cells: tuple[Cell, ...] = (
            cell(units.moment(call["ts"], self._overview.newest, widths[0]), "muted"),
            cell(units.short_id(call["trace_id"])),
            cell(step, "muted"),
            cell(
                call["model"] or call["requested_model"] or units.UNKNOWN,
                "secondary" if call["event"] == "embedding" else "",
            ),
            cell(units.within(call["latency_ms"], 7), _heat(call)),
            _tokens(call["reasoning_tokens"], "strong" if call["slow"] else "muted"),
            cell(call["why"]),
            cell(units.within(call["tokens_per_sec"], 5), "muted"),
            _tokens(call["prompt_tokens"]),
            _tokens(call["completion_tokens"]),
            _tokens(call["cached_tokens"], "success"),
            cell(units.dollars(call["cost_usd"], 7)),
            _finish(call),
            cell(
                call["system_fingerprint"] or units.UNKNOWN,
                "accent" if call["changed"] else "muted",
            ),
            flags(call),
        )
        mine = self._trace is not None and call["trace_id"] == self._trace
        ground: Any = "failed" if call["failed"] else "slow" if call["slow"] else ""
        return Row(cells, Span("│", "primary") if mine else Span(" "), ground)


def _heat(call: dict[str, Any]) -> Tone:
    return "worst" if call["worst"] else "warning" if call["slow"] else ""


def _tokens(number: int | None, tone: Tone = "") -> Cell:
    return cell(units.count(number), tone if number else "muted")


def _finish(call: dict[str, Any]) -> Cell:
    if call["failed"]:
        return cell(str(call["error_type"] or call["error_status"] or "failed"), "error")
    reason = call["finish_reason"]
    return cell(reason or units.UNKNOWN, "worst" if call["truncated"] else "")
