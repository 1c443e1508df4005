"""Costs of calls are those that genai-prices computes, for the models of every provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.analysis.calls.cost import priced
from llmlog_tui.analysis.calls.price_list import look_up

genai_prices = pytest.importorskip("genai_prices")
data = pytest.importorskip("genai_prices.data")

_AT_ONCE: Final = 40
"""Models per frame: the choice among all prices is one expression."""
_TOKENS: Final = (0, 1, 999, 127_999, 128_001, 199_999, 200_001, 272_001, 1_000_000)


@cache
def models(*, with_cache_writes: bool) -> list[tuple[str, str]]:
    """Return (provider, model) of the models that have a price for cache writes, or none."""
    return [
        (provider.id, model.id)
        for provider in data.providers
        for model in provider.models
        if (prices := look_up(provider.id, model.id))
        if any(price.rates.cache_write is not None for price in prices) is with_cache_writes
    ]


def call(of: tuple[str, str], tokens: tuple[int, int, int, int]) -> dict[str, Any]:
    """Return a record; `tokens` are uncached, cached, cache-written and completion tokens."""
    plain, cached, written, completion = tokens
    return {
        "provider": of[0],
        "model": of[1],
        "event": "chat_completion",
        "requested_model": None,
        "ts": datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
        "prompt_tokens": plain + cached + written,
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "completion_tokens": completion,
        "reasoning_tokens": None,
    }


def assert_costs(records: Sequence[dict[str, Any]]) -> None:
    """Assert that each record costs what genai-prices computes."""
    costs = priced(pl.DataFrame(records, infer_schema_length=None))["cost_usd"]
    for record, usd in zip(records, costs, strict=True):
        usage = genai_prices.Usage(
            input_tokens=record["prompt_tokens"],
            cache_read_tokens=record["cached_tokens"],
            cache_write_tokens=record["cache_write_tokens"],
            output_tokens=record["completion_tokens"],
        )
        expected = genai_prices.calc_price(
            usage,
            record["model"],
            provider_id=record["provider"],
            genai_request_timestamp=record["ts"],
        )
        assert usd == pytest.approx(float(expected.total_price), rel=1e-9, abs=1e-12), record


def test_every_model_with_a_price_for_cache_writes_costs_what_its_list_says() -> None:
    known = models(with_cache_writes=True)
    assert len(known) > 200
    for begin in range(0, len(known), _AT_ONCE):
        of = known[begin : begin + _AT_ONCE]
        assert_costs([call(each, (100, 2_000, 10_000, 50)) for each in of])
        assert_costs([call(each, (1_000, 2_000, 400_000, 50)) for each in of])


COUNTS = st.tuples(*[st.sampled_from(_TOKENS) | st.integers(0, 10**7)] * 4)


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_whatever_the_tokens_a_call_costs_what_the_list_says(drawing: st.DataObject) -> None:
    of = st.booleans().flatmap(lambda has: st.sampled_from(models(with_cache_writes=has)))
    drawn = drawing.draw(st.lists(st.tuples(of, COUNTS), min_size=1, max_size=8))
    assert_costs([call(*each) for each in drawn])
