"""What the workers tell the App."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.calls.search import Hit
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.diff import TraceDiff
    from llmlog_tui.log.record_key import Bookmark, RecordKey
    from llmlog_tui.log.store import Snapshot
    from llmlog_tui.tui.queries import Query

Post = Callable[[Message], object]
"""What a worker posts with."""

State = Literal["loading", "live", "done", "failed"]


@dataclass(frozen=True)
class Progress:
    """How far reading is: bytes `read` of those `there`, and the `records` in them.

    `files` are the ones there are (of a glob there may come more), `waiting` those that are not
    there yet, `gone` those that are there no more, `problems` those that cannot be read, and why.
    `state` is `done` where the files were read once and are not followed.
    """

    state: State = "loading"
    read: int = 0
    there: int = 0
    files: tuple[Path, ...] = ()
    waiting: tuple[Path, ...] = ()
    problems: tuple[tuple[Path, str], ...] = ()
    gone: tuple[Path, ...] = ()
    records: int = 0


@dataclass(frozen=True, eq=False)
class AnalysisRequest:
    """What the screen wants to know of `snapshot`: an Overview, and what the view asks beyond it.

    The Overview is of the calls for which the SQL predicate `where` holds, if there is one.
    """

    snapshot: Snapshot
    where: str | None
    ask: Query | None

    def is_same(self, other: AnalysisRequest | None) -> bool:
        """Whether the answers would be the same."""
        return (
            other is not None
            and self.snapshot is other.snapshot
            and self.where == other.where
            and self.ask == other.ask
        )


@dataclass
class Loaded(Message):
    """The reader has more records, or another state."""

    snapshot: Snapshot
    progress: Progress

    def can_replace(self, message: Message) -> bool:
        """A newer one supersedes those that were not handled yet."""
        return isinstance(message, Loaded)


@dataclass
class AnalysisDone(Message):
    """The analyst has the answers to a question; `answer` is that of its `ask`.

    `news` are the alerts that have fired since the last answers, for records that came live.
    """

    question: AnalysisRequest
    overview: Overview
    answer: object | None
    news: tuple[Alert, ...] = ()

    def can_replace(self, message: Message) -> bool:
        """A newer one supersedes those that were not handled yet, unless they have news."""
        return isinstance(message, AnalysisDone) and not message.news


@dataclass
class FilterRejected(Message):
    """The SQL predicate `where` has no answer, and why."""

    where: str
    why: str


@dataclass
class RecordRead(Message):
    """The raw line of a record was read back; None if its file is gone.

    `place` is the path of its file, block and line; `is_whole` says that it is to be shown alone.
    """

    place: tuple[str, int, int]
    line: bytes | None
    is_whole: bool


@dataclass
class SearchDone(Message):
    """A search for `text` is done."""

    text: str
    hit: Hit | None


@dataclass
class DiffDone(Message):
    """Two traces have been laid side by side.

    `began` says when each began, `ends` by record key how a step ended: finish_reason or the error.
    """

    found: TraceDiff
    began: tuple[datetime | None, datetime | None]
    ends: Mapping[int, str | None]


@dataclass
class QueryDone(Message):
    """A query has its answer; None and a reason if it has none. It took `took_s` seconds."""

    sql: str
    frame: pl.DataFrame | None
    why: str
    took_s: float


@dataclass
class ExportDone(Message):
    """A file is written at `path`, or `why` it is not: maybe because there `is_there` one."""

    path: str
    why: str = ""
    is_there: bool = False


@dataclass
class CopyDone(Message):
    """What was to be copied of a record; None if it has no such thing.

    `path` says where it was saved instead, empty if it is for the clipboard.
    """

    what: str
    text: str | None
    path: str = ""


@dataclass
class BookmarksChanged(Message):
    """The bookmarks, the oldest record first, and the keys of the records that were read.

    `said` is what became of a change, `problems` what the user should know of besides.
    """

    bookmarks: tuple[Bookmark, ...]
    rows: Mapping[RecordKey, int]
    said: str = ""
    problems: tuple[str, ...] = ()


@dataclass
class BookmarkLocated(Message):
    """The next bookmarked record, the `nth` (from 1) of `total`, and the note on it."""

    row: int
    nth: int
    total: int
    note: str


@dataclass
class Failed(Message):
    """A worker raised; `who` is reader, analyst or the like."""

    who: str
    error: Exception
