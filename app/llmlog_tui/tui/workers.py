"""The workers: one reads, one answers. Both post messages, and neither touches a widget.

polars is imported in here, in their threads, so that the first frame does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Condition, Event
from typing import TYPE_CHECKING, Final

from textual.message import Message

from llmlog_tui import settings_file
from llmlog_tui.log.sources import Sources
from llmlog_tui.log.window import EVERYTHING, Window
from llmlog_tui.tui.messages import (
    Answered,
    Copied,
    Diffed,
    Failed,
    Found,
    Loaded,
    Progress,
    Queried,
    Question,
    RecordRead,
    Refused,
    State,
)

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.alerts import Alert
    from llmlog_tui.analysis.overview import Overview, Running
    from llmlog_tui.analysis.rules import Rules
    from llmlog_tui.log.reader import Reader
    from llmlog_tui.notify import Notifier

POLL_SECONDS: Final = 0.02
"""How often a file is looked at for new lines."""

_POST_SECONDS: Final = 0.05
"""How often a reader at most shows what it has: no eye needs more, and each time costs."""

_REST: Final = 1
"""So many times as long as an answer took the next one waits, if only records are new since."""

_REST_FROM_KEYS: Final = 3
"""The same while somebody types: what the keys do comes first."""

_LONGEST_REST_S: Final = 0.25

Post = Callable[[Message], object]


class Feed:
    """Reads the files, and posts Loaded when there is more or when something changed."""

    def __init__(
        self,
        files: Sequence[Path] | Sources,
        post: Post,
        *,
        follow: bool = True,
        last: Window | None = None,
        stdin: int | None = None,
    ) -> None:
        self._files = files
        self._post = post
        self._follow = follow
        self._last = last
        self._stdin = stdin
        self._reader: Reader | None = None
        self._cancelled = Event()

    def run(self) -> None:
        """Read until stop(), or to the end of the files if they are not followed."""
        from llmlog_tui.log.reader import Reader  # noqa: PLC0415 - imports polars

        window = self._last or EVERYTHING
        self._reader = reader = Reader(
            self._files, newest_first=self._follow, window=window, stdin=self._stdin
        )
        state: State = "loading"
        has_news, due = True, 0.0
        said: Progress | None = None
        try:
            while not self._cancelled.is_set():
                has_more = reader.step()
                has_news |= has_more
                if not has_more and not self._follow and reader.wait(POLL_SECONDS):
                    continue
                if not has_more and (state == "loading" or reader.has_ended):
                    state = self._loaded(reader)
                progress = _progress(reader, state)
                has_news |= progress != said
                is_due = time.monotonic() >= due or said is None or state != said.state
                if has_news and is_due:
                    self._post(Loaded(reader.snapshot(), progress))
                    has_news, said, due = False, progress, time.monotonic() + _POST_SECONDS
                # What comes until the next message is due is read in one piece.
                pause = max(POLL_SECONDS, due - time.monotonic())
                if not has_more and (state == "done" or self._cancelled.wait(pause)):
                    return
        finally:
            if state != "done":  # of a log that was read once, lines may still be asked for
                reader.close()

    def stop(self) -> None:
        """Read no more."""
        self._cancelled.set()

    def read_line(self, place: tuple[str, int, int], *, is_whole: bool) -> None:
        """Post RecordRead for a record's line as it stands in its file."""
        _, block, line = place
        raw = self._reader.raw_line(block, line) if self._reader else None
        self._post(RecordRead(place, raw, is_whole))

    def diff(self, overview: Overview, a: str, b: str) -> None:
        """Post Diffed for two traces; the hashes of their prompts are read from their lines."""
        import polars as pl  # noqa: PLC0415 - not before the first frame

        from llmlog_tui.analysis.divergence import divergence, ends  # noqa: PLC0415 - as above

        frame = overview.frame.filter(pl.col("trace_id").is_in([a, b]))
        found = divergence(frame, a, b, self._hashes(frame), slow_ms=overview.slow_ms)
        runs = (frame.filter(pl.col("trace_id") == trace) for trace in (a, b))
        begins = [run.select(pl.col("ts").min()).item() for run in runs]
        self._post(Diffed(found, (begins[0], begins[1]), ends(frame)))

    def _hashes(self, frame: pl.DataFrame) -> dict[int, list[str]]:
        """The prefix_hashes of a frame's records, by key."""
        from llmlog_tui.analysis.prefixes import hashes_in  # noqa: PLC0415 - imports polars

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
        from llmlog_tui.analysis.copies import CHOICES, copied  # noqa: PLC0415 - imports polars

        file, block, line = overview.place(row)
        raw = self._reader.raw_line(block, line) if self._reader else None
        what, text = CHOICES[key.lower()], copied(overview, row, key.lower(), raw, file)
        if text is None or key.islower():
            self._post(Copied(what, text))
            return
        path = Path(f"llmlog-{what.replace(' ', '-')}-{row}.{'md' if key == 'T' else 'txt'}")
        settings_file.replace(path, text + "\n")
        self._post(Copied(what, text, str(path.absolute())))

    def _loaded(self, reader: Reader) -> State:
        """Everything that was there is read: from here on it is live, or that was all."""
        is_all = not self._follow or reader.has_ended
        if is_all:
            reader.finish()
        reader.loaded()
        return "done" if is_all else "live"


