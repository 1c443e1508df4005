"""Look up an id outside the window of a table or an archive."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Final

from llmlog_tui.tui import navigation, workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmlog_tui.log.fetching import Fetched
    from llmlog_tui.tui.app import LogApp
    from llmlog_tui.tui.queries import FetchResult

_TASK: Final = "Search outside the window"


class OutsideSearch:
    """Fetches records whose id is searched for, once for each search.

    The first ones found are shown at once. `on_progress` is called with a percentage, None at the
    end; `on_nothing` with the reason why nothing was found, empty if there is none.
    """

    def __init__(
        self,
        app: LogApp,
        on_progress: Callable[[int | None], object],
        on_nothing: Callable[[str], object],
    ) -> None:
        self._app = app
        self._on_progress = on_progress
        self._on_nothing = on_nothing
        self._cancelled = Event()
        self._text = ""
        self._revision: int | None = None  # of the records at first, until some are found
        self.is_running = False

    def begin(self, text: str, *, is_sure: bool) -> bool:
        """Look up a text that may be an id, once; False if it is not.

        Unless `is_sure` that it is nothing else, only one with a digit.
        """
        overview, outside = self._app.overview, self._app.status.progress.rows_outside
        may_be_id = workers.log_reader.may_be_id(text)
        if not is_sure:
            may_be_id = may_be_id and any(map(str.isdigit, text))
        if text == self._text or overview is None or not outside or not may_be_id:
            return False
        self._text, self._cancelled, self.is_running = text, Event(), True
        self._revision = overview.snapshot.revision
        self._on_progress(0)
        report = partial(self._report, self._cancelled)
        work = partial(self._app.reader.fetch, text, self._cancelled, report)
        self._app.jobs.run(_TASK, work, partial(self._end, self._cancelled))
        return True

    def cancel(self) -> None:
        """End the look-up, and forget its text."""
        if self._text:
            self._app.reader.cancel_fetch(self._cancelled)
            self._text, self.is_running = "", False

    def _report(self, cancelled: Event, step: Fetched) -> None:
        self._app.call_later(self._show_progress, cancelled, step)

    def _show_progress(self, cancelled: Event, step: Fetched) -> None:
        if cancelled.is_set():
            return
        self._on_progress(100 * step.done // max(1, step.total))
        if step.found and self._revision is not None:
            # They are on screen once they are analysed.
            since, self._revision = self._revision + 1, None
            self._app.navigator.search(navigation.Search("", -1, since=since))

    def _end(self, cancelled: Event, result: FetchResult) -> None:
        if cancelled.is_set():
            return
        self.is_running = False
        self._on_progress(None)
        if not result.found:
            self._on_nothing(result.problem)
