"""Analysis thread: runs the latest request. Posts messages, touches no widget."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition
from typing import TYPE_CHECKING, Final

from llmlog_tui import tui
from llmlog_tui.tui import workers

if TYPE_CHECKING:
    from llmlog_tui.config.rules import Rules
    from llmlog_tui.tui.messages import AnalysisRequest, Post
    from llmlog_tui.tui.workers.analysis import Analyzer

TASK: Final = "Analysis"

_PAUSE: Final = 1
"""Pause between analyses, as a multiple of the last one's duration."""

_PAUSE_WHILE_TYPING: Final = 3
"""Pause while the user types, as a multiple of the last analysis's duration."""

_LONGEST_PAUSE_S: Final = 0.25


class AnalysisWorker:
    """Runs one request at a time; a newer request replaces a waiting one.

    Without `rules` the default ones are watched.
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
        self._rules = rules
        self._is_typing = is_typing
        self._analyzer: Analyzer | None = None
        self._requested: AnalysisRequest | None = None
        self._is_stopped = False
        self._changed = Condition()

    def request(self, request: AnalysisRequest) -> None:
        """Queue a request; its AnalysisDone or FilterRejected is posted."""
        with self._changed:
            self._requested = request
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        if self._analyzer is not None:
            self._analyzer.stop()

    def run(self) -> None:
        """Run requests until stop()."""
        # polars is imported here, in this thread: the first frame does not wait for it.
        self._analyzer = workers.analysis.Analyzer(self._slow_ms, self._rules, self._post)
        while (request := self._next()) is not None:
            began = time.monotonic()
            try:
                self._post(self._analyzer.run(request))
            except Exception as error:  # noqa: BLE001 - the next request may succeed
                self._post(tui.messages.Failed(TASK, error))
            self._pause(request, time.monotonic() - began)
        self._analyzer.stop()  # stop() may have come before there was one

    def _pause(self, last: AnalysisRequest, took: float) -> None:
        """Leave the processor to the screen, unless the next request differs by more than data."""

        def is_urgent() -> bool:
            request = self._requested
            is_other = request is not None and (
                (request.where, request.query) != (last.where, last.query)
            )
            return is_other or self._is_stopped

        factor = _PAUSE_WHILE_TYPING if self._is_typing() else _PAUSE
        with self._changed:
            self._changed.wait_for(is_urgent, min(factor * took, _LONGEST_PAUSE_S))

    def _next(self) -> AnalysisRequest | None:
        """Wait for a request; None after stop()."""
        with self._changed:
            self._changed.wait_for(lambda: self._requested is not None or self._is_stopped)
            request, self._requested = self._requested, None
            return None if self._is_stopped else request
