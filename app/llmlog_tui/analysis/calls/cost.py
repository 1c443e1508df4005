"""Cost of calls in USD, and the savings by caching."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.call_model import MODEL
from llmlog_tui.analysis.calls.call_rows import Calls
from llmlog_tui.analysis.calls.price_list import listed
from llmlog_tui.analysis.calls.prices import NO_OVERRIDES, Hours, Price, Prices, Rates
from llmlog_tui.config.rules import Rules
from llmlog_tui.log.schema import IS_CALL

Lookup = Callable[[str, str], Prices]
"""(provider, model) -> its prices."""

UNPRICED: Final = IS_CALL & pl.col("cost_usd").is_null()
"""Predicate: a model call of unknown cost."""


def _sum(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())


FIGURES: Final = {
    "cost_usd": _sum("cost_usd"),
    "saved_usd": _sum("saved_usd"),
    "unpriced_calls": UNPRICED.sum(),
}
"""Sums of cost and savings of a group, null if unknown; its unpriced calls."""

PRICED_TOKENS: Final = (
    *("prompt_tokens", "completion_tokens"),
    *("cached_tokens", "cache_write_tokens", "reasoning_tokens"),
)
"""Columns of tokens that priced() reads."""

COST_COLUMNS: Final = frozenset(("event", "cost_usd", "saved_usd"))
"""Columns that FIGURES are computed from."""

_HAS_TOKENS: Final = pl.col("prompt_tokens").is_not_null() & (
    pl.col("completion_tokens").is_not_null() | (pl.col("event") == "embedding")
)


def models_without_price(calls: pl.DataFrame) -> list[str]:
    """Return the models of unpriced calls whose tokens are known, the most frequent first."""
    return most_frequent([unpriced_models(calls)])


def unpriced_models(calls: pl.DataFrame) -> pl.DataFrame:
    """Return `name` and `calls` of the models of unpriced calls whose tokens are known."""
    lacking = calls.filter(UNPRICED & _HAS_TOKENS)
    names = lacking.select(name=MODEL.cast(pl.String))
    return names.drop_nulls().group_by("name", maintain_order=True).agg(calls=pl.len())


def most_frequent(counts: Sequence[pl.DataFrame]) -> list[str]:
    """Return the names of unpriced_models() of parts of a log, the most frequent first."""
    total = pl.concat(counts).group_by("name", maintain_order=True).agg(pl.col("calls").sum())
    return total.sort("calls", descending=True, maintain_order=True)["name"].to_list()


_MILLION: Final = 1_000_000
PRICE_KEY: Final = ("provider", "model", "requested_model")
"""Columns that decide on the prices of a call."""
PriceKey = tuple[str | None, str | None, str | None]


def rates(rules: Rules) -> dict[str, Rates]:
    """Return the prices of the rules as overrides for priced()."""
    return {
        name: Rates(price.input, price.output, price.cached, price.cache_write)
        for name, price in rules.prices.items()
    }


def unused_prices(prices: Iterable[str], keys: Iterable[PriceKey]) -> list[str]:
    """Return the names of prices that apply to no call; keys are rows' PRICE_KEY."""
    used = {name for key in keys for name in _override_names(key)}
    return [name for name in prices if name not in used]


def _override_names(key: PriceKey) -> Iterator[str]:
    """Yield the names under which a call's price may be set, by precedence."""
    provider, *models = key
    for name in models:
        if name is not None:
            yield f"{provider}/{name}"
            yield name


def priced(
    frame: pl.DataFrame, overrides: Mapping[str, Rates] = NO_OVERRIDES, lookup: Lookup = listed
) -> pl.DataFrame:
    """Return `frame` with `cost_usd` and `saved_usd`, null if unknown or no model call.

    The price of a model (the one that answered, else the one requested) is that of `overrides`
    under `provider/model` or the name alone, else that of `lookup` for its provider at the time of
    the call. A call is unpriced without price, prompt_tokens or completion_tokens (an embedding has
    none), and without ts if its price changed over time. cost_usd = other input + cached input +
    cache-written input + output, each times its rate: cached_tokens and cache_write_tokens are
    parts of prompt_tokens and reasoning_tokens of completion_tokens, unknown ones count as 0.
    `saved_usd` is the extra cost of the input without a cache, negative if caching cost more.
    """
    rates = rates_of(frame, overrides, lookup)
    if rates is None:
        unknown = pl.lit(None, pl.Float64)
        return frame.with_columns_seq(cost_usd=unknown, saved_usd=unknown)
    return frame.with_columns(_costs(frame, rates))


