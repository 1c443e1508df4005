"""Clock of a replay: played time and speed."""

from __future__ import annotations

from collections.abc import Callable

from llmlog_tui.tui import workers


class PlaybackClock:
    """Runs `speed` times as fast as `clock` (in seconds) while `playing`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.playing = False
        self.speed = 1.0
        self._clock = clock
        self._played_ms = 0.0
        self._ticked = 0.0

    def start(self, played_ms: float) -> None:
        """Start at this played time."""
        self.playing = True
        self._played_ms, self._ticked = played_ms, self._clock()

    def stop(self) -> None:
        self.playing = False

    def tick(self) -> float:
        """Return the played time, in ms."""
        now = self._clock()
        self._played_ms += (now - self._ticked) * 1_000 * self.speed
        self._ticked = now
        return self._played_ms

    def change_speed(self, by: int) -> None:
        """Select the next speed of SPEEDS, or with -1 the previous one."""
        speeds = workers.analysis.SPEEDS
        index = speeds.index(self.speed) + by
        self.speed = speeds[min(max(0, index), len(speeds) - 1)]
