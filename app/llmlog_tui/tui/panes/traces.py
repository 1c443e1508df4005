"""Traces: one row for each run, as they came or by session."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType
from textual.message import Message

from llmlog_tui import humanize
from llmlog_tui.tui.keys.panes import PICK_BINDINGS, TRACES_BINDINGS
from llmlog_tui.tui.panes.pane import READING, Pane
from llmlog_tui.tui.panes.trace_rows import (
    BY_SESSION,
    BY_SESSION_COMPACT,
    COMPACT,
    WIDE,
    SessionHeading,
    SessionRows,
    TraceRows,
)

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.sessions import Sessions, Tree

_NO_MATCH: Final = "No traces match. Esc clears the filter."
_EMPTY: Final = "No traces yet. One appears with the first record that has a trace_id."


class TracesPane(Pane):
    """The traces of an Overview, by session if wanted; the one under the cursor is selected."""

    BINDINGS: ClassVar[list[BindingType]] = [*TRACES_BINDINGS, *PICK_BINDINGS]

    @dataclass
    class Grouped(Message):
        """The traces are wanted by session, or as they came."""

        by_session: bool

    def __init__(self) -> None:
        super().__init__(id="traces")
        self.empty = READING
        self.by_session = False
        self._overview: Overview | None = None
        self._sessions: Sessions | None = None
        self._tree: Tree | None = None
        self._folded: frozenset[str | None] = frozenset()
        self._marks: Mapping[str, str] = {}

    def hold(self, overview: Overview, sessions: Sessions | None) -> None:
        """Show the traces of `overview`; by session they stay as they were without `sessions`."""
        if sessions is None and self.by_session and self._overview is not None:
            return
        self._overview = overview
        self._group(sessions if self.by_session else None)

    def _group(self, sessions: Sessions | None) -> None:
        self._sessions = sessions
        self._tree = None if sessions is None else sessions.tree(self._folded)
        self.redraw()

    def mark(self, marks: Mapping[str, str]) -> None:
        """Show these letters beside these traces."""
        self._marks = marks
        self.redraw()

    def redraw(self) -> None:
        """Draw what is held."""
        overview, tree = self._overview, self._tree
        if overview is None:
            self.label("Traces")
            return
        self.empty = _EMPTY if overview.where is None else _NO_MATCH
        if tree is None:
            self.show(TraceRows(overview, COMPACT if self.compact else WIDE, self._marks))
        else:
            columns = BY_SESSION_COMPACT if self.compact else BY_SESSION
            self.show(SessionRows(overview, columns, self._marks, tree, self._folded))
        total, cost = overview.traces.height, self._costs()
        of = (
            ""
            if self._sessions is None
            else humanize.plural(self._sessions.frame.height, "session")
        )
        traces, order = humanize.plural(total, "trace"), " · newest last"
        what = f"{of}, {traces} (tr)" if of else traces
        title = f"Traces {total:,}{f' in {of}' if of else ''}" if self.compact else "Traces"
        self.label(title, what + cost + order, what + cost, what + order, what)

    def _costs(self) -> str:
        """What they cost, where that is known, and what caching saved."""
        cost = None if self._overview is None else self._overview.cost
        if cost is None or cost.usd is None:
            return ""
        saved = f", caching saved {humanize.money(cost.saved_usd)}" if cost.saved_usd else ""
        return f" · {humanize.money(cost.usd)}{saved}"

    # -- what is selected

    @property
    def trace(self) -> str | None:
        """The trace under the cursor; on a session's heading, its newest."""
        place = self._place
        if self._overview is None or place is None:
            return None
        return str(self._overview.traces["trace_id"][place])

    @property
    def _place(self) -> int | None:
        """Where in the Overview's traces that one stands."""
        at = None if self.cursor_key is None else self._cursor
        if at is None or self._tree is None or not isinstance(self.source, SessionRows):
            return at
        session, place = self._tree.at(at)
        return self._tree.newest_of(session) if place is None else place

    def move_to(self, key: Hashable) -> bool:
        """As all tables do; a session that is folded opens for it."""
        if isinstance(key, str) and self._overview is not None and self._tree is not None:
            place = self._overview.traces["trace_id"].index_of(key)
            if place is not None and self._tree.row_of(place) is None:
                self._fold(self._tree.session_of(place), is_folded=False)
        return super().move_to(key)

    # -- what the user does

    def action_session(self) -> None:
        """Show only the calls of the session that this trace is of."""
        place = self._place
        if place is not None and self._overview is not None:
            session = self._overview.traces["session_id"][place]
            self.post_message(self.Picked("session_id", session, holds=True))

    def action_group(self) -> None:
        """Show the traces by session, or as they came."""
        trace = self.trace
        follows = self.following
        self.by_session = not self.by_session
        if not self.by_session:
            self._group(None)
            if trace is not None:
                self.move_to(trace)
                self.following = follows
        self.post_message(self.Grouped(by_session=self.by_session))

    def action_select(self) -> None:
        """Take the trace under the cursor; fold a session away, or open it."""
        if isinstance(self.cursor_key, SessionHeading):
            self._turn()
        else:
            super().action_select()

    def _turn(self) -> None:
        """Fold the session at the cursor away, or open it."""
        at = None if self.cursor_key is None else self.source.index(self.cursor_key)
        if self._tree is not None and at is not None:
            session, _ = self._tree.at(at)
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
