"""Rows of Traces: a list, or a tree of sessions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.cells import cell_len

from llmlog_tui import humanize
from llmlog_tui.analysis.traces.running_steps import requested_models
from llmlog_tui.tui.render import running_text
from llmlog_tui.tui.render.cells import flags
from llmlog_tui.tui.widgets.row_source import UNMARKED, Cell, CellSpan, Column, Row, RowSource, cell

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.sessions import Tree
    from llmlog_tui.log.starts import RunningStep

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
ZOOMED: Final = (
    Column("id", 9, field="trace_id"),
    *WIDE[1:6],
    Column("saved $", 8, "right"),
    WIDE[6],
    Column("session", 9, field="session_id"),
    Column("models", 10, flex=True),
)
"""Columns of the pane alone on a wide screen, with whole ids."""
_ID, _NAME = COMPACT[0], Column("name", 10, flex=True, field="trace_name")
NAMED: Final = (_ID, _NAME, *WIDE[1:], Column("session", 8, field="session_id"))
ZOOMED_NAMED: Final = (
    ZOOMED[0],
    Column("name", 10, field="trace_name"),
    *ZOOMED[1:],
)
NAMED_NARROW: Final = (_ID, _NAME, *(c for c in WIDE[1:] if c.title not in {"steps", "tokens"}))
"""Columns of a log whose runs have names; the narrow ones leave room for them."""
BY_SESSION: Final = (Column("session", 10, flex=True, field="trace_id"), *WIDE[1:])
BY_SESSION_COMPACT: Final = (
    Column("session", 10, field="trace_id"),
    *WIDE[1:],
    Column("models", 10, flex=True),
)
BY_SESSION_NAMED: Final = (Column("session", 30, field="trace_id"), *BY_SESSION_COMPACT[1:])
"""Columns of a wide pane whose runs have names."""
BY_SESSION_NAMED_NARROW: Final = (BY_SESSION[0], *NAMED_NARROW[2:])
"""Columns that leave room for names in a narrow pane."""
_WHEN, _COST, _SHORT_ID = 8, 7, 8
"""Widths of columns."""
_MAX_MODELS: Final = 8


class SessionHeading(NamedTuple):
    """The key of a session's heading."""

    session_id: str | None


class TraceLabels(NamedTuple):
    """Letters beside traces by trace_id, and the name of a row of Overview.traces, if known.

    Bars of steps in flight end `now`.
    """

    marks: Mapping[str, str]
    name_of: Callable[[Mapping[str, Any]], str | None]
    now: datetime


class TraceRows(RowSource):
    """The traces in the order of the log, with runs without a record."""

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
        self._growing = GrowingCells(overview.in_flight.by_trace, labels.now)
        started = overview.in_flight.started
        self._started = {run.trace_id: run.at + n for n, run in enumerate(started)}
        self._at = list(self._started.values())

    def __len__(self) -> int:
        return len(self._ids) + len(self._at)

    def trace_index(self, index: int) -> int | None:
        """Return the index in Overview.traces of a row; None of a run without a record."""
        before = bisect_left(self._at, index)
        return None if before < len(self._at) and self._at[before] == index else index - before

    def key(self, index: int) -> Hashable:
        trace = self.trace_index(index)
        if trace is None:
            return self._overview.in_flight.started[bisect_left(self._at, index)].trace_id
        return str(self._ids[trace])

    def index(self, key: Hashable) -> int | None:
        if isinstance(key, str) and key in self._started:
            return self._started[key]
        trace = self._ids.index_of(key)
        if trace is None or not self._at:
            return trace
        return trace + sum(run.at <= trace for run in self._overview.in_flight.started)

    def field_value(self, index: int, column: int) -> tuple[str, object]:
        field, trace = self.columns[column].field, self.trace_index(index)
        if trace is None:
            step = self._overview.in_flight.by_trace[str(self.key(index))][0]
            return field, getattr(step, field)
        return field, self._overview.traces[field][trace]

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        if not self._at:
            return [self._row(trace, widths) for trace in self._overview.trace_rows(start, stop)]
        indices = [self.trace_index(index) for index in range(start, min(stop, len(self)))]
        known = [index for index in indices if index is not None]
        first, last = (known[0], known[-1] + 1) if known else (0, 0)
        traces = iter(self._overview.trace_rows(first, last))
        return [
            self._row(next(traces), widths)
            if index is not None
            else self._row(_begun(str(self.key(start + n)), self._overview), widths)
            for n, index in enumerate(indices)
        ]

    def _row(self, trace: dict[str, Any], widths: Sequence[int]) -> Row:
        width_of = {column.title: width for column, width in zip(self.columns, widths, strict=True)}
        called = self._labels.name_of(trace)
        steps = humanize.integer(trace["steps"])
        figures = self._growing.over(trace, _figures(trace, self._newest, steps))
        cells = {
            "id": cell(_id(trace["trace_id"], width_of["id"])),
            "name": cell(called or humanize.UNKNOWN, "strong" if trace["trace_name"] else ""),
            **dict(zip((column.title for column in WIDE[1:]), figures, strict=True)),
            "saved $": _saved(trace["saved_usd"]),
            "session": cell(_id(trace["session_id"], width_of.get("session", 0)), "muted"),
            "models": _models(trace, width_of.get("models", 0)),
        }
        return Row(
            [cells[column.title] for column in self.columns],
            self._growing.mark(trace["trace_id"], self._labels.marks),
        )


