"""Messages from the workers to the App."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from textual.message import Message

from llmlog_tui.server.metrics import NO_METRICS, ServerMetrics

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.log.record_key import Bookmark, RecordKey
    from llmlog_tui.log.store import Snapshot
    from llmlog_tui.tui.progress import Progress
    from llmlog_tui.tui.queries import Query, TextHit

Post = Callable[[Message], object]
"""Posts a message, from any thread."""


@dataclass(frozen=True, eq=False)
class AnalysisRequest:
    """Requests the Overview of a snapshot, and the result of the view's `query`.

    With `where`, an SQL predicate, the Overview has only the calls for which it holds. `server` are
    the metrics that it takes in.
    """

    snapshot: Snapshot
    where: str | None
    query: Query | None
    server: ServerMetrics = NO_METRICS

    def is_same(self, other: AnalysisRequest | None) -> bool:
        return self._asks_as(other) and self.snapshot is other.snapshot

    def has_only_more_than(self, other: AnalysisRequest | None) -> bool:
        """Return whether it is the same but for records that came while following."""
        return (
            self._asks_as(other)
            and self.snapshot.live_from is not None
            and self.snapshot.live_from == other.snapshot.live_from
        )

    def has_only_loaded_more_than(self, other: AnalysisRequest | None) -> bool:
        """Return whether it is the same but for records that came while loading."""
        return self._asks_as(other) and self.snapshot.is_loading and other.snapshot.is_loading

    def _asks_as(self, other: AnalysisRequest | None) -> TypeGuard[AnalysisRequest]:
        return (
            other is not None
            and self.where == other.where
            and self.query == other.query
            and self.server is other.server
        )


@dataclass
class Loaded(Message):
    """The reader has more records, or another state."""

    snapshot: Snapshot
    progress: Progress

    def can_replace(self, message: Message) -> bool:
        """A newer message replaces an unhandled one."""
        return isinstance(message, Loaded)


@dataclass
class AnalysisDone(Message):
    """The Overview of a request, and the `result` of its query.

    `new_alerts` fired since the last message, for records that arrived live.
    """

    request: AnalysisRequest
    overview: Overview
    result: object | None
    new_alerts: tuple[Alert, ...] = ()

    def can_replace(self, message: Message) -> bool:
        """A newer message replaces an unhandled one, unless that has new alerts."""
        return isinstance(message, AnalysisDone) and not message.new_alerts


@dataclass
class ServerPolled(Message):
    """The servers' metrics, with those of the last polls."""

    metrics: ServerMetrics

    def can_replace(self, message: Message) -> bool:
        """A newer message replaces an unhandled one."""
        return isinstance(message, ServerPolled)


@dataclass
class FilterRejected(Message):
    """The SQL predicate `where` cannot be evaluated, and why."""

    where: str
    why: str


@dataclass
class BookmarksChanged(Message):
    """All bookmarks, the oldest record first, and the keys of the records that were found.

    `notice` reports the change that was made, `problems` what went wrong.
    """

    bookmarks: tuple[Bookmark, ...]
    rows: Mapping[RecordKey, int]
    notice: str = ""
    problems: tuple[str, ...] = ()


@dataclass
class BookmarkLocated(Message):
    """The next bookmarked record: number `nth` (from 1) of `total`, and its note."""

    row: int
    nth: int
    total: int
    note: str


@dataclass
class TextFound(Message):
    """More hits of text search `number`; `read` of `total` bytes were scanned.

    When it `is_done`, `has_content` is whether the log has any messages or answers. If it `is_cut`,
    there may be more.
    """

    number: int
    hits: tuple[TextHit, ...]
    read: int = 0
    total: int = 0
    is_done: bool = False
    has_content: bool = True
    is_cut: bool = False


@dataclass
class Failed(Message):
    """A background task raised."""

    task: str
    error: Exception
