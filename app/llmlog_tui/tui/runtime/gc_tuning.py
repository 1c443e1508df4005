"""What the interpreter is told so that a key is answered at once, whatever else goes on."""

from __future__ import annotations

import gc
import sys
import time
from typing import Final

_NOBODY_TYPES_S: Final = 0.5
_SWITCH_S: Final = 0.001
"""How long a worker may keep the interpreter when the screen wants it; Python's own is 5 ms."""

_THRESHOLDS: Final = (5_000, 10, 1_000)
"""The last one leaves full collections to us: each of them would hold up a key for 70 ms or more,
once a second, for objects that nearly all come from imports and stay."""


class GcTuner:
    """Collects garbage while nobody types, and lets the screen come before the workers."""

    def __init__(self) -> None:
        self._before: tuple[tuple[int, int, int], float] | None = None
        self._typed = 0.0

    def begin(self) -> None:
        """Take over."""
        self._before = gc.get_threshold(), sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)

    def loaded(self) -> None:
        """What there is now, imports above all, stays: it need not be looked through again."""
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)

    def typed(self) -> None:
        """A key came."""
        self._typed = time.monotonic()

    def is_typing(self) -> bool:
        """Whether somebody types."""
        return time.monotonic() - self._typed <= _NOBODY_TYPES_S

    def rest(self) -> None:
        """Collect what has become garbage, unless somebody types or there is hardly any."""
        if gc.get_count()[2] and not self.is_typing():
            gc.collect()

    def end(self) -> None:
        """Leave everything as it was."""
        if self._before is not None:
            thresholds, switch = self._before
            gc.unfreeze()
            gc.set_threshold(*thresholds)
            sys.setswitchinterval(switch)
            self._before = None
