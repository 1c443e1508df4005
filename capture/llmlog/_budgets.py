"""Usage of a set of model calls, and budgets for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from llmlog._foreign import Fields, Foreign, as_cost, as_count, as_float, as_str
from llmlog._optional import import_optional
from llmlog.record import CALL_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMITS: Final = ("calls", "tokens", "cost_usd", "p95_ms")
"""Quantities that a budget can limit."""


@dataclass(frozen=True)
class CallUsage:
    """Usage of a set of model calls.

    `without_tokens` and `without_cost` count calls that succeeded, and whose tokens or cost are
    unknown.
    """

    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    p95_ms: float | None = None
    without_tokens: int = 0
    without_cost: int = 0

    def __add__(self, other: CallUsage) -> CallUsage:
        """Return the sum; its percentile is unknown."""
        return CallUsage(
            calls=self.calls + other.calls,
            tokens=self.tokens + other.tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            without_tokens=self.without_tokens + other.without_tokens,
            without_cost=self.without_cost + other.without_cost,
        )

    def as_fields(self) -> Fields:
        """Return the quantities by name, without unknown ones."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def of_fields(cls, fields: Fields) -> CallUsage:
        """Return the usage that as_fields() was made of."""
        known: Foreign = fields
        return cls(**known)

    def excess(self, limits: Mapping[str, float], why_no_cost: str = "") -> list[str]:
        """Return a clause for each limit that is exceeded, or cannot be checked.

        `why_no_cost` is the reason for unknown costs, as of why_no_cost().
        """
        found: list[str] = []
        unknown = {"tokens": self.without_tokens, "cost_usd": self.without_cost}
        for name, limit in limits.items():
            value = getattr(self, name)
            if value is not None and value > limit:
                found.append(_exceeded(name, value, limit))
            elif unknown.get(name):
                clause = f"{name} of {unknown[name]} of {self.calls} calls is unknown"
                is_explained = name == "cost_usd" and why_no_cost
                found.append(f"{clause} ({why_no_cost})" if is_explained else clause)
        return found

    def describe(self) -> str:
        """Return one line of fixed width; `+` marks a sum that lacks calls."""
        tokens = f"{self.tokens:,}{'+' if self.without_tokens else ' '}"
        cost = f"${self.cost_usd:.4f}{'+' if self.without_cost else ' '}"
        p95 = "" if self.p95_ms is None else f"p95 {self.p95_ms:,.0f} ms"
        calls = f"{self.calls:5,} {'call ' if self.calls == 1 else 'calls'}"
        return f"{calls} {tokens:>10} tokens {cost:>10} {p95:>13}"


def _exceeded(name: str, value: float, limit: float) -> str:
    if name == "p95_ms":
        return f"p95 {_number(value)} ms, at most {_number(limit)} ms"
    return f"{_number(value)} {name}, at most {_number(limit)}"


def _number(value: float) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"


def usage_of(records: Iterable[Fields]) -> CallUsage:
    """Return the usage of the model calls among `records`."""
    calls = [record for record in records if record.get("event") in CALL_EVENTS]
    good = [record for record in calls if record.get("status") == "ok"]
    costs = [_cost_of(record) for record in good]
    return CallUsage(
        calls=len(calls),
        tokens=sum(_tokens_of(record) or 0 for record in calls),
        cost_usd=sum(cost or 0.0 for cost in costs),
        p95_ms=_percentile(0.95, calls),
        without_tokens=sum(_tokens_of(record) is None for record in good),
        without_cost=costs.count(None),
    )


def why_no_cost(records: Iterable[Fields]) -> str:
    """Return why costs of calls are unknown, such as their models; empty if none is."""
    unknown = [
        record
        for record in records
        if record.get("event") in CALL_EVENTS
        and record.get("status") == "ok"
        and _cost_of(record) is None
    ]
    if unknown and not _has_prices():
        return 'pip install "llmlog[cost]" for prices'
    return ", ".join(dict.fromkeys(map(_missing_for_cost, unknown)))


def _missing_for_cost(record: Fields) -> str:
    model = as_str(record.get("model")) or as_str(record.get("requested_model"))
    if model is None:
        return "no model"
    if as_count(record.get("prompt_tokens")) is None:
        return f"no tokens of {model}"
    provider = as_str(record.get("provider"))
    return f"no price of {model} at {provider}" if provider else f"no provider of {model}"


def _has_prices() -> bool:
    try:
        import_optional("genai_prices", "llmlog[cost]")
    except ImportError:
        return False
    return True


def _tokens_of(record: Fields) -> int | None:
    if (total := as_count(record.get("total_tokens"))) is not None:
        return total
    prompt = as_count(record.get("prompt_tokens"))
    completion = as_count(record.get("completion_tokens"))
    return None if prompt is None or completion is None else prompt + completion


def _percentile(share: float, calls: list[Fields]) -> float | None:
    """Return a percentile of the latencies in ms, interpolated as `llmlog stats` does."""
    latencies = sorted(
        latency for call in calls if (latency := as_float(call.get("latency_ms"))) is not None
    )
    if not latencies:
        return None
    position = share * (len(latencies) - 1)
    below = int(position)
    above = min(below + 1, len(latencies) - 1)
    return latencies[below] + (latencies[above] - latencies[below]) * (position - below)


def _cost_of(record: Fields) -> float | None:
    """Return a call's cost: the reported one, else by its tokens if prices are installed."""
    if (reported := as_cost(record.get("reported_cost_usd"))) is not None:
        return reported
    model = as_str(record.get("model")) or as_str(record.get("requested_model"))
    prompt = as_count(record.get("prompt_tokens"))
    provider = as_str(record.get("provider"))
    # Without a provider, the price would be that of any of the model's hosters.
    if model is None or prompt is None or provider is None:
        return None
    return _listed_cost(record, model, provider, prompt)


def _listed_cost(record: Fields, model: str, provider: str, prompt: int) -> float | None:
    try:
        genai_prices = import_optional("genai_prices", "llmlog[cost]")
    except ImportError:
        return None
    usage = genai_prices.Usage(
        input_tokens=prompt,
        output_tokens=as_count(record.get("completion_tokens")),
        cache_read_tokens=as_count(record.get("cached_tokens")),
        cache_write_tokens=as_count(record.get("cache_write_tokens")),
    )
    when = _time_of(record)
    by_host: Foreign = {"provider_api_url": f"https://{provider}/"}
    by_name: Foreign = {"provider_id": provider}
    for of in (by_host, by_name):
        try:
            price = genai_prices.calc_price(usage, model, genai_request_timestamp=when, **of)
        except (LookupError, ValueError):
            continue
        return float(price.total_price)
    return None


def _time_of(record: Fields) -> datetime | None:
    try:
        return datetime.fromisoformat(as_str(record.get("ts")) or "")
    except ValueError:
        return None
