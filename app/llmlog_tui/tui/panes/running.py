"""The calls and tools in flight; hidden without any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from llmlog_tui.tui.render import running_text

if TYPE_CHECKING:
    from llmlog_tui.log.starts import RunningStep

_GROWS_S: Final = 0.5
"""Seconds between two redraws while something runs."""

_MAX_LINES, _MAX_COMPACT_LINES = 5, 2


class RunningPane(Static):
    """One line per running step, the newest last, with a bar that grows."""

    def __init__(self) -> None:
        super().__init__(id="running")
        self.display = False
        self.compact = False
        self._steps: Sequence[RunningStep] = ()
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        self._timer = self.set_interval(_GROWS_S, self._draw, pause=not self._steps)

    def update_steps(self, steps: Sequence[RunningStep]) -> None:
        """Show these steps."""
        if steps == self._steps:
            return
        self._steps = steps
        self.display = bool(steps)
        if self._timer is not None:
            (self._timer.resume if steps else self._timer.pause)()
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._steps:
            limit = _MAX_COMPACT_LINES if self.compact else _MAX_LINES
            width = self.size.width or self.app.size.width
            drawn = running_text.lines(self._steps, datetime.now(UTC), width, limit)
            self.update(Content("\n").join(drawn))
