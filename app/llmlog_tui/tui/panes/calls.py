"""Calls: one row for each model call; what was slow is marked, with the reason."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import BindingType

from llmlog_tui import units
from llmlog_tui.tui.bindings import CALLS_BINDINGS
from llmlog_tui.tui.panes.pane import Pane
from llmlog_tui.tui.widgets.rows import Cell, Column, Row, RowSource, Span, Tone, cell, flags

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview

_WIDE: Final = (
    Column("time", 12),
    Column("trace", 8),
    Column("st", 3, "right"),
    Column("model", 17),
    Column("ms", 7, "right"),
    Column("rsn", 5, "right"),
    Column("why slow", 29, flex=True),
    Column("tok/s", 5, "right"),
    Column("in", 6, "right"),
    Column("out", 6, "right"),
    Column("cached", 6, "right"),
    Column("cost $", 7, "right"),
    Column("finish", 10),
    Column("fingerprint", 11),
    Column("flag", 4),
)
_COMPACT: Final = (
    Column("time", 8),
    Column("trace", 8),
    Column("st", 3, "right"),
    Column("model", 14),
    Column("ms", 7, "right"),
    Column("rsn", 5, "right"),
    Column("why slow", 12, flex=True),
)

_EMPTY: Final = "No model calls yet. They appear here as the application makes them."


class CallsPane(Pane):
    """The model calls of an Overview, those of the selected trace marked."""

    BINDINGS: ClassVar[list[BindingType]] = [*CALLS_BINDINGS]

    def __init__(self) -> None:
        super().__init__(id="calls")
        self.empty = _EMPTY
        self._overview: Overview | None = None
        self._trace: str | None = None

    def wait_for(self, files: Sequence[Path]) -> None:
        """Say which files are not there yet, while there are no calls."""
        self.empty = _EMPTY
        if files:
            self.empty = (
                f"No {files[0].name} yet: it is read once it is there. "
                "`llmlog-tui --demo` shows one."
            )
        self.refresh()

    def hold(self, overview: Overview, trace: str | None) -> None:
        """Show the calls of `overview`; `trace` is the selected one."""
        self._overview, self._trace = overview, trace
        self.redraw()

    def redraw(self) -> None:
        """Draw what is held."""
        if self._overview is None:
            self.label("Calls")
            return
        self.show(_Calls(self._overview, self._trace, _COMPACT if self.compact else _WIDE))
        total = units.count(len(self.source)) if self.compact else ""
        verdict = self._overview.verdict.sentence()
        self.label(
            " · ".join(part for part in (f"Calls {total}".strip(), verdict) if part),
            f"{len(self.source):,} of {self._overview.snapshot.counts.records:,} records · "
            f"newest last · slow is over {units.whole(self._overview.slow_ms)} ms",
        )


class _Calls(RowSource):
    def __init__(self, overview: Overview, trace: str | None, columns: Sequence[Column]) -> None:
        self.columns = columns
        self._overview = overview
        self._trace = trace
        self._keys = overview.calls["row"]

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, index: int) -> Hashable:
        return int(self._keys[index])

    def index(self, key: Hashable) -> int | None:
        return self._keys.index_of(key)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self._row(call, widths) for call in self._overview.call_rows(start, stop)]

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
