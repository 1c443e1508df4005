"""Clocks of the demo: simulated, to write an hour of traffic at once, or real."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol


class DemoClock(Protocol):
    """Clock of the records and of every wait in the demo."""

    def time_ns(self) -> int:
        """Return nanoseconds since 1970."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never go back."""

    def sleep(self, ms: float) -> None:
        """Wait for `ms` milliseconds."""


class SimulatedClock:
    """Clock that only sleep() advances, without waiting."""

    def __init__(self, start: datetime) -> None:
        self._start_ns = int(start.timestamp()) * 10**9
        self._elapsed_ns = 0

    def time_ns(self) -> int:
        return self._start_ns + self._elapsed_ns

    def monotonic_ns(self) -> int:
        return self._elapsed_ns

    def sleep(self, ms: float) -> None:
        self._elapsed_ns += round(ms * 1e6)


class RealClock:
    """The system's clock."""

    time_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)

    def sleep(self, ms: float) -> None:
        time.sleep(ms / 1_000)
