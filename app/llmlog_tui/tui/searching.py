"""Search on the screen: in ids and fields at once, in content by a scan."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens, workers
from llmlog_tui.tui.messages import TextFound
from llmlog_tui.tui.outside_search import OutsideSearch
from llmlog_tui.tui.queries import SearchState, TextHit

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmlog_tui.analysis.calls.search import Hit
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.app import LogApp
    from llmlog_tui.tui.navigation import Search
    from llmlog_tui.tui.screens import LogView
    from llmlog_tui.tui.workers.text_search import TextSearch

_SHOWN: int = 60
"""Maximum characters of the words in a hint."""


class SearchController:
    """The current search: its text, its hits so far, and the scan for more."""

    def __init__(self, app: LogApp) -> None:
        self._app = app
        self.state = SearchState()
        self._hits: dict[int, TextHit] = {}
        self._older: list[TextHit] = []  # evicted records: the key of the first is -1
        self._scan: TextSearch | None = None
        self._number = 0
        self._is_waiting = False  # for the first hit
        self._direction = -1  # of the next hit
        self._is_done = False  # the scan of the lines that were there when it began
        self._has_content = True
        self._matches = workers.analysis.LastMatches()
        self._outside = OutsideSearch(app, self._update_outside, self._end_outside)

    def run(self, overview: Overview, search: Search) -> None:
        """Search for a text, or from the last hit."""
        if search.text:
            self.end()
            self.state = SearchState(search.text)
            self._start_scan(overview)
            self._is_waiting = True
        elif not self.state.text:
            self._app.view.action_find()
            return
        elif self._scan is None and not self._hits and not self._older:
            self._start_scan(overview)
            self._is_waiting = True
        self._direction = search.direction
        self._is_waiting |= search.since > 0  # for records that were fetched
        self._go_on(overview)

    def _update_outside(self, percent: int | None) -> None:
        self._update(replace(self.state, percent=percent, is_outside=percent is not None))

    def _end_outside(self, problem: str) -> None:
        has_hits = bool(self._hits or self._older)
        if not has_hits and (self._is_done or self._scan is None):
            self._hint_nothing(problem)

    def _start_scan(self, overview: Overview) -> None:
        self._number += 1
        self._hits, self._older = {}, []
        self._is_done, self._has_content = False, True
        self.state = replace(self.state, percent=0)
        reader, app = self._app.reader, self._app

        search = workers.text_search.TextSearch(
            self.state.text,
            self._number,
            reader.scan,
            lambda: app.overview or overview,
            app.post_message,
        )
        self._scan = search
        app.jobs.run_in_thread(workers.text_search.TASK, search.run)

    def stop(self) -> None:
        """Cancel the scan."""
        self._outside.cancel()
        if self._scan is not None:
            self._scan.cancel()
            self._scan = None

    def end(self) -> None:
        """End the scan; its hits are kept."""
        self.stop()
        self._is_waiting = False
        is_cut = self.state.is_cut or self.state.is_running
        self._update(replace(self.state, percent=None, is_cut=is_cut, is_outside=False))
        if self._hits or self._older:
            self._recount()

    def close(self) -> None:
        """End the search; n starts it again."""
        self.end()
        self._number += 1  # a hit that is looked for is of a search that ended
        self._hits, self._older = {}, []
        self._update(SearchState(self.state.text, self.state.row))

    def update(self, message: TextFound) -> None:
        """Add hits of the scan, and go to the first one if there was none."""
        if self._scan is None or message.number != self._number:
            return  # of an earlier search
        for hit in message.hits:
            if hit.row is None:
                self._older.append(hit)
            else:
                self._hits[hit.row] = hit
        self._is_done |= message.is_done
        self._has_content &= message.has_content
        percent = None if message.is_done else 100 * message.read // max(1, message.total)
        if self._outside.is_running:
            percent = self.state.percent
        found = len(self._hits) + len(self._older)
        self._update(replace(self.state, percent=percent, found=found, is_cut=message.is_cut))
        if not (message.hits or message.is_done):
            return
        if self._is_waiting and self._app.overview is not None:
            self._go_on(self._app.overview)
        elif not self.state.is_running:
            self._recount()

    def _recount(self) -> None:
        """Count the hits again: more were found since the current one."""
        overview = self._app.overview
        if overview is not None and self.state.row is not None:
            self._app.jobs.run("Search", self._finding(overview, 0), self._update_count)

    def _update_count(self, hit: Hit | None) -> None:
        if hit is not None and hit.row == self.state.row:
            self._update(replace(self.state, nth=hit.nth, total=hit.total))

    def _hint_nothing(self, problem: str = "") -> None:
        text = sanitize(self.state.text, _SHOWN)
        if problem:
            self._app.view.hint(f"{text} was not looked up outside the window: {sanitize(problem)}")
            return
        overview = self._app.overview
        if overview is None or not overview.snapshot.frame.height:
            self._app.view.hint(f"Nothing has {text}: the log has no record yet.")
        elif self._has_content:
            self._app.view.hint(f"Nothing has {text}.")
        else:
            why = workers.analysis.NO_CONTENT
            self._app.view.hint(f"No id, field or error has {text}; {why}.")

    def update_view(self, view: LogView) -> None:
        """Show the search in a view."""
        view.update_search(self.state)

    def _update(self, state: SearchState) -> None:
        if state != self.state:
            self.state = state
            for view in {*self._app.views, self._app.view} if self._app.views else ():
                self.update_view(view)

    # -- going to hits

    def _finding(self, overview: Overview, direction: int) -> Callable[[], Hit | None]:
        """Return the search for the next hit; with direction 0 for the current one."""
        return partial(
            workers.analysis.search,
            overview.frame,
            self.state.text,
            self.state.row,
            direction,
            found=frozenset(self._hits),
            older=len(self._older),
            matches=self._matches,
        )

    def _go_on(self, overview: Overview) -> None:
        show = partial(self._show, self._number, self._is_waiting, self._is_done)
        self._app.jobs.run("Search", self._finding(overview, self._direction), show)

    def _go_to_begun(self) -> bool:
        """Go to the run of a begun step with this id, if there is one."""
        overview, text = self._app.overview, self.state.text
        trace = None if overview is None else overview.find_begun(text)
        if trace is None:
            return False
        self.end()
        self._app.navigator.go_to_trace(trace)
        self._app.view.hint(f"{sanitize(text, _SHOWN)} has no record yet: its run is selected.")
        return True

    def _text_hit(self, hit: Hit) -> TextHit | None:
        """Return the hit in content; None if a field has the text.

        A field is searched at once, content by a scan: what opens must not depend on its progress.
        """
        if hit.in_field:
            return None
        return self._hits[hit.row] if hit.row >= 0 else self._older[-hit.row - 1]

    def _show(
        self,
        number: int,
        is_first: bool,  # noqa: FBT001 - as partial() has them
        is_last: bool,  # noqa: FBT001 - as above
        hit: Hit | None,
    ) -> None:
        """Go to a hit; without any, say so once the scan is done."""
        if number != self._number or (is_first and not self._is_waiting):
            return
        if is_first and not isinstance(self._app.screen, screens.LogView):
            self._is_waiting = False  # a dialog was opened meanwhile: n goes to the hit
            return
        if hit is None and self._go_to_begun():
            return
        if hit is None:
            is_over = is_last or self._scan is None
            self._is_waiting &= not is_over
            begins = self._outside.begin(self.state.text, is_sure=is_over)
            if is_over and not begins and not self._outside.is_running:
                self._hint_nothing()
            return
        self._is_waiting = False
        known = self._text_hit(hit)
        excerpt = None if known is None else known.excerpt
        self._update(
            replace(self.state, row=hit.row, nth=hit.nth, total=hit.total, excerpt=excerpt)
        )
        if self._is_done and not is_last:
            self._recount()
        text = sanitize(self.state.text, _SHOWN)
        if known is None and not self._app.view.found.display:  # shown there
            self._app.view.hint(f"{hit.nth:,} of {hit.total:,} with {text}")
        if known is not None and known.location is not None:
            self._app.jobs.show_evicted(known.location, self.state.text, known.excerpt)
        else:
            self._app.navigator.go_to_found(hit.row, in_text=known is not None)
