"""The worker that reads. It posts messages, and touches no widget.

polars is imported in here, in its thread, so that the first frame does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from llmlog_tui.config import settings
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import Sources
from llmlog_tui.tui.messages import CopyDone, DiffDone, Loaded, Post, Progress, RecordRead, State

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.log.reader import Reader

POLL_SECONDS: Final = 0.02
"""How often a file is looked at for new lines."""

_REST_FROM_LOOK: Final = 16
"""So many times as long as a look took the next one waits: there may be hundreds of files."""

_LONGEST_REST_S: Final = 0.25

_FIRST_LOOK_SECONDS: Final = 0.5
"""For so long at most the rest of a log waits until its newest records are on screen."""

_POST_SECONDS: Final = 0.06
"""How often a reader at most shows what it has: no eye needs more, and each time costs."""

_NOTHING: Final = Progress()


class ReaderWorker:
    """Reads the files, and posts Loaded when there is more or when something changed."""

    def __init__(
        self,
        files: Sequence[Path] | Sources,
        post: Post,
        *,
        follow: bool = True,
        last: Retention | None = None,
        stdin: int | None = None,
    ) -> None:
        self._files = files
        self._post = post
        self._follow = follow
        self._last = last
        self._stdin = stdin
        self._reader: Reader | None = None
        self._cancelled = Event()
        self._shown = Event()
        self._said = _NOTHING

    def run(self) -> None:
        """Read until stop(), or to the end of the files if they are not followed."""
        from llmlog_tui.log.reader import Reader  # noqa: PLC0415 - imports polars

        window = self._last or EVERYTHING
        self._reader = reader = Reader(
            self._files, newest_first=self._follow, window=window, stdin=self._stdin
        )
        state: State = "loading"
        has_news, due = True, 0.0
        try:
            while not self._cancelled.is_set():
                began = time.monotonic()
                has_more = reader.step()
                pause = pause_after(time.monotonic() - began)
                has_news |= has_more
                if not has_more and not self._follow and reader.wait(POLL_SECONDS):
                    continue
                if not has_more and (state == "loading" or reader.has_ended):
                    state = self._loaded(reader)
                is_due = time.monotonic() >= due or state != self._said.state
                if is_due and self._say(reader, state, has_news=has_news):
                    has_news, due = False, time.monotonic() + _POST_SECONDS
                # What comes until the next message is due is read in one piece.
                pause = max(pause, due - time.monotonic())
                if not has_more and (state == "done" or self._cancelled.wait(pause)):
                    return
        finally:
            if state != "done":  # of a log that was read once, lines may still be asked for
                reader.close()

    def _say(self, reader: Reader, state: State, *, has_news: bool) -> bool:
        """Post what there is, unless it is all as it was said before; whether it was posted."""
        progress, before = _progress(reader, state), self._said
        if not has_news and progress == before:
            return False
        self._post(Loaded(reader.snapshot(), progress))
        self._said = progress
        if before == _NOTHING and progress.read < progress.there:
            self._shown.wait(_FIRST_LOOK_SECONDS)  # both want the whole processor
        return True

    def shown(self) -> None:
        """The first answers are on screen."""
        self._shown.set()

    def stop(self) -> None:
        """Read no more."""
        self._cancelled.set()
        self._shown.set()

    def read_line(self, place: tuple[str, int, int], *, is_whole: bool) -> None:
        """Post RecordRead for a record's line as it stands in its file."""
        _, block, line = place
        raw = self._reader.raw_line(block, line) if self._reader else None
        self._post(RecordRead(place, raw, is_whole))

    def diff(self, overview: Overview, a: str, b: str) -> None:
        """Post Diffed for two traces; the hashes of their prompts are read from their lines."""
        import polars as pl  # noqa: PLC0415 - not before the first frame

        from llmlog_tui.analysis.traces.diff import diff_traces, finish_reasons  # noqa: PLC0415 - as above

        frame = overview.frame.filter(pl.col("trace_id").is_in([a, b]))
        found = diff_traces(frame, a, b, self._hashes(frame), slow_ms=overview.slow_ms)
        runs = (frame.filter(pl.col("trace_id") == trace) for trace in (a, b))
        begins = [run.select(pl.col("ts").min()).item() for run in runs]
        self._post(DiffDone(found, (begins[0], begins[1]), finish_reasons(frame)))

    def _hashes(self, frame: pl.DataFrame) -> dict[int, list[str]]:
        """The prefix_hashes of a frame's records, by key."""
        from llmlog_tui.analysis.traces.cache_misses import hashes_in  # noqa: PLC0415 - imports polars

        found = ((row, hashes_in(line)) for row, line in self.lines_of(frame).items())
        return {row: hashes for row, hashes in found if hashes}

    def lines_of(self, frame: pl.DataFrame) -> dict[int, bytes]:
        """The lines of a frame's records, by key, where their file is there; each block read once.

        The order is the frame's.
        """
        found: dict[int, bytes] = {}
        for records in frame.partition_by("block", maintain_order=True):
            lines = self._reader.raw_lines(records["block"][0]) if self._reader else None
            if lines is not None:
                found |= {row: lines[at] for row, at in records.select("row", "line").iter_rows()}
        return {row: found[row] for row in frame["row"] if row in found}

    def copy(self, overview: Overview, row: int, key: str) -> None:
        """Post Copied for what CHOICES has under a key; a capital saves it in the folder we are in.

        Raises OSError where that cannot be written.
        """
        from llmlog_tui.analysis.reports.clipboard import CHOICES, copy_text  # noqa: PLC0415 - imports polars

        file, block, line = overview.place(row)
        raw = self._reader.raw_line(block, line) if self._reader else None
        what, text = CHOICES[key.lower()], copy_text(overview, row, key.lower(), raw, file)
        if text is None or key.islower():
            self._post(CopyDone(what, text))
            return
        path = Path(f"llmlog-{what.replace(' ', '-')}-{row}.{'md' if key == 'T' else 'txt'}")
        settings.replace_file(path, text + "\n")
        self._post(CopyDone(what, text, str(path.absolute())))

    def _loaded(self, reader: Reader) -> State:
        """Everything that was there is read: from here on it is live, or that was all."""
        is_all = not self._follow or reader.has_ended
        if is_all:
            reader.finish()
        reader.loaded()
        return "done" if is_all else "live"


def pause_after(took: float) -> float:
    """For how many seconds nobody looks at the files after a look that `took` so many."""
    return max(POLL_SECONDS, min(_REST_FROM_LOOK * took, _LONGEST_REST_S))


def _progress(reader: Reader, state: State) -> Progress:
    read, there = reader.progress()
    problems, gone = dict(reader.problems), tuple(reader.gone())
    waiting = tuple(path for path in reader.waiting_for() if path not in problems)
    told = tuple(problems.items())
    return Progress(state, read, there, reader.files, waiting, told, gone, reader.records)
