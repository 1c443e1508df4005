"""Which new alerts the user is told of: not so many that nobody reads them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert

_MINUTE: Final = 60.0


class AlertThrottle:
    """Lets one alert of each rule through a minute, and none while `silent`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.silent = False
        self._clock = clock
        self._told: dict[str, float] = {}

    def due(self, news: Sequence[Alert]) -> list[Alert]:
        """Those of the new alerts to tell of now; cleared ones need nobody's attention."""
        now, due = self._clock(), []
        for alert in news:
            told = self._told.get(alert.rule)
            is_soon = told is not None and now - told < _MINUTE
            if not self.silent and not is_soon and alert.state == "ongoing":
                self._told[alert.rule] = now
                due.append(alert)
        return due
