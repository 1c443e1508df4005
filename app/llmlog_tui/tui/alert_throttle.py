"""Rate limit for toasts of new alerts, so that they stay readable."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmlog_tui.analysis.alerts.alert import Alert

_MINUTE: Final = 60.0


class AlertThrottle:
    """Admits one alert per rule and minute, and none while `silent`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.silent = False
        self._clock = clock
        self._admitted: dict[str, float] = {}

    def admit(self, new_alerts: Sequence[Alert]) -> list[Alert]:
        """Return the ongoing alerts to show now."""
        now, admitted = self._clock(), []
        for alert in new_alerts:
            last = self._admitted.get(alert.rule)
            is_soon = last is not None and now - last < _MINUTE
            if not self.silent and not is_soon and alert.state == "ongoing":
                self._admitted[alert.rule] = now
                admitted.append(alert)
        return admitted
