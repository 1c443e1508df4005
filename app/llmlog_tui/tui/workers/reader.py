"""Reader thread: reads and follows the files. Posts messages, touches no widget."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from llmlog_tui import private_file, tui
from llmlog_tui.copy_choices import CHOICES
from llmlog_tui.errors import UserError
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import Sources, url_of
from llmlog_tui.tui import workers
from llmlog_tui.tui.progress import Progress, State

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.log.fetching import Fetched
    from llmlog_tui.log.log_scan import LogScan
    from llmlog_tui.log.reader import Reader
    from llmlog_tui.log.record_key import RecordLocation
    from llmlog_tui.tui.messages import Post
    from llmlog_tui.tui.queries import CopyResult, FetchResult

TASK: Final = "Reading"

POLL_SECONDS: Final = 0.02
"""Minimum seconds between two polls of the files."""

# A lone record shall be on screen within 150 ms.
_QUIET_POLLS: Final = ((5.0, 0.1), (1.0, 0.05), (0.0, POLL_SECONDS))
"""Seconds without new records, and seconds between two polls from then on."""

_PAUSE_PER_POLL: Final = 16
"""Poll interval as a multiple of the poll's own duration (many files poll slowly)."""

_LONGEST_PAUSE_S: Final = 0.25

_POLLS_COMPARED: Final = 4
"""Number of last polls without new records that are compared."""

_FIRST_PAINT_SECONDS: Final = 2.0
"""Maximum seconds that reading waits for the newest records to be painted."""

_POST_SECONDS: Final = 0.11
"""Minimum seconds between two messages: each one causes a redraw."""

_STREAM_S: Final = 0.2
"""Maximum seconds between new lines and the last ones in a stream."""

# After a poll and before painting: new lines shall be on screen within 150 ms.
_GATHER_S: Final = 0.1
"""Seconds from noticing lines of a stream until they are read."""

_POST_SHARE: Final = 0.02
_LONGEST_POST_SECONDS: Final = 0.5
"""Maximum pause between messages of progress: share of the loading time, and seconds."""

_IDLE_CHECK_SECONDS: Final = 0.5
"""Minimum seconds between two looks at the state of the files while nothing comes."""

_PAUSE_PER_CHECK: Final = 400
"""Seconds between two looks, as a multiple of the duration of one."""

_LONGEST_CHECK_SECONDS: Final = 2.0
"""Maximum seconds between two looks."""

_NOTHING: Final = Progress()
_SUFFIXES: Final = {"T": "md", "C": "sh", "Y": "py"}
"""Key of the copy menu -> suffix of the file it saves, if not txt."""


class PollDurations:
    """Durations of the last polls without news."""

    def __init__(self) -> None:
        self._empty = deque([0.0], maxlen=_POLLS_COMPARED)

    def add(self, took: float, *, has_more: bool) -> None:
        if not has_more:  # else most of it is parsing
            self._empty.append(took)

    @property
    def quickest(self) -> float:
        """Seconds of the quickest of the last polls: others waited for another thread."""
        return min(self._empty)


