"""Time for the demo: simulated, so that an hour of traffic is written at once, or real."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol


class DemoClock(Protocol):
    """What llmlog takes its times from, and what everything in the demo waits by."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""

    def monotonic_ns(self) -> int:
        """Nanoseconds that only go forward."""

    def sleep(self, ms: float) -> None:
        """Let `ms` milliseconds go by."""


class SimulatedClock:
    """Goes forward when somebody sleeps, and nobody waits."""

    def __init__(self, start: datetime) -> None:
        self._start_ns = int(start.timestamp()) * 10**9
        self._elapsed_ns = 0

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self._start_ns + self._elapsed_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds since the start."""
        return self._elapsed_ns

    def sleep(self, ms: float) -> None:
        """Be `ms` later."""
        self._elapsed_ns += round(ms * 1e6)


class RealClock:
    """The system's clock."""

    time_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)

    def sleep(self, ms: float) -> None:
        """Wait for `ms`."""
        time.sleep(ms / 1_000)
