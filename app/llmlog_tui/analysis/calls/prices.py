"""Prices of models over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Final, NamedTuple


@dataclass(frozen=True)
class Rates:
    """USD per million tokens.

    Cached and cache-written input default to the input rate, reasoning to the output rate.
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None
    per_call_usd: float = 0.0


class Hours(NamedTuple):
    """From `begin` to `end` every day, UTC; over midnight if `end` is earlier."""

    begin: time
    end: time


@dataclass(frozen=True)
class Price:
    """Rates for calls from `since` (UTC) on, within `hours`, with over `over_tokens` of input."""

    rates: Rates
    since: date | None = None
    hours: Hours | None = None
    over_tokens: int | None = None


Prices = Sequence[Price]
"""A model's prices; the last applicable one counts. Empty if unknown."""


NO_OVERRIDES: Final[dict[str, Rates]] = {}
"""No prices set by the user."""
