"""Schedule analyses: at once for the user, seldom for new records."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.app import App
from textual.timer import Timer

if TYPE_CHECKING:
    from llmlog_tui.tui.messages import AnalysisRequest

PAUSE_S: Final = 1.0
"""Seconds between two analyses that differ by new records alone: those are shown before."""

LONG_PAUSE_S: Final = 2.0
"""Seconds between them for fewer than MANY_RECORDS new records: they cost about the same."""

MANY_RECORDS: Final = 25
"""Minimum new records for an analysis after PAUSE_S already."""

LOADING_FACTOR: Final = 2
"""Growth of the record count, while loading, after which the log is analysed again."""


class AnalysisSchedule:
    """Passes requests to `send`, and calls `again` when one that was put off is due."""

    def __init__(
        self,
        app: App[str],
        send: Callable[[AnalysisRequest], None],
        again: Callable[[], None],
    ) -> None:
        self._app = app
        self._send = send
        self._again = again
        self._timer: Timer | None = None
        self._timer_due = 0.0
        self._sent_at: float | None = None  # when new records alone were analysed, unless long ago
        self.requested: AnalysisRequest | None = None
        """The last request that was sent."""
        self.done: AnalysisRequest | None = None
        """The last request whose result has come."""

    @property
    def is_pending(self) -> bool:
        """Whether a result is to come, or a request was put off."""
        return self._timer is not None or self.requested is not self.done

    def request(self, request: AnalysisRequest, *, at_once: bool = False) -> None:
        """Send a request, later if it only has new records; not twice."""
        if request.is_same(self.requested) or self._is_too_early(request):
            return
        now = time.monotonic()
        has_only_more = request.has_only_more_than(self.requested)
        if has_only_more and not at_once and now < (due := self._due_of(request)):
            self._set_timer(now, due)
            return
        if has_only_more:
            self._sent_at = now
        self._stop_timer()
        self.requested = request
        self._send(request)

    def forget(self) -> None:
        """Take no request for sent: results were dropped."""
        self.requested = self.done = None

    def _is_too_early(self, request: AnalysisRequest) -> bool:
        """Return whether too few records were loaded since the last request."""
        # Each analysis while loading is one of all records so far: at every chance to have one,
        # the cost of a log that takes minutes to read would grow with the square of its size.
        last = self.requested
        if last is None or not request.has_only_loaded_more_than(last):
            return False
        records = request.snapshot.counts.records
        return records < LOADING_FACTOR * last.snapshot.counts.records

    def _due_of(self, request: AnalysisRequest) -> float:
        """Return when a request is due that only has new records."""
        if self._sent_at is None or self.requested is None:
            return 0.0
        new = request.snapshot.counts.records - self.requested.snapshot.counts.records
        return self._sent_at + (PAUSE_S if new >= MANY_RECORDS else LONG_PAUSE_S)

    def _set_timer(self, now: float, due: float) -> None:
        if self._timer is None or due < self._timer_due:
            self._stop_timer()
            self._timer, self._timer_due = self._app.set_timer(due - now, self._is_due), due

    def _is_due(self) -> None:
        self._stop_timer()
        self._sent_at = None
        self._again()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
