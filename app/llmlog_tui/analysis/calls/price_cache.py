"""Prices of models in the user's cache: importing genai-prices takes 0.1 s."""

from __future__ import annotations

import contextlib
from datetime import date, time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson

from llmlog_tui.analysis.calls.prices import Hours, Price, Rates
from llmlog_tui.log.cache_entry import PRICES, read_entry, sha256, write_entry
from llmlog_tui.log.cache_folder import cache_folder, is_off
from llmlog_tui.log.file_identity import strict_identity

_MAX_MODELS: Final = 500
"""Maximum number of models, the newest: each one that is added writes all."""

_MAX_ENTRIES: Final = 4
"""Maximum number of installations, and versions of genai-prices, whose prices are kept."""

_MAX_NAME_CHARS: Final = 200
"""Maximum length of the name of a provider or model; logs may have longer ones."""


class PriceCache:
    """Prices by provider and model, in one entry of the cache.

    An entry that is damaged or cannot be written costs the time of looking prices up.
    """

    def __init__(self, entry: Path) -> None:
        self._entry = entry
        found = orjson.loads(read_entry(entry) or b"[]")
        self._encoded: dict[tuple[str, str], list[Any]] = {
            (provider, model): prices for provider, model, prices in found
        }

    def get(self, provider: str, model: str) -> tuple[Price, ...] | None:
        """Return the prices of a model, empty if it has none; None if not cached."""
        encoded = self._encoded.get((provider, model))
        return None if encoded is None else _decoded(encoded)

    def add(self, provider: str, model: str, prices: tuple[Price, ...]) -> None:
        """Write prices, unless JSON would change them."""
        if max(len(provider), len(model)) > _MAX_NAME_CHARS:
            return
        encoded = _encoded(prices)
        # TypeError: half a surrogate pair in a name.
        with contextlib.suppress(OSError, TypeError):
            if _decoded(orjson.loads(orjson.dumps(encoded))) != prices:
                return
            newest = list(self._encoded.items())[1 - _MAX_MODELS :]
            of_all = {**dict(newest), (provider, model): encoded}
            write_entry(self._entry, orjson.dumps([[*of, of_all[of]] for of in of_all]))
            if not self._encoded:
                _drop_oldest(self._entry.parent)
            self._encoded = of_all


def _drop_oldest(folder: Path) -> None:
    """Delete the prices of installations that were not used for the longest. Raises OSError."""
    used = sorted(folder.glob(f"*{PRICES}"), key=lambda entry: -entry.stat().st_mtime)
    for entry in used[_MAX_ENTRIES:]:
        entry.unlink(missing_ok=True)


def user_prices() -> PriceCache | None:
    """Return the user's prices by the installed genai-prices; None without, or with no cache."""
    if is_off():
        return None
    identity = _identity()
    return None if identity is None else _opened(cache_folder() / (identity + PRICES))


@cache
def _opened(entry: Path) -> PriceCache:
    return PriceCache(entry)


@cache
def _identity() -> str | None:
    """Return a digest of the files that decide on prices: genai-prices' and these."""
    spec = find_spec("genai_prices")
    if spec is None or spec.origin is None:
        return None
    package, ours = Path(spec.origin), Path(__file__)
    files = [package, *sorted(package.parent.glob("*.py")), *sorted(ours.parent.glob("price*.py"))]
    try:
        # With the ctime: versions may have the same size and mtime.
        found = [(str(file), *strict_identity(file.stat())) for file in files]
    except OSError:
        return None
    return sha256(repr(found).encode()).hex()


def _encoded(prices: tuple[Price, ...]) -> list[Any]:
    return [
        [
            *(rates.input, rates.output, rates.cached, rates.cache_write, rates.reasoning),
            rates.per_call_usd,
            price.since and price.since.isoformat(),
            price.hours and [at.isoformat() for at in price.hours],
            price.over_tokens,
        ]
        for price in prices
        for rates in (price.rates,)
    ]


def _decoded(encoded: list[Any]) -> tuple[Price, ...]:
    return tuple(
        Price(
            Rates(*rates),
            since and date.fromisoformat(since),
            hours and Hours(*map(time.fromisoformat, hours)),
            over_tokens,
        )
        for *rates, since, hours, over_tokens in encoded
    )
