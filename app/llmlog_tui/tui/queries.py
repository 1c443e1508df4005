"""Queries of the views beyond the Overview, and results of queries and jobs: data only.

`workers.analysis.run_query()` runs a query. Equal queries have equal results for one Overview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from llmlog_tui.log.record_key import RecordLocation

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.query.result_chart import ResultChart
    from llmlog_tui.analysis.traces.conversation import Conversation
    from llmlog_tui.analysis.traces.diff import TraceDiff
    from llmlog_tui.analysis.traces.replay import Replay
    from llmlog_tui.analysis.traces.sessions import Sessions
    from llmlog_tui.analysis.traces.step_diff import StepDiff
    from llmlog_tui.analysis.traces.text_diff import DiffLine
    from llmlog_tui.analysis.traces.text_search import Excerpt
    from llmlog_tui.analysis.traces.timeline import Timeline
    from llmlog_tui.log.starts import RunningStep


@dataclass(frozen=True)
class Sort:
    """Sort order of calls by one field."""

    field: str
    descending: bool


@dataclass(frozen=True)
class CallOrderQuery:
    """Positions of the Overview's calls in sort order; None for the order of the log."""

    sort: Sort | None


@dataclass(frozen=True)
class OverviewQuery:
    """Timeline of one trace (None: the newest one), order of calls, and sessions if grouped."""

    trace_id: str | None
    sort: Sort | None = None
    by_session: bool = False


class OverviewResult(NamedTuple):
    """Result of an OverviewQuery; `timeline` is None without a trace, `order` without a sort."""

    timeline: Timeline | None
    order: pl.Series | None
    sessions: Sessions | None = None


@dataclass(frozen=True)
class ReplayQuery:
    """Everything that the replay of one trace shows, except content."""

    trace_id: str


@dataclass(frozen=True, eq=False)
class ReplayResult:
    """One trace to replay: number `nth` (from 1) of the `of` traces in its session."""

    timeline: Timeline
    replay: Replay
    nth: int
    of: int


@dataclass(frozen=True)
class AlertContextQuery:
    """Metrics before and after an alert, identified by rule and first record.

    A figure of the calls on both sides is in `slices` time slices.
    """

    rule: str
    row: int
    slices: int


@dataclass(frozen=True)
class TrendsQuery:
    """Time series of the calls with a `value` of `field`, in `slices` time slices.

    `field` is model or a tag; value None: of all calls.
    """

    slices: int
    within: tuple[datetime, datetime] | None
    field: str
    value: str | None


@dataclass(frozen=True)
class ServerQuery:
    """Time series of the server at `url` and of the calls, in `slices` time slices.

    None is the first server.
    """

    slices: int
    within: tuple[datetime, datetime] | None
    url: str | None


Query: TypeAlias = (
    CallOrderQuery | OverviewQuery | ReplayQuery | AlertContextQuery | TrendsQuery | ServerQuery
)


class DiffResult(NamedTuple):
    """Two aligned traces.

    `began` is the first ts of each, `ends` has a step's finish_reason or error by record key,
    `unfinished` the steps of each that have no record.
    """

    found: TraceDiff
    began: tuple[datetime | None, datetime | None]
    ends: Mapping[int, str | None]
    unfinished: tuple[Sequence[RunningStep], Sequence[RunningStep]] = ((), ())


class StepContent(NamedTuple):
    """A record's raw line (None if its file is gone), its fields and its conversation."""

    location: RecordLocation
    line: bytes | None
    record: Mapping[str, Any] | None
    conversation: Conversation


class TextHit(NamedTuple):
    """A record whose content or error text has the words.

    `row` is its key, None if it was evicted; then it is read again at `location`.
    """

    row: int | None
    location: RecordLocation | None
    excerpt: Excerpt


@dataclass(frozen=True)
class SearchState:
    """A search for `text`, and the record it is at.

    That is the record with key `row`, the `nth` (from 1) of `total`; with `excerpt` the words are
    in its content. `found` records have them there, more if it `is_cut`. `percent` of the log's
    bytes were scanned; None when all were, or it was ended. If `is_outside`, that is the part of a
    table or archive that is outside the window.
    """

    text: str = ""
    row: int | None = None
    nth: int = 0
    total: int = 0
    excerpt: Excerpt | None = None
    found: int = 0
    percent: int | None = None
    is_cut: bool = False
    is_outside: bool = False

    @property
    def is_running(self) -> bool:
        return self.percent is not None


class FetchResult(NamedTuple):
    """Number of records or steps fetched, or the problem."""

    found: int = 0
    problem: str = ""


class TextDiffResult(NamedTuple):
    """Two steps as texts: the lines of each place that differs; `sides` are the records."""

    step: str
    found: StepDiff
    diffs: tuple[tuple[str, tuple[DiffLine, ...]], ...]
    sides: tuple[Mapping[str, Any], Mapping[str, Any]]


class SqlResult(NamedTuple):
    """Result of an SQL query after `took_s` seconds; None and a reason if it failed."""

    sql: str
    frame: pl.DataFrame | None
    why: str
    took_s: float
    chart: ResultChart | None = None


class ExportResult(NamedTuple):
    """A file was written to `path`, or `why` not; `is_there` if one exists already."""

    path: str
    why: str = ""
    is_there: bool = False


class CopyResult(NamedTuple):
    """Text to copy, called `name`; None if the record has none.

    `path` is the file it was saved to; empty if it is for the clipboard. The menu's `save_key`
    saves it.
    """

    name: str
    text: str | None
    path: str = ""
    save_key: str = ""