class GrowingCells:
    """Cells of runs in flight: the time so far, a bar in place of cost."""

    def __init__(self, by_trace: Mapping[str, Sequence[RunningStep]], now: datetime) -> None:
        self._by_trace, self._now = by_trace, now
        of_all = [step for steps in by_trace.values() for step in steps]
        self._full_ms = running_text.scale_ms(of_all, now)

    def mark(self, trace_id: str, marks: Mapping[str, str]) -> CellSpan:
        """Return the mark of a trace: its letter, else whether it runs or never ended."""
        steps = self._by_trace.get(trace_id)
        if trace_id in marks or not steps:
            return CellSpan(marks.get(trace_id, " "), "accent")
        return running_text.mark(steps, self._now)

    def over(self, trace: Mapping[str, Any], figures: tuple[Cell, ...]) -> tuple[Cell, ...]:
        """Return the figures of a trace, with its time so far while it runs."""
        steps = self._by_trace.get(trace["trace_id"])
        if not steps or not (elapsed := running_text.elapsed_ms(steps, self._now)):
            return figures
        so_far = elapsed
        if trace["ts"] is not None:
            so_far = max(elapsed, (self._now - trace["ts"]).total_seconds() * 1_000)
        when, size, _, tokens, _, flag = figures
        bar = running_text.growing_bar(elapsed, self._full_ms, _COST)
        bar = CellSpan(f"{bar.text:<{_COST}}", bar.tone)  # its column is aligned to the right
        return when, size, cell(humanize.fit_number(so_far, 7), "primary"), tokens, (bar,), flag