def rates_of(
    frame: pl.DataFrame, overrides: Mapping[str, Rates] = NO_OVERRIDES, lookup: Lookup = listed
) -> pl.DataFrame | None:
    """Return the prices of each row, as priced() takes them; None without any.

    Columns: RATES, in USD per token and, for `call`, per call; null if unknown.
    """
    keys = frame.select_seq(PRICE_KEY)
    if keys.height > 1:  # else polars' threads are woken for nothing, ten times a second
        keys = keys.unique(maintain_order=True)
    prices = [_of(key, overrides, lookup) for key in keys.iter_rows()]
    table = [price for of_key in prices for price in of_key]
    if not table:
        return None
    first, lasts = [], 0
    for of_key in prices:
        first.append(lasts if of_key else None)
        lasts += len(of_key)
    chosen = (
        frame.select_seq(*PRICE_KEY, "event", "ts", "prompt_tokens")
        .join(
            keys.with_columns(first=pl.Series(first, dtype=pl.UInt32)),
            on=PRICE_KEY,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .select(pl.when(IS_CALL).then(_choice(prices)))
        .to_series()
    )
    return _rates(table).select(pl.all().gather(chosen))


@dataclass(frozen=True)
class PriceSteps:
    """Where prices change: days (UTC), times of day, and numbers of prompt tokens; ascending.

    The calls of a model that have all of them on the same side have the same price.
    """

    days: tuple[date, ...]
    times: tuple[time, ...]
    tokens: tuple[int, ...]


def price_steps(
    keys: Iterable[PriceKey], overrides: Mapping[str, Rates], lookup: Lookup = listed
) -> PriceSteps:
    """Return where the prices of models change; a key is a row's PRICE_KEY."""
    prices = [price for key in keys for price in _of(key, overrides, lookup)]
    return PriceSteps(
        tuple(sorted({price.since for price in prices if price.since})),
        tuple(sorted({at for price in prices if price.hours for at in price.hours})),
        tuple(sorted({price.over_tokens for price in prices if price.over_tokens is not None})),
    )


def _of(of: PriceKey, overrides: Mapping[str, Rates], lookup: Lookup) -> Prices:
    own = next((overrides[name] for name in _override_names(of) if name in overrides), None)
    if own is not None:
        return (Price(own),)
    provider, *models = of
    names = [model for model in models if model is not None]
    known = (lookup(provider, name) for name in names if provider is not None)
    return next((prices for prices in known if prices), ())


def _choice(prices: list[Prices]) -> pl.Expr:
    """Return the applicable price's index; `first` is that of the model's first."""
    choice, first = pl.col("first"), 0
    for of_key in prices:
        mine = pl.col("first") == first
        for position, price in enumerate(of_key[1:], first + 1):
            applies = mine & _applies(price)
            choice = pl.when(applies).then(pl.lit(position, pl.UInt32)).otherwise(choice)
        if any(price.since or price.hours for price in of_key):
            choice = pl.when(mine & pl.col("ts").is_null()).then(None).otherwise(choice)
        first += len(of_key)
    return choice


def _applies(price: Price) -> pl.Expr:
    applies = pl.lit(value=True)
    if price.since is not None:
        applies &= pl.col("ts") >= datetime.combine(price.since, time(), UTC)
    if price.hours is not None:
        applies &= _within(price.hours)
    if price.over_tokens is not None:
        applies &= pl.col("prompt_tokens") > price.over_tokens
    return applies


def _within(hours: Hours) -> pl.Expr:
    now = pl.col("ts").dt.time()
    if hours.end < hours.begin:
        return (now >= hours.begin) | (now < hours.end)
    return (now >= hours.begin) & (now < hours.end)


RATES: Final = ("input", "hit_discount", "write_surcharge", "output", "reasoning_surcharge", "call")
"""Columns of rates_of(): rates of input and output, differences of their parts, and per call."""


def _rates(table: list[Price]) -> pl.DataFrame:
    rows = []
    for rates in (price.rates for price in table):
        cached = rates.input if rates.cached is None else rates.cached
        cache_write = rates.input if rates.cache_write is None else rates.cache_write
        reasoning = rates.output if rates.reasoning is None else rates.reasoning
        of_tokens = (
            *(rates.input, rates.input - cached, cache_write - rates.input),
            *(rates.output, reasoning - rates.output),
        )
        rows.append((*(usd / _MILLION for usd in of_tokens), rates.per_call_usd))
    return pl.DataFrame(rows, schema=dict.fromkeys(RATES, pl.Float64), orient="row")


SAVED_USD: Final = pl.col("hits") * pl.col("hit_discount") - pl.col("writes") * pl.col(
    "write_surcharge"
)
"""Savings by caching, of `hits` and `writes` tokens and RATES."""

COST_USD: Final = (
    pl.col("prompts") * pl.col("input")
    - SAVED_USD
    + pl.col("completions") * pl.col("output")
    + pl.col("reasoning") * pl.col("reasoning_surcharge")
    + pl.col("known") * pl.col("call")
)
"""Cost of `known` calls, of sums of `prompts`, `completions` and their parts, and RATES."""


def _costs(frame: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Return cost_usd and saved_usd per row; `rates` has the same rows."""
    completion = pl.coalesce("completion_tokens", pl.when(pl.col("event") == "embedding").then(0))
    tokens = frame.select_seq(
        prompts="prompt_tokens",
        hits=pl.min_horizontal(pl.col("cached_tokens").fill_null(0), "prompt_tokens"),
        writes=pl.col("cache_write_tokens").fill_null(0),
        completions=completion,
        reasoning=pl.col("reasoning_tokens").fill_null(0),
    )
    part = pl.concat([tokens, rates], how="horizontal").with_columns(
        writes=pl.min_horizontal("writes", pl.col("prompts") - pl.col("hits")),
        reasoning=pl.min_horizontal("reasoning", "completions"),
        known=1,
    )
    return part.select(cost_usd=COST_USD, saved_usd=SAVED_USD).select(
        "cost_usd", saved_usd=pl.when(pl.col("cost_usd").is_not_null()).then("saved_usd")
    )


@dataclass(frozen=True)
class Cost:
    """`usd` and `saved_usd` over the priced calls, None if there are none."""

    usd: float | None
    saved_usd: float | None
    unpriced_calls: int

    def plus(self, other: Cost) -> Cost:
        return Cost(
            _both(self.usd, other.usd),
            _both(self.saved_usd, other.saved_usd),
            self.unpriced_calls + other.unpriced_calls,
        )


def _both(a: float | None, b: float | None) -> float | None:
    known = [usd for usd in (a, b) if usd is not None]
    return sum(known) if known else None


def cost(calls: Calls) -> Cost:
    return Cost(*calls.select(**FIGURES).row(0))
