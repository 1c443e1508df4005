"""The two workers: one reads, one answers. Both post messages and touch no widget.

polars is imported in here, in their threads, so that the first frame does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from textual.message import Message

from llmlog_tui.tui.messages import Answered, Loaded, Progress, State

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.log.reader import Reader
    from llmlog_tui.log.store import Snapshot

POLL_SECONDS: Final = 0.05
"""How often a file is looked at for new lines."""

_POST_SECONDS: Final = 0.25
"""How often a reader that has more to read shows what it has."""

Post = Callable[[Message], object]


class Feed:
    """Reads the files in its own thread and posts Loaded."""

    def __init__(self, files: Sequence[Path], *, follow: bool) -> None:
        self._files = files
        self._follow = follow
        self._reader: Reader | None = None

    def run(self, post: Post, cancelled: Event) -> None:
        """Read until `cancelled` is set, or to the end of the files if they are not followed."""
        from llmlog_tui.log.reader import Reader  # noqa: PLC0415 - imports polars

        self._reader = reader = Reader(self._files)
        state: State = "loading"
        said, due = None, 0.0
        try:
            while not cancelled.is_set():
                has_more = reader.step()
                if not has_more and state == "loading":
                    state = self._loaded(reader)
                progress = _progress(reader, state)
                if progress != said and (not has_more or time.monotonic() >= due):
                    post(Loaded(reader.snapshot(), progress))
                    said, due = progress, time.monotonic() + _POST_SECONDS
                if state == "done" or (not has_more and cancelled.wait(POLL_SECONDS)):
                    return
        finally:
            if cancelled.is_set():
                reader.close()

    def raw_line(self, block: int, line: int) -> bytes | None:
        """A record's line as it stands in its file; None if that is gone."""
        return self._reader.raw_line(block, line) if self._reader else None

    def _loaded(self, reader: Reader) -> State:
        """Everything that was there is read: from here on it is live, or that was all."""
        if not self._follow:
            reader.finish()
        reader.loaded()
        return "live" if self._follow else "done"


def _progress(reader: Reader, state: State) -> Progress:
    read, there = reader.progress()
    problems = [f"{path}: {why}" for path, why in reader.problems.items()]
    waiting = [str(path) for path in reader.waiting_for() if path not in reader.problems]
    return Progress(state, read, there, (*problems, *waiting))


@dataclass(frozen=True, eq=False)
class Question:
    """What the screen wants to know: everything about `snapshot`, and one trace's steps."""

    snapshot: Snapshot
    trace_id: str | None
    slow_ms: float

    def is_same(self, other: Question) -> bool:
        """Whether the answers would be the same."""
        return self.snapshot is other.snapshot and self.trace_id == other.trace_id


class Analyst:
    """Answers questions; one about the snapshot of the last one costs only its timeline."""

    def __init__(self) -> None:
        self._last: Overview | None = None

    def answer(self, question: Question, post: Post) -> None:
        """Post Answered."""
        from llmlog_tui.analysis.overview import overview  # noqa: PLC0415 - imports polars
        from llmlog_tui.analysis.timeline import timeline  # noqa: PLC0415 - imports polars

        if self._last is None or self._last.snapshot is not question.snapshot:
            self._last = overview(question.snapshot, question.slow_ms)
        steps = None
        if question.trace_id is not None:
            steps = timeline(question.snapshot.frame, question.trace_id)
        post(Answered(self._last, steps))
