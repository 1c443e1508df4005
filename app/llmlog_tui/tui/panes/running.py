"""The calls and tools in flight; hidden without any."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from llmlog_tui.tui.render import running_text

if TYPE_CHECKING:
    from llmlog_tui.log.starts import RunningStep

GROWS_S: Final = 0.5
"""Seconds between two redraws while something runs."""

_LINGERS_S: Final = 30.0
"""Seconds without a running step after which the pane is hidden."""

_MAX_LINES, _MAX_COMPACT_LINES, _MAX_SPARE_LINES = 3, 2, 5
_SPARE_LINES_FROM: Final = 46
"""Rows of a screen with more lines."""


class RunningPane(Static):
    """One line per running step, the newest last, with a bar that grows."""

    def __init__(self) -> None:
        super().__init__(id="running")
        self.display = False
        self.compact = False
        self._steps: Sequence[RunningStep] = ()
        self._timer: Timer | None = None
        self._changed = 0.0
        self._height = 0

    def on_mount(self) -> None:
        self._timer = self.set_interval(GROWS_S, self._draw, pause=not self._steps)

    def update_steps(self, steps: Sequence[RunningStep]) -> None:
        """Show those of the steps that run; Traces and the timeline list the others, too."""
        if steps == self._steps:
            return
        now = datetime.now(UTC)
        if any(not step.is_gone(now) for step in steps):
            self.display = True
        self._steps, self._changed = steps, time.monotonic()
        if self._timer is not None:
            self._timer.resume()
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        now = datetime.now(UTC)
        steps = [step for step in self._steps if not step.is_gone(now)]
        if not steps and time.monotonic() - self._changed > _LINGERS_S:
            self.display, self._height = False, 0
            if self._timer is not None:
                self._timer.pause()
            return
        width = self.size.width or self.app.size.width
        drawn = running_text.lines(steps, now, width, self._limit)
        # Calls come and go all the time: the panes below would jump with each.
        height = self._limit if len(drawn) > 1 else len(drawn)
        self._height = min(self._limit, max(self._height, height))
        blank = [Content("")] * (self._height - len(drawn))
        idle = [running_text.NOTHING_RUNS] if blank and not drawn else []
        self.update(Content("\n").join([*blank[len(idle) :], *idle, *drawn]))

    @property
    def _limit(self) -> int:
        """Maximum lines: the panes below need the others."""
        if self.compact:
            return _MAX_COMPACT_LINES
        return _MAX_LINES if self.app.size.height < _SPARE_LINES_FROM else _MAX_SPARE_LINES