def _begun(trace_id: str, overview: Overview) -> dict[str, Any]:
    """Return a row of traces() for a run without a record, all unknown."""
    steps = overview.in_flight.by_trace[trace_id]
    first, *_ = steps
    known = {"trace_id": trace_id, "session_id": first.session_id, "ts": first.ts}
    names = {"trace_name": first.trace_name, "name": first.label, "models": requested_models(steps)}
    unknown = dict.fromkeys(("steps", "time_ms", "tokens", "cost_usd", "saved_usd"))
    flags_of = dict.fromkeys(("failed", "cut_off", "retried", "changed", "unpriced_calls"), 0)
    return {**known, **names, **unknown, **flags_of}


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
        self._growing = GrowingCells(overview.in_flight.by_trace, labels.now)
        self._tree = tree
        self._folded = folded
        self._sessions = tree.sessions.frame
        self._ids = overview.traces["trace_id"]
        self._begun = tree.sessions.begun
        steps = [step for steps in overview.in_flight.by_trace.values() for step in steps]
        self._in_flight: dict[str | None, list[RunningStep]] = {}
        for step in steps:
            self._in_flight.setdefault(step.session_id, []).append(step)

    def __len__(self) -> int:
        return len(self._tree)

    def key(self, index: int) -> Hashable:
        """Return a trace_id, or a SessionHeading."""
        session, trace = self._tree.at(index)
        if trace is None:
            return SessionHeading(self._sessions["session_id"][session])
        return self.trace_id(trace)

    def trace_id(self, trace: int) -> str:
        """Return the id of a trace by its index in the tree."""
        known = len(self._ids)
        return str(self._ids[trace]) if trace < known else self._begun[trace - known]

    def index_of_trace(self, trace_id: str) -> int | None:
        """Return the index of a trace in the tree; None of unknown ones."""
        if trace_id in self._begun:
            return len(self._ids) + self._begun.index(trace_id)
        return self._ids.index_of(trace_id)

    def index(self, key: Hashable) -> int | None:
        """Return the index of a trace or heading; None in a folded session."""
        if isinstance(key, SessionHeading):
            session = self._sessions["session_id"].index_of(key.session_id)
            return None if session is None else int(self._tree.starts[session])
        trace = self.index_of_trace(key) if isinstance(key, str) else None
        return None if trace is None else self._tree.row_of(trace)

    def field_value(self, index: int, column: int) -> tuple[str, object]:
        """Return the field and value of a trace's cell; on a heading, its session's id."""
        session, trace = self._tree.at(index)
        field = self.columns[column].field
        if trace is None:
            return ("session_id" if field else ""), self._sessions["session_id"][session]
        if trace >= len(self._ids):
            step = self._overview.in_flight.by_trace[self.trace_id(trace)][0]
            return field, getattr(step, field, "")
        return field, self._overview.traces[field][trace]

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:
        room = widths[-1]
        items = self._tree.between(start, stop)
        known = len(self._ids)
        traces = [trace for _, trace in items if trace is not None and trace < known]
        sessions = [session for session, trace in items if trace is None]
        headings = iter(self._sessions[sessions].to_dicts())
        below = iter(self._overview.traces[traces].to_dicts())
        return [
            self._heading(next(headings), room)
            if trace is None
            else self._trace(
                next(below) if trace < known else _begun(self.trace_id(trace), self._overview),
                widths,
            )
            for _, trace in items
        ]

    def _heading(self, session: dict[str, Any], room: int) -> Row:
        sign = "▸" if session["session_id"] in self._folded else "▾"
        name: Cell = (
            CellSpan(f"{sign} ", "muted"),
            CellSpan(humanize.short_id(session["session_id"]), "strong"),
        )
        size = f"{session['traces']:,} tr"
        if all(column.title != "steps" for column in self.columns):
            name = (*name, CellSpan(f"  {size}", "muted"))
        figures = _figures(session, self._overview.newest, size)
        steps = self._in_flight.get(session["session_id"])
        mark = running_text.mark(steps, self._labels.now) if steps else UNMARKED
        return Row(self._cells(name, figures, _models(session, room)), mark)

    def _trace(self, trace: dict[str, Any], widths: Sequence[int]) -> Row:
        steps = humanize.integer(trace["steps"])
        figures = self._growing.over(trace, _figures(trace, self._overview.newest, steps))
        called = humanize.run_label(trace["trace_id"], self._labels.name_of(trace))
        if cell_len(called) + 2 > widths[0]:
            called = humanize.short_id(trace["trace_id"])  # whole, rather than a cut name
        cells = self._cells(cell("  " + called), figures, _models(trace, widths[-1]))
        return Row(cells, self._growing.mark(trace["trace_id"], self._labels.marks))

    def _cells(self, name: Cell, figures: tuple[Cell, ...], models: Cell) -> list[Cell]:
        """Return the cells of the columns that are shown."""
        titles = (column.title for column in WIDE[1:])
        by_title = {**dict(zip(titles, figures, strict=True)), "models": models}
        return [name, *(by_title[column.title] for column in self.columns[1:])]


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


def _id(value: str | None, width: int) -> str:
    """Return an id, shortened in a column for short ones."""
    return value if value is not None and width > _SHORT_ID else humanize.short_id(value)


def _models(found: Mapping[str, Any], width: int) -> Cell:
    """Return all models if they fit, else the first and the number of others."""
    models: list[str] = found["models"]
    if 1 < len(models) <= _MAX_MODELS and sum(len(name) + 2 for name in models) - 2 <= width:
        return cell(", ".join(models), "muted")
    more = f" +{len(models) - 1}" if len(models) > 1 else ""
    return cell((models[0] if models else humanize.UNKNOWN) + more, "muted")


def _saved(usd: float | None) -> Cell:
    if not usd:
        return cell(humanize.UNKNOWN if usd is None else "0", "muted")
    return cell(humanize.dollars(usd, 8), "warning" if usd < 0 else "success")


def _cost(trace: Mapping[str, Any]) -> str:
    """Return the cost, followed by `+` if some calls have no price."""
    mark = humanize.unpriced_mark(trace["cost_usd"], trace["unpriced_calls"])
    return humanize.dollars(trace["cost_usd"], 7 - len(mark)) + mark
