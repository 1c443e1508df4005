"""Rows of Traces: a list, or a tree of sessions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmlog_tui import humanize
from llmlog_tui.tui.render.cells import flags
from llmlog_tui.tui.widgets.row_source import Cell, CellSpan, Column, Row, RowSource, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.sessions import Tree

WIDE: Final = (
    Column("id", 8, flex=True, field="trace_id"),
    Column("when", 8),
    Column("steps", 5, "right"),
    Column("time ms", 7, "right"),
    Column("tokens", 6, "right"),
    Column("cost $", 7, "right"),
    Column("flag", 4),
)
COMPACT: Final = (
    Column("id", 8, field="trace_id"),
    *WIDE[1:],
    Column("session", 8, field="session_id"),
    Column("models", 10, flex=True),
)
_ID, _NAME = COMPACT[0], Column("name", 10, flex=True, field="trace_name")
NAMED: Final = (_ID, _NAME, *WIDE[1:], Column("session", 8, field="session_id"))
NAMED_NARROW: Final = (_ID, _NAME, *(c for c in WIDE[1:] if c.title not in {"steps", "tokens"}))
"""Columns of a log whose runs have names; the narrow ones leave room for them."""
BY_SESSION: Final = (Column("session", 10, flex=True, field="trace_id"), *WIDE[1:])
BY_SESSION_COMPACT: Final = (
    Column("session", 10, field="trace_id"),
    *WIDE[1:],
    Column("models", 10, flex=True),
)
_WHEN: Final = 8


class SessionHeading(NamedTuple):
    """The key of a session's heading."""

    session_id: str | None


class TraceLabels(NamedTuple):
    """Letters beside traces by trace_id, and the name of a row of Overview.traces, if known."""

    marks: Mapping[str, str]
    name_of: Callable[[Mapping[str, Any]], str | None]


class TraceRows(RowSource):
    """The traces in the order of the log."""

    def __init__(
        self,
        overview: Overview,
        columns: Sequence[Column],
        labels: TraceLabels,
    ) -> None:
        self._labels = labels
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

    def field_value(self, index: int, column: int) -> tuple[str, object]:
        field = self.columns[column].field
        return field, self._overview.traces[field][index]

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        return [self._row(trace, widths) for trace in self._overview.trace_rows(start, stop)]

    def _row(self, trace: dict[str, Any], widths: Sequence[int]) -> Row:
        name = trace["trace_id"] if widths[0] > len("7c1d4e8a") else trace["trace_id"][:8]
        called = self._labels.name_of(trace)
        figures = _figures(trace, self._newest, humanize.integer(trace["steps"]))
        cells = {
            "id": cell(name),
            "name": cell(called or humanize.UNKNOWN, "strong" if trace["trace_name"] else ""),
            **dict(zip((column.title for column in WIDE[1:]), figures, strict=True)),
            "session": cell(humanize.short_id(trace["session_id"]), "muted"),
            "models": _models(trace),
        }
        return Row(
            [cells[column.title] for column in self.columns],
            CellSpan(self._labels.marks.get(trace["trace_id"], " "), "accent"),
        )


class SessionRows(RowSource):
    """A heading per session, followed by its traces unless it is `folded`."""

    def __init__(
        self,
        overview: Overview,
        columns: Sequence[Column],
        labels: TraceLabels,
        tree: Tree,
        folded: frozenset[str | None],
    ) -> None:
        self.columns = columns
        self._labels = labels
        self._overview = overview
        self._tree = tree
        self._folded = folded
        self._sessions = tree.sessions.frame

    def __len__(self) -> int:
        return len(self._tree)

    def key(self, index: int) -> Hashable:
        """Return a trace_id, or a SessionHeading."""
        session, trace = self._tree.at(index)
        if trace is None:
            return SessionHeading(self._sessions["session_id"][session])
        return str(self._overview.traces["trace_id"][trace])

    def index(self, key: Hashable) -> int | None:
        """Return the index of a trace or heading; None in a folded session."""
        if isinstance(key, SessionHeading):
            session = self._sessions["session_id"].index_of(key.session_id)
            return None if session is None else int(self._tree.starts[session])
        trace = self._overview.traces["trace_id"].index_of(key)
        return None if trace is None else self._tree.row_of(trace)

    def field_value(self, index: int, column: int) -> tuple[str, object]:
        """Return the field and value of a trace's cell; on a heading, its session's id."""
        session, trace = self._tree.at(index)
        field = self.columns[column].field
        if trace is None:
            return ("session_id" if field else ""), self._sessions["session_id"][session]
        return field, self._overview.traces[field][trace]

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        items = self._tree.between(start, stop)
        traces = [trace for _, trace in items if trace is not None]
        sessions = [session for session, trace in items if trace is None]
        headings = iter(self._sessions[sessions].to_dicts())
        below = iter(self._overview.traces[traces].to_dicts())
        return [
            self._heading(next(headings)) if trace is None else self._trace(next(below))
            for _, trace in items
        ]

    def _heading(self, session: dict[str, Any]) -> Row:
        sign = "▸" if session["session_id"] in self._folded else "▾"
        name = (
            CellSpan(f"{sign} ", "muted"),
            CellSpan(humanize.short_id(session["session_id"]), "strong"),
        )
        figures = _figures(session, self._overview.newest, f"{session['traces']:,} tr")
        return Row((name, *figures, _models(session)))

    def _trace(self, trace: dict[str, Any]) -> Row:
        figures = _figures(trace, self._overview.newest, humanize.integer(trace["steps"]))
        called = humanize.run_label(trace["trace_id"], self._labels.name_of(trace))
        cells = (cell("  " + called), *figures, _models(trace))
        return Row(cells, CellSpan(self._labels.marks.get(trace["trace_id"], " "), "accent"))


def _figures(found: Mapping[str, Any], newest: datetime | None, size: str) -> tuple[Cell, ...]:
    """Return the cells from `when` to `flag` of a trace or session."""
    return (
        cell(humanize.time_label(found["ts"], newest, _WHEN), "muted"),
        cell(size),
        cell(humanize.fit_number(found["time_ms"], 7)),
        cell(humanize.count(found["tokens"])),
        cell(_cost(found)),
        flags(found),
    )


def _models(found: Mapping[str, Any]) -> Cell:
    models = found["models"]
    more = f" +{len(models) - 1}" if len(models) > 1 else ""
    return cell((models[0] if models else humanize.UNKNOWN) + more, "muted")


def _cost(trace: Mapping[str, Any]) -> str:
    """Return the cost, followed by `+` if some calls have no price."""
    usd, partly = trace["cost_usd"], "+" if trace["unpriced_calls"] else ""
    return humanize.UNKNOWN if usd is None else humanize.dollars(usd, 7 - len(partly)) + partly
