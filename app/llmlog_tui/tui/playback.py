"""The clock of a replay: how much of the run has been played, and how fast."""

from __future__ import annotations

from collections.abc import Callable


class PlaybackClock:
    """While it is `playing`, time runs `speed` times as fast as by `clock`, which is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.playing = False
        self.speed = 1.0
        self._clock = clock
        self._played_ms = 0.0
        self._ticked = 0.0

    def start(self, played_ms: float) -> None:
        """Let time run from so much of the run on."""
        self.playing = True
        self._played_ms, self._ticked = played_ms, self._clock()

    def stop(self) -> None:
        """Let time stand."""
        self.playing = False

    def tick(self) -> float:
        """How much of the run has been played by now, in ms."""
        now = self._clock()
        self._played_ms += (now - self._ticked) * 1_000 * self.speed
        self._ticked = now
        return self._played_ms

    def faster(self, by: int) -> None:
        """Take the next speed that there is, or with -1 the one before."""
        from llmlog_tui.analysis.traces.replay import SPEEDS  # noqa: PLC0415 - imports polars

        place = SPEEDS.index(self.speed) + by
        self.speed = SPEEDS[min(max(0, place), len(SPEEDS) - 1)]
