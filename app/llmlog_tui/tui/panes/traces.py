"""The traces of a log, in its order or by session."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import BindingType
from textual.message import Message

from llmlog_tui import humanize
from llmlog_tui.tui.keys.panes import CELL_BINDINGS, TRACES_BINDINGS
from llmlog_tui.tui.panes.pane import READING, Pane
from llmlog_tui.tui.panes.trace_rows import (
    BY_SESSION,
    BY_SESSION_COMPACT,
    BY_SESSION_NAMED,
    BY_SESSION_NAMED_NARROW,
    COMPACT,
    NAMED,
    NAMED_NARROW,
    WIDE,
    ZOOMED,
    ZOOMED_NAMED,
    SessionHeading,
    SessionRows,
    TraceLabels,
    TraceRows,
)
from llmlog_tui.tui.render import running_text

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.sessions import Sessions, Tree
    from llmlog_tui.tui.widgets.row_source import Column

_WIDE_FROM: Final = 76
"""Minimum cells of a pane with all columns."""
_NAMED_SESSIONS_FROM: Final = 100
"""Minimum cells of a pane with sessions, names of runs, and models."""

_NO_MATCH: Final = "No traces match. Esc clears the filter."
_EMPTY: Final = "No traces yet. One appears with the first record that has a trace_id."


class TracesPane(Pane):
    """The traces of an Overview, optionally by session; the one under the cursor is selected."""

    BINDINGS: ClassVar[list[BindingType]] = [*TRACES_BINDINGS, *CELL_BINDINGS]

    @dataclass
    class GroupingChanged(Message):
        """The user grouped the traces by session, or ungrouped them."""

        by_session: bool

    @dataclass
    class WordsRequested(Message):
        """Read the first words of the users of these traces."""

        traces: frozenset[str]

    def __init__(self) -> None:
        super().__init__(id="traces")
        self.empty = READING
        self.by_session = False
        self._overview: Overview | None = None
        self._sessions: Sessions | None = None
        self._tree: Tree | None = None
        self._folded: frozenset[str | None] = frozenset()
        self._marks: Mapping[str, str] = {}
        self._words: dict[str, str | None] = {}
        self._unread: set[str] = set()

    def update(self, overview: Overview, sessions: Sessions | None) -> None:
        """Show the traces of `overview`; grouped ones stay unchanged without `sessions`."""
        if sessions is None and self.by_session and self._overview is not None:
            return
        self._overview = overview
        self._group(sessions if self.by_session else None)

    def _group(self, sessions: Sessions | None) -> None:
        self._sessions = sessions
        self._tree = None if sessions is None else sessions.tree(self._folded)
        self.redraw()

    def set_marks(self, marks: Mapping[str, str]) -> None:
        """Show letters beside traces, by trace_id."""
        self._marks = marks
        self.redraw()

    def redraw(self) -> None:
        overview, tree = self._overview, self._tree
        if overview is None:
            self.set_title("Traces")
            return
        self.empty = _EMPTY if overview.where is None else _NO_MATCH
        now = datetime.now(UTC)
        labels = TraceLabels(self._marks, self._name_of, now)
        columns: Sequence[Column]
        has_room = self.size.width >= _WIDE_FROM
        if tree is None:
            columns = COMPACT if self.compact or has_room else WIDE
            if self._has_names(overview):
                columns = NAMED if has_room else NAMED_NARROW
            if self.zoomed and not self.compact:
                columns = ZOOMED_NAMED if self._has_names(overview) else ZOOMED
            self.set_source(TraceRows(overview, columns, labels))
        else:
            columns = BY_SESSION_COMPACT if self.compact or has_room else BY_SESSION
            if self._has_names(overview):
                is_wide = self.size.width >= _NAMED_SESSIONS_FROM
                columns = BY_SESSION if has_room else BY_SESSION_NAMED_NARROW
                columns = BY_SESSION_NAMED if is_wide else columns
            self.set_source(SessionRows(overview, columns, labels, tree, self._folded))
        total, cost = overview.run_count, self._cost_label()
        counts, groups, of_sessions = humanize.plural(total, "trace"), "", ""
        if self._sessions is not None:
            groups = humanize.plural(self._sessions.frame.height, "session")
            counts, of_sessions = f"{groups}, {counts} (tr)", f" in {groups}"
        title = f"Traces {total:,}{of_sessions}" if self.compact else "Traces"
        order, flight = " · newest last", self._in_flight_label(overview, now)
        title += flight if self.compact else ""
        figures = counts + flight
        notes = [figures + cost + order, figures + cost, figures + order, figures]
        if flight and self._sessions is not None:
            notes.append(groups + flight)
        self.set_title(title, *notes, counts)

    def _in_flight_label(self, overview: Overview, now: datetime) -> str:
        """Return how many steps run or never ended, with their marks."""
        steps = [step for step in overview.snapshot.running if step.trace_id is not None]
        return f" · {running_text.counted(steps, now)}" if steps else ""

    def grow(self) -> None:
        """Let the bars of runs in flight grow."""
        if self._overview is not None and self._overview.in_flight.by_trace:
            self.redraw()

    # -- names

    def _has_names(self, overview: Overview) -> bool:
        """Return whether a run was named, or the words of its user are known."""
        given = overview.traces["trace_name"]
        started = overview.in_flight.started
        begun = (overview.in_flight.by_trace[run.trace_id][0].trace_name for run in started)
        return given.null_count() < len(given) or any(self._words.values()) or any(begun)

    def _name_of(self, trace: Mapping[str, Any]) -> str | None:
        """Return the name of a trace that is drawn; its words are requested if needed."""
        given: str | None = trace["trace_name"]
        if given is not None:
            return given
        trace_id: str = trace["trace_id"]
        if trace_id not in self._words:
            if not self._unread:
                self.call_later(self._request_words)
            self._unread.add(trace_id)
        words = self._words.get(trace_id)
        if words is not None or self._overview is None or not self._has_names(self._overview):
            return words
        label: str | None = trace["name"]
        return label

    def _request_words(self) -> None:
        if self._unread:
            self.post_message(self.WordsRequested(frozenset(self._unread)))
        self._words |= dict.fromkeys(self._unread)
        self._unread = set()

    def update_words(self, words: Mapping[str, str | None]) -> None:
        """Name traces by the first words of their users, by trace_id."""
        if any(words.values()):
            self._words |= words
            self.redraw()

    def _cost_label(self) -> str:
        """Return the cost, if known, and the savings by caching."""
        cost = None if self._overview is None else self._overview.cost
        if cost is None or cost.usd is None:
            return ""
        saved = f", {humanize.caching(cost.saved_usd)}" if cost.saved_usd else ""
        return f" · {humanize.money(cost.usd)}{saved}"

    # -- selection

    @property
    def trace(self) -> str | None:
        """Return the trace under the cursor; on a session's heading, its newest."""
        if not isinstance(self.cursor_key, SessionHeading):
            return None if self.cursor_key is None else str(self.cursor_key)
        index = self.source.index(self.cursor_key)
        if self._tree is None or index is None or not isinstance(self.source, SessionRows):
            return None
        return self.source.trace_id(self._tree.newest_of(self._tree.at(index)[0]))

    @property
    def _trace_index(self) -> int | None:
        """Return the index of `trace` in the Overview's traces; None without a record."""
        index = None if self.cursor_key is None else self._cursor
        if index is None or self._tree is None or not isinstance(self.source, SessionRows):
            rows = self.source
            return (
                rows.trace_index(index)
                if index is not None and isinstance(rows, TraceRows)
                else None
            )
        session, trace = self._tree.at(index)
        found = self._tree.newest_of(session) if trace is None else trace
        return found if self._overview and found < self._overview.traces.height else None

    def move_to(self, key: Hashable) -> bool:
        """Unfold the trace's session first."""
        rows = self.source
        if isinstance(key, str) and isinstance(rows, SessionRows) and self._tree is not None:
            index = rows.index_of_trace(key)
            if index is not None and self._tree.row_of(index) is None:
                self._fold(self._tree.session_of(index), is_folded=False)
        return super().move_to(key)

    # -- what the user does

    def action_session(self) -> None:
        """Filter by the session of this trace."""
        index = self._trace_index
        if index is not None and self._overview is not None:
            session = self._overview.traces["session_id"][index]
            self.post_message(self.ValuePicked("session_id", session, holds=True))

    def action_group(self) -> None:
        """Group the traces by session, or ungroup them."""
        trace = self.trace
        follows = self.following
        self.by_session = not self.by_session
        if not self.by_session:
            self._group(None)
            if trace is not None:
                self.move_to(trace)
                self.following = follows
        self.post_message(self.GroupingChanged(by_session=self.by_session))

    def action_select(self) -> None:
        """Select the trace under the cursor; fold or unfold a session."""
        if not isinstance(self.cursor_key, SessionHeading):
            super().action_select()
            return
        index = self.source.index(self.cursor_key)
        if self._tree is not None and index is not None:
            session, _ = self._tree.at(index)
            self._fold(session, is_folded=bool(self._tree.below[session]))

    def _fold(self, session: int, *, is_folded: bool) -> None:
        if self._sessions is None:
            return
        name = self._sessions.frame["session_id"][session]
        heading, follows = SessionHeading(name), self.following
        self._folded = self._folded | {name} if is_folded else self._folded - {name}
        if is_folded:
            super().move_to(heading)
        self._group(self._sessions)
        self.following = follows