class ReaderWorker:
    """Reads the files, and posts Loaded for more records or another state.

    The records of `trace` are read from the whole of a table.
    """

    def __init__(  # noqa: PLR0913 - options by name
        self,
        files: Sequence[Path] | Sources,
        post: Post,
        *,
        follow: bool = True,
        last: Retention | None = None,
        stdin: int | None = None,
        trace: str | None = None,
    ) -> None:
        self._files = files
        self._ids = [trace] if trace else []
        self._post = post
        self._follow = follow
        self._last = last
        self._stdin = stdin
        self._reader: Reader | None = None
        self._lock = Lock()  # around each use of the reader that reads
        self._request_lock = Lock()
        self._request: Event | None = None  # the one of fetch() whose query runs
        self._cancelled = Event()
        self._painted = Event()
        self._posted = _NOTHING

    def run(self) -> None:
        """Read until stop(), or to the end of the files if they are not followed."""
        self._reader = reader = self._open()
        state: State = "loading"
        has_news, due, check_due = True, 0.0, 0.0
        polls = PollDurations()
        start = newest = time.monotonic()
        try:
            while not self._cancelled.is_set():
                is_live = state == "live"
                self._gather(reader, state, newest, due)
                began = time.monotonic()
                with self._lock:
                    has_more = reader.read_news() if is_live else reader.step()
                if has_more:
                    has_news, newest = True, began
                polls.add(time.monotonic() - began, has_more=has_more)
                pause = pause_after(polls.quickest, quiet_s=began - newest)
                if not has_more and not self._follow and reader.wait(POLL_SECONDS):
                    continue
                is_complete = not self._follow or not reader.awaits_server
                if not has_more and ((state == "loading" and is_complete) or reader.has_ended):
                    state = self._loaded(reader)
                now = time.monotonic()
                is_due = now >= (due if has_news else max(due, check_due))
                if is_due or state != self._posted.state:
                    with self._lock:
                        was_posted = self._post_progress(reader, state, has_news=has_news)
                    check_due = now + check_interval(time.monotonic() - now)
                    if was_posted:
                        loading_s = 0.0 if is_live else now - start
                        has_news, due = False, time.monotonic() + post_interval(loading_s)
                if has_news:  # what comes until the next message is due is read in one piece
                    pause = max(pause, due - time.monotonic())
                is_idle = is_live or not has_more
                if is_idle and (state == "done" or self._cancelled.wait(pause)):
                    return
        finally:
            if state != "done":  # lines of a log that is not followed may still be requested
                reader.close()

    def _gather(self, reader: Reader, state: State, newest: float, due: float) -> None:
        """Let live lines gather; the last came at `newest`, a message is due at `due`."""
        if state == "live" and reader.has_unread:
            now = time.monotonic()
            self._cancelled.wait(gather_time(now - newest, until_due_s=due - now))

    def _open(self) -> Reader:
        # Not `workers.analysis`: reading starts while the other thread still imports that.
        return workers.log_reader.open_reader(
            self._files,
            self._last or EVERYTHING,
            self._stdin,
            self._ids,
            newest_first=self._follow,
        )

    def _post_progress(self, reader: Reader, state: State, *, has_news: bool) -> bool:
        """Post Loaded unless nothing changed; return whether it was posted."""
        progress, before = _progress(reader, state), self._posted
        if not has_news and progress == before:
            return False
        self._post(tui.messages.Loaded(reader.snapshot(), progress))
        self._posted = progress
        if before == _NOTHING and progress.read < progress.there:
            # Painting and reading both want the whole processor: painting goes first.
            self._painted.wait(_FIRST_PAINT_SECONDS)
        return True

    def first_paint_done(self) -> None:
        """Read on: the first results are on screen."""
        self._painted.set()

    def stop(self) -> None:
        self._cancelled.set()
        self._painted.set()
        if self._reader is not None:
            self._reader.cancel()

    def fetch(
        self,
        wanted: str,
        is_cancelled: Event,
        on_progress: Callable[[Fetched], object],
        before: int | None = None,
    ) -> FetchResult:
        """Read the records with an id from outside the window, and post them.

        With `before`, the id is a trace whose steps before that one are counted. Any thread may do
        so. While the log is loading there are none.
        """
        reader = self._reader
        if reader is None or self._posted.state == "loading":
            return tui.queries.FetchResult()
        found, steps = 0, reader.fetch(wanted, before)
        try:
            while (step := self._next_fetched(steps, is_cancelled)) is not None:
                found = step.found
                on_progress(step)
        except UserError as error:
            return tui.queries.FetchResult(problem=str(error))
        with self._lock:
            progress = _progress(reader, self._posted.state)
            self._post(tui.messages.Loaded(reader.snapshot(), progress))
        return tui.queries.FetchResult(found)

    def _next_fetched(self, steps: Iterator[Fetched], is_cancelled: Event) -> Fetched | None:
        """Return the progress of a request; None at its end, and once it is cancelled."""
        with self._lock:
            with self._request_lock:
                if is_cancelled.is_set():
                    return None
                self._request = is_cancelled
            try:
                return next(steps, None)
            finally:
                with self._request_lock:
                    self._request = None

    def cancel_fetch(self, is_cancelled: Event) -> None:
        """Cancel the request of fetch() with this event, and no other one's query."""
        with self._request_lock:  # until then no other request can begin
            is_cancelled.set()
            if self._request is is_cancelled and self._reader is not None:
                self._reader.cancel_fetch()

    def read_line(self, location: RecordLocation) -> bytes | None:
        """Read a record's raw line; None if its file is gone."""
        return workers.log_reader.line_at(self._reader, location) if self._reader else None

    def read_evicted(self, location: RecordLocation) -> Sequence[bytes]:
        """Read the records of a line that were evicted; none if its file is gone."""
        return self._reader.evicted(location.block, location.line) if self._reader else ()

    def scan(self, pattern: str, frame: Callable[[], pl.DataFrame]) -> LogScan:
        """Return a scan of the lines read so far; see Reader.scan()."""
        if self._reader is None:
            raise RuntimeError("nothing was read yet")
        return self._reader.scan(pattern, frame)

    def read_record(self, overview: Overview, row: int) -> bytes | None:
        """Read a record's line, content included; None if its file is gone.

        The line is as llmlog writes it.
        """
        return self.records_of(overview.row_of(row)).get(row)

    def read_both(self, overview: Overview, row: int) -> tuple[bytes | None, bytes | None]:
        """Read a record's raw line, and the one of read_record()."""
        if self._reader is None:
            return None, None
        frame, location = overview.row_of(row), overview.location(row)
        return workers.log_reader.both_lines(self._reader, frame, location)

    def lines_of(self, frame: pl.DataFrame) -> dict[int, bytes]:
        """Return the raw lines of a frame's records by key, in its order.

        Records of missing files have none. Each block is read once.
        """
        return self._lines_by_key(frame, with_content=False)

    def records_of(self, frame: pl.DataFrame) -> dict[int, bytes]:
        """Return the lines of a frame's records by key, as read_record()."""
        return self._lines_by_key(frame, with_content=True)

    def _lines_by_key(self, frame: pl.DataFrame, *, with_content: bool) -> dict[int, bytes]:
        if self._reader is None:
            return {}
        return workers.log_reader.lines_by_key(self._reader, frame, with_content=with_content)

    def copy(self, overview: Overview, row: int, key: str, message: int | None) -> CopyResult:
        """Return the text for a key of the copy menu.

        A capital saves it to a file instead. Raises OSError if the working directory cannot be
        written to.
        """
        location = overview.location(row)
        is_content = key.lower() in workers.analysis.CONTENT_KEYS
        name = CHOICES[key.lower()]
        raw = self.read_record(overview, row) if is_content else self.read_line(location)
        copy_text = workers.analysis.copy_text
        text = copy_text(overview, row, key.lower(), raw, location[0], message=message)
        if text is None or key.islower():
            return tui.queries.CopyResult(name, text, save_key=key.upper())
        path = Path(f"llmlog-{name.replace(' ', '-')}-{row}.{_SUFFIXES.get(key, 'txt')}")
        private_file.replace_text(path, text + "\n")
        return tui.queries.CopyResult(name, text, str(path.absolute()))

    def _loaded(self, reader: Reader) -> State:
        """Mark the end of loading; return `live`, or `done` if nothing is followed."""
        is_all = not self._follow or reader.has_ended
        if is_all:
            reader.finish()
        reader.loaded()
        return "done" if is_all else "live"