def _progress(reader: Reader, state: State) -> Progress:
    read, there = reader.progress()
    problems, gone = dict(reader.problems), tuple(reader.gone())
    waiting = tuple(path for path in reader.waiting_for() if path not in problems)
    told = tuple(problems.items())
    return Progress(state, read, there, reader.files, waiting, told, gone, reader.records)


class Analyst:
    """Answers questions, one at a time; of those that wait, only the last one counts.

    Without `rules` the usual ones watch.
    """

    def __init__(
        self,
        post: Post,
        slow_ms: float,
        rules: Rules | None = None,
        *,
        is_typing: Callable[[], bool] = lambda: False,
    ) -> None:
        self._post = post
        self._slow_ms = slow_ms
        self._own_rules = rules
        self._is_typing = is_typing
        self._notifier: Notifier | None = None
        self._running: Running | None = None
        self._asked: Question | None = None
        self._is_stopped = False
        self._changed = Condition()

    @cached_property
    def _rules(self) -> Rules:
        from llmlog_tui.analysis.rules import DEFAULT  # noqa: PLC0415 - not before the first frame

        return self._own_rules or DEFAULT

    def ask(self, question: Question) -> None:
        """Want an Answered for this question."""
        with self._changed:
            self._asked = question
            self._changed.notify()

    def stop(self) -> None:
        """Answer no more."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        if self._notifier is not None:
            self._notifier.stop()

    def run(self) -> None:
        """Answer until stop()."""
        from llmlog_tui.analysis.sql import QueryError  # noqa: PLC0415 - imports polars

        while (question := self._next()) is not None:
            began = time.monotonic()
            try:
                self._post(self._answer(question))
            except QueryError as error:
                self._post(Refused(question.where or "", str(error)))
            except Exception as error:  # noqa: BLE001 - the next question may have an answer
                self._post(Failed("analyst", error))
            self._rest(question, time.monotonic() - began)

    def _rest(self, last: Question, took: float) -> None:
        """Leave the processor to the screen for a while, unless the user wants something else."""

        def is_wanted() -> bool:
            asked = self._asked
            is_other = asked is not None and (asked.where, asked.ask) != (last.where, last.ask)
            return is_other or self._is_stopped

        times = _REST_FROM_KEYS if self._is_typing() else _REST
        with self._changed:
            self._changed.wait_for(is_wanted, min(times * took, _LONGEST_REST_S))

    def _next(self) -> Question | None:
        """Wait for a question; None after stop()."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked is not None or self._is_stopped)
            question, self._asked = self._asked, None
            return None if self._is_stopped else question

    def find(self, overview: Overview, text: str, row: int | None, direction: int) -> None:
        """Post Found for the next record with `text`."""
        from llmlog_tui.analysis.search import search  # noqa: PLC0415 - imports polars

        self._post(Found(text, search(overview.frame, text, row, direction)))

    def find_step(self, overview: Overview, trace_id: str, number: int, text: str) -> None:
        """Post Found, as of a search for `text`, for a step of a trace."""
        from llmlog_tui.analysis.search import step_of  # noqa: PLC0415 - imports polars

        self._post(Found(text, step_of(overview.frame, trace_id, number)))

    def query(self, overview: Overview, sql: str) -> None:
        """Post Queried for an SQL query."""
        from llmlog_tui.analysis.sql import QueryError, query  # noqa: PLC0415 - imports polars

        began = time.monotonic()
        try:
            frame, why = query(overview.snapshot.frame, sql, self._rules), ""
        except QueryError as error:
            frame, why = None, str(error)
        self._post(Queried(sql, frame, why, time.monotonic() - began))

    def _answer(self, question: Question) -> Answered:
        from llmlog_tui.analysis.overview import Running  # noqa: PLC0415 - imports polars

        if self._running is None:
            self._running = Running(self._slow_ms, self._rules)
        overview = self._running.overview(question.snapshot, question.where)
        answer = None if question.ask is None else question.ask(overview)
        return Answered(question, overview, answer, self._news(overview))

    def _news(self, answers: Overview) -> tuple[Alert, ...]:
        """The alerts nobody was told of yet; whom the rules name is told in the same breath."""
        from llmlog_tui.notify import Notifier  # noqa: PLC0415 - imports polars

        if self._notifier is None:
            self._notifier = Notifier(self._rules.on_alert, problem=self._not_told)
        return tuple(self._notifier.offer(answers.alerts, answers.snapshot.live_from))

    def _not_told(self, why: str) -> None:
        self._post(Failed("notice of an alert", RuntimeError(why)))
