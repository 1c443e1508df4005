"""Prices of models by genai-prices, if it is installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from llmlog_tui.analysis.calls.price_cache import user_prices
from llmlog_tui.analysis.calls.prices import Hours, Price, Rates
from llmlog_tui.lazy import defer_package

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices


@cache
def listed(provider: str, model: str) -> tuple[Price, ...]:
    """Return the prices of a model at a provider (host or name).

    Empty without the extra `cost`, for a provider or a model it does not know, and for models that
    are not priced per token. A model that is not in the user's cache imports genai-prices (0.1 s).
    """
    known = user_prices()
    found = None if known is None else known.get(provider, model)
    if found is not None:
        return found
    try:
        found = look_up(provider, model)
    except ImportError:  # not cached: the next process may have the extra
        return ()
    if known is not None:
        known.add(provider, model, found)
    return found


def look_up(provider: str, model: str) -> tuple[Price, ...]:
    """Return the prices of a model by genai-prices. Raises ImportError without it."""
    found = _find(provider, model)
    return () if found is None else tuple(_prices(found))


def _find(provider: str, model: str) -> ModelInfo | None:
    # Its `__init__` imports an HTTP client, to update prices: none are fetched here.
    defer_package("genai_prices")
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - slow, and an extra

    snapshot = get_snapshot()
    by_host, by_name = (None, f"https://{provider}/"), (provider, None)
    for name, url in (by_host, by_name):
        with contextlib.suppress(LookupError):
            return snapshot.find_provider_model(model, None, name, url)[1]
    return None


def _prices(model: ModelInfo) -> Iterator[Price]:
    if not isinstance(model.prices, list):
        yield from _tiers(model.prices, None, None)
        return
    for position, conditional in enumerate(model.prices):
        when = conditional.constraint if position else None  # the first is for all other times
        if when is None:
            yield from _tiers(conditional.prices, None, None)
        elif hasattr(when, "start_date"):  # else a constraint by the time of day
            yield from _tiers(conditional.prices, when.start_date, None)
        else:
            yield from _tiers(
                conditional.prices, None, Hours(_utc(when.start_time), _utc(when.end_time))
            )


def _utc(at: time) -> time:
    if at.tzinfo is None:
        return at
    return datetime.combine(date(1970, 1, 1), at).astimezone(UTC).time()


def _tiers(prices: ModelPrice, since: date | None, hours: Hours | None) -> Iterator[Price]:
    """Yield one price per tier; above a tier's start it applies to all tokens."""
    if prices.input_mtok is None:
        return
    ladders = (
        prices.input_mtok,
        prices.output_mtok,
        prices.cache_read_mtok,
        prices.cache_write_mtok,  # for 5 minutes: records do not tell the time to live
        prices.output_reasoning_mtok,
    )
    calls = prices.requests_kcount
    per_call = 0.0 if calls is None else _at(calls, None) / 1_000
    starts = {tier.start for ladder in ladders for tier in getattr(ladder, "tiers", ())}
    for start in (None, *sorted(starts)):
        given, answer, cached, cache_write, reasoning = (
            None if ladder is None else _at(ladder, start) for ladder in ladders
        )
        rates = Rates(given or 0.0, answer or 0.0, cached, cache_write, reasoning, per_call)
        yield Price(rates, since, hours, start)


def _at(ladder: Decimal | TieredPrices, start: int | None) -> float:
    """Return the rate of a prompt just longer than `start`; of None, below every tier."""
    if isinstance(ladder, Decimal):
        return float(ladder)
    passed = [tier.price for tier in ladder.tiers if start is not None and tier.start <= start]
    return float(passed[-1] if passed else ladder.base)
