"""The worker that answers. It posts messages, and touches no widget.

polars is imported in here, in its thread, so that the first frame does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from threading import Condition
from typing import TYPE_CHECKING, Final

from llmlog_tui.tui.messages import (
    AnalysisDone,
    AnalysisRequest,
    Failed,
    FilterRejected,
    Post,
    QueryDone,
    SearchDone,
)

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert
    from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, Overview
    from llmlog_tui.config.rules import Rules
    from llmlog_tui.notify import Notifier

_REST: Final = 1
"""So many times as long as an answer took the next one waits, if only records are new since."""

_REST_FROM_KEYS: Final = 3
"""The same while somebody types: what the keys do comes first."""

_LONGEST_REST_S: Final = 0.25


class AnalysisWorker:
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
        self._running: IncrementalAnalyzer | None = None
        self._asked: AnalysisRequest | None = None
        self._is_stopped = False
        self._changed = Condition()

    @cached_property
    def _rules(self) -> Rules:
        from llmlog_tui.config.rules import DEFAULT  # noqa: PLC0415 - not before the first frame

        return self._own_rules or DEFAULT

    def ask(self, question: AnalysisRequest) -> None:
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
        from llmlog_tui.analysis.query.sql import QueryError  # noqa: PLC0415 - imports polars

        while (question := self._next()) is not None:
            began = time.monotonic()
            try:
                self._post(self._answer(question))
            except QueryError as error:
                self._post(FilterRejected(question.where or "", str(error)))
            except Exception as error:  # noqa: BLE001 - the next question may have an answer
                self._post(Failed("analyst", error))
            self._rest(question, time.monotonic() - began)

    def _rest(self, last: AnalysisRequest, took: float) -> None:
        """Leave the processor to the screen for a while, unless the user wants something else."""

        def is_wanted() -> bool:
            asked = self._asked
            is_other = asked is not None and (asked.where, asked.ask) != (last.where, last.ask)
            return is_other or self._is_stopped

        times = _REST_FROM_KEYS if self._is_typing() else _REST
        with self._changed:
            self._changed.wait_for(is_wanted, min(times * took, _LONGEST_REST_S))

    def _next(self) -> AnalysisRequest | None:
        """Wait for a question; None after stop()."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked is not None or self._is_stopped)
            question, self._asked = self._asked, None
            return None if self._is_stopped else question

    def find(self, overview: Overview, text: str, row: int | None, direction: int) -> None:
        """Post Found for the next record with `text`."""
        from llmlog_tui.analysis.calls.search import search  # noqa: PLC0415 - imports polars

        self._post(SearchDone(text, search(overview.frame, text, row, direction)))

    def find_step(self, overview: Overview, trace_id: str, number: int, text: str) -> None:
        """Post Found, as of a search for `text`, for a step of a trace."""
        from llmlog_tui.analysis.calls.search import step_of  # noqa: PLC0415 - imports polars

        self._post(SearchDone(text, step_of(overview.frame, trace_id, number)))

    def query(self, overview: Overview, sql: str) -> None:
        """Post Queried for an SQL query."""
        from llmlog_tui.analysis.query.sql import QueryError, query  # noqa: PLC0415 - imports polars

        began = time.monotonic()
        try:
            frame, why = query(overview.snapshot.frame, sql, self._rules), ""
        except QueryError as error:
            frame, why = None, str(error)
        self._post(QueryDone(sql, frame, why, time.monotonic() - began))

    def _answer(self, question: AnalysisRequest) -> AnalysisDone:
        from llmlog_tui.analysis.live.overview import IncrementalAnalyzer  # noqa: PLC0415 - imports polars

        if self._running is None:
            self._running = IncrementalAnalyzer(self._slow_ms, self._rules)
        overview = self._running.overview(question.snapshot, question.where)
        answer = None if question.ask is None else question.ask(overview)
        return AnalysisDone(question, overview, answer, self._news(overview))

    def _news(self, answers: Overview) -> tuple[Alert, ...]:
        """The alerts nobody was told of yet; whom the rules name is told in the same breath."""
        from llmlog_tui.notify import Notifier  # noqa: PLC0415 - imports polars

        if self._notifier is None:
            self._notifier = Notifier(self._rules.on_alert, problem=self._not_told)
        return tuple(self._notifier.offer(answers.alerts, answers.snapshot.live_from))

    def _not_told(self, why: str) -> None:
        self._post(Failed("notice of an alert", RuntimeError(why)))
