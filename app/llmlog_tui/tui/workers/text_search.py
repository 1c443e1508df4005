"""Search thread: scans a log for words in content, and for evicted ids. Posts messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Event
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from llmlog_tui.analysis.traces.conversation import decode
from llmlog_tui.analysis.traces.text_search import HAS_CONTENT, Excerpt, TextQuery
from llmlog_tui.log.log_scan import Candidate, LogScan, Noted
from llmlog_tui.log.parse import parse
from llmlog_tui.log.record_key import RecordLocation
from llmlog_tui.log.sources import url_of
from llmlog_tui.tui.messages import Post, TextFound
from llmlog_tui.tui.queries import TextHit

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview

TASK: Final = "Text search"

MAX_HITS: Final = 10_000
"""Maximum hits of a search: the newest."""

_POST_SECONDS: Final = 0.1
"""Seconds between two messages of a running scan."""

_POLL_SECONDS: Final = 0.5
"""Seconds between two scans of lines read since."""

StartScan = Callable[[str, Callable[[], pl.DataFrame]], LogScan]
"""Returns the scan of a log for a pattern; the second argument is Reader.scan()'s `frame`."""


class _Found(NamedTuple):
    """A line with the words whose record is not known yet."""

    candidate: Candidate
    excerpt: Excerpt
    is_id: bool  # of records in memory ids are searched elsewhere


class TextSearch:
    """One search: posts TextFound for the log, then for its new lines.

    `overview` returns the one on screen. Messages have the search's `number`.
    """

    def __init__(
        self,
        words: str,
        number: int,
        start_scan: StartScan,
        overview: Callable[[], Overview],
        post: Post,
    ) -> None:
        self._query = TextQuery(words)
        self._number = number
        self._overview = overview
        self._post = post
        self._scan = start_scan(self._query.line_pattern, lambda: overview().snapshot.frame)
        self._cancelled = Event()
        self._unplaced: list[_Found] = []
        self._hits = 0
        self._has_content = False
        self._is_done = False  # with what there was at first
        self._posted = 0.0

    def cancel(self) -> None:
        self._cancelled.set()

    def run(self) -> None:
        """Search until cancel()."""
        self._search()
        self._report(1, 1)
        self._has_content |= self._scan.has_noted
        self._is_done = True
        self._report(1, 1)
        while self._hits < MAX_HITS and not self._cancelled.wait(_POLL_SECONDS):
            self._search()
            if self._unplaced:
                self._report(1, 1)

    def _search(self) -> None:
        self._posted = time.monotonic()
        for step in self._scan.steps(Noted(HAS_CONTENT, self._has_text)):
            for candidate in step.candidates:
                if self._is_at_end:
                    return
                self._take(candidate)
            if self._is_at_end:
                return
            if time.monotonic() - self._posted >= _POST_SECONDS:
                self._report(step.read, step.total)

    @property
    def _is_at_end(self) -> bool:
        return self._cancelled.is_set() or self._hits + len(self._unplaced) >= MAX_HITS

    def _has_text(self, line: bytes) -> bool:
        return self._query.has_text(decode(line) or {})

    def _take(self, candidate: Candidate) -> None:
        record = decode(candidate.data)
        if record is None:
            return
        if candidate.row is not None:
            self._has_content |= self._query.has_text(record)
        if (excerpt := self._query.excerpt(record)) is not None:
            self._unplaced.append(_Found(candidate, excerpt, is_id=False))
        elif self._overview().snapshot.dropped and (found := self._query.id_excerpt(record)):
            self._unplaced.append(_Found(candidate, found, is_id=True))

    def _report(self, read: int, total: int) -> None:
        if self._cancelled.is_set():
            return
        hits = tuple(self._placed())
        self._hits += len(hits)
        self._posted = time.monotonic()
        self._post(
            TextFound(
                self._number,
                hits,
                read=read,
                total=total,
                is_done=self._is_done,
                is_cut=self._hits >= MAX_HITS,
                has_content=not self._is_done or self._hits > 0 or self._has_content,
            )
        )

    # -- records of lines

    def _placed(self) -> Iterable[TextHit]:
        """Yield hits whose record is known; newer lines stay unplaced."""
        waiting, self._unplaced = self._unplaced, []
        if not waiting:
            return
        frame = self._overview().snapshot.frame
        rows = _rows_of(frame, [each.candidate for each in waiting])
        missing = []
        for each, row in zip(waiting, rows, strict=True):
            if row is None or each.candidate.is_evicted:
                missing.append(each)
            elif not each.is_id:
                yield TextHit(row, None, each.excerpt)
        if missing:
            yield from self._outside(frame, missing)

    def _outside(self, frame: pl.DataFrame, missing: Sequence[_Found]) -> Iterable[TextHit]:
        """Yield records that were evicted; keep lines that are newer than the frame."""
        snapshot = self._overview().snapshot
        ends = self._ends(frame)
        for each in missing:
            block, line, data, _, was_evicted = each.candidate
            here = self._scan.place(block)
            first, last = ends.get(here.file, (None, None))
            at = (here.generation, here.offset, line)
            is_evicted = snapshot.dropped > 0 and (was_evicted or first is None or at < first)
            if is_evicted and parse(data).frame.height:
                file = snapshot.files[here.file]
                path = url_of(file) or str(file)
                yield TextHit(None, RecordLocation(path, block, line, -1), each.excerpt)
            elif not (is_evicted or was_evicted or each.is_id) and (last is None or at > last):
                self._unplaced.append(each)

    def _ends(self, frame: pl.DataFrame) -> dict[int, tuple[_Place, _Place]]:
        """Return the places of the first and last record of each file."""
        blocks = frame.group_by("file", "block").agg(
            pl.col("line").min().alias("first"), pl.col("line").max().alias("last")
        )
        ends: dict[int, tuple[_Place, _Place]] = {}
        for file, block, first, last in blocks.iter_rows():
            here = self._scan.place(block)
            begin, end = (here.generation, here.offset, first), (here.generation, here.offset, last)
            known = ends.get(file, (begin, end))
            ends[file] = min(known[0], begin), max(known[1], end)
        return ends


_Place = tuple[int, int, int]
"""Generation of a file, offset of a block, line in it."""


def _rows_of(frame: pl.DataFrame, candidates: Sequence[Candidate]) -> Sequence[int | None]:
    """Return the keys of the records of lines; None where the frame has none."""
    schema = {"block": pl.UInt32, "line": pl.UInt32, "known": pl.UInt32}
    lines = [(each.block, each.line, each.row) for each in candidates]
    wanted = pl.DataFrame(lines, schema, orient="row").with_row_index("at")
    blocks = wanted["block"].unique().implode()
    some = frame.select_seq("block", "line", "row").filter(pl.col("block").is_in(blocks))
    joined = wanted.join(some.unique(["block", "line"]), ["block", "line"], "left").sort("at")
    rows: list[int | None] = joined.select(pl.coalesce("known", "row")).to_series().to_list()
    return rows