def post_interval(loading_s: float) -> float:
    """Return the seconds until the next message of progress."""
    return min(max(_POST_SECONDS, loading_s * _POST_SHARE), _LONGEST_POST_SECONDS)


def check_interval(took: float) -> float:
    """Return the seconds until the next look at the files, from the last one's duration."""
    return min(max(_IDLE_CHECK_SECONDS, _PAUSE_PER_CHECK * took), _LONGEST_CHECK_SECONDS)


def pause_after(took: float, *, quiet_s: float) -> float:
    """Seconds until the next poll, from the last one's duration and seconds of quiet."""
    poll = next(poll for since, poll in _QUIET_POLLS if quiet_s >= since)
    return max(poll, min(_PAUSE_PER_POLL * took, _LONGEST_PAUSE_S))


def gather_time(quiet_s: float, *, until_due_s: float) -> float:
    """Return the seconds until new lines are read, with what comes meanwhile.

    0 for lines that come `quiet_s` seconds after the last ones, unless they come in a stream.
    """
    # Each message costs a redraw: at ten lines a second, one for two of them is half of that.
    return max(_GATHER_S, until_due_s) if quiet_s < _STREAM_S else 0.0


def _progress(reader: Reader, state: State) -> Progress:
    read, there = reader.progress()
    problems, gone = dict(reader.problems), tuple(reader.gone())
    # Why a server does not answer is known, other than of a file that is not there.
    waiting = tuple(path for path in reader.waiting_for() if path not in problems or url_of(path))
    return Progress(
        state,
        read,
        there,
        files=reader.files,
        waiting=waiting,
        problems=tuple(problems.items()),
        gone=gone,
        records=reader.records,
        rows_outside=reader.rows_outside,
        refusal=(reader.refusal or "") if state != "loading" else "",
    )
