"""Tune the GC and the thread switch interval for key latency."""

from __future__ import annotations

import gc
import sys
import time
from typing import Final

_TYPING_S: Final = 0.5
"""Seconds after a key during which the user counts as typing."""

_SWITCH_S: Final = 0.001  # Python's default is 5 ms
"""Seconds a worker may keep the interpreter from the UI thread."""

_THRESHOLDS: Final = (5_000, 10, 1_000)
# The last one leaves full collections to collect_when_idle(): each takes 70 ms or more, once a
# second, over objects that nearly all come from imports and live as long as the process.


class GcTuner:
    """Collects garbage between keys, and prefers the UI thread over the workers."""

    def __init__(self) -> None:
        self._before: tuple[tuple[int, int, int], float] | None = None
        self._last_key = 0.0

    def begin(self) -> None:
        self._before = gc.get_threshold(), sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)

    def freeze(self) -> None:
        """Exempt the present objects, mostly imported code, from collections."""
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)

    def key_pressed(self) -> None:
        self._last_key = time.monotonic()

    def is_typing(self) -> bool:
        return time.monotonic() - self._last_key <= _TYPING_S

    def collect_when_idle(self) -> None:
        """Collect garbage, unless the user is typing or there is hardly any."""
        if gc.get_count()[2] and not self.is_typing():
            gc.collect()

    def end(self) -> None:
        """Restore the previous settings."""
        if self._before is not None:
            thresholds, switch = self._before
            gc.unfreeze()
            gc.set_threshold(*thresholds)
            sys.setswitchinterval(switch)
            self._before = None
