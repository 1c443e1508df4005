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

    `on_progress` is called with a percentage, None at the end; `on_nothing` with the reason why
    nothing was found, empty if there is none.
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

    def begin(self, text: str) -> bool:
        """Look up a text that may be an id; False if it may not."""
        outside = self._app.status.progress.rows_outside
        if text == self._text or not outside or not workers.log_reader.may_be_id(text):
            return False
        self._text, self._cancelled = text, Event()
        self._on_progress(0)
        report = partial(self._report, self._cancelled)
        work = partial(self._app.reader.fetch, text, self._cancelled, report)
        self._app.jobs.run(_TASK, work, partial(self._end, self._cancelled))
        return True

    def cancel(self) -> None:
        """End the look-up, and forget its text."""
        if self._text:
            self._cancelled.set()
            self._app.reader.cancel_fetch()
            self._text = ""

    def _report(self, cancelled: Event, step: Fetched) -> None:
        percent = 100 * step.done // max(1, step.total)
        self._app.call_later(self._show_progress, cancelled, percent)

    def _show_progress(self, cancelled: Event, percent: int) -> None:
        if not cancelled.is_set():
            self._on_progress(percent)

    def _end(self, cancelled: Event, result: FetchResult) -> None:
        if cancelled.is_set():
            return
        self._on_progress(None)
        if result.found:
            # They are on screen once they are analysed.
            self._app.navigator.search(navigation.Search("", -1, since=result.revision))
        else:
            self._on_nothing(result.problem)
