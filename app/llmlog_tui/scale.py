"""Round numbers and times for the axes of charts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

_STEPS: Final = (1, 2, 2.5, 4, 5, 6, 8, 10)
"""Round numbers, each times a power of ten."""

_SECONDS: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400 * days for days in (1, 2, 7, 14, 30, 90, 180, 365, 730, 3_650, 36_500)),
)
"""Seconds between two labels of a time axis."""


def round_up(value: float) -> float:
    """Return the next round number: one or two digits times a power of ten."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in _STEPS if value <= n * power * (1 + 1e-9))


def round_times(begin: datetime, end: datetime, most: int) -> list[datetime]:
    """Return about `most` instants, or less, at round times of day from `begin` to `end`.

    Both are in the time zone that is shown.
    """
    span = (end - begin).total_seconds()
    fits = (each for each in _SECONDS if span / each <= most)
    seconds = next(fits, _SECONDS[-1])
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    first = math.ceil((begin - midnight).total_seconds() / seconds)
    last = math.floor((end - midnight).total_seconds() / seconds)
    return [midnight + timedelta(seconds=seconds * n) for n in range(first, last + 1)]


def time_tick(when: datetime, begin: datetime, end: datetime) -> str:
    """Return the label of a round time between `begin` and `end`: `14:02`, `14:02:30`.

    Over several days `22 Nov`, `22 Nov 14:00`; over several years `22 Nov 2023`.
    """
    if begin.date() == end.date():
        return f"{when:%H:%M:%S}".removesuffix(":00")
    if begin.year != end.year:
        return f"{when:%d %b} {when.year:04}"
    return f"{when:%d %b %H:%M}".removesuffix(" 00:00")
