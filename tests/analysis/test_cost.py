"""What calls cost, checked against sums worked out by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date, time
from typing import Any

import polars as pl
import pytest
from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.calls.cost import Cost, PriceSteps, cost, price_steps, priced
from llmlog_tui.analysis.calls.price_list import listed
from llmlog_tui.analysis.calls.prices import Hours, Price, Prices, Rates
from llmlog_tui.analysis.reports.stats import stats
from llmlog_tui.config import rules as rules_
from llmlog_tui.config.rules import Rules

HOST = "api.openai.com"
# USD per million tokens: $2 in, $0.50 cached, $10 out
RATES = Rates(input=2.0, output=10.0, cached=0.5)
CALL: dict[str, Any] = {
    "ts": "2026-11-23T09:00:00Z",
    "provider": HOST,
    "model": "m",
    "prompt_tokens": 1_000,
    "completion_tokens": 100,
}


def nothing(_provider: str, _model: str) -> tuple[Price, ...]:
    return ()


def costs(log: Log, records: Iterable[Record], *offers: Price) -> list[float | None]:
    """cost_usd of each record, with these prices for model m."""
    found = priced(
        log(records).frame,
        lookup=lambda provider, model: offers if (provider, model) == (HOST, "m") else (),
    )
    return found["cost_usd"].to_list()


def cost_of(log: Log, *offers: Price, **changes: object) -> float | None:
    return costs(log, [{**CALL, **changes}], *offers)[0]


def test_input_and_output_cost_what_they_say(log: Log) -> None:
    # 1,000 * $2 + 100 * $10, per million: $0.003
    assert cost_of(log, Price(RATES)) == pytest.approx(0.003)


def test_cached_tokens_are_a_part_of_the_input(log: Log) -> None:
    # 400 * $2 + 600 * $0.50 + 100 * $10 = 2,100 per million
    assert cost_of(log, Price(RATES), cached_tokens=600) == pytest.approx(0.0021)


def test_more_cached_tokens_than_input_cost_no_more_than_the_input(log: Log) -> None:
    # all 1,000 * $0.50 + 100 * $10
    assert cost_of(log, Price(RATES), cached_tokens=5_000) == pytest.approx(0.0015)


def test_without_a_rate_for_it_cached_input_costs_as_any(log: Log) -> None:
    assert cost_of(log, Price(Rates(2.0, 10.0)), cached_tokens=600) == pytest.approx(0.003)


def test_cache_written_tokens_are_a_part_of_the_input(log: Log) -> None:
    dear = Price(Rates(2.0, 10.0, cached=0.5, cache_write=2.5))
    # 100 * $2 + 600 * $0.50 + 300 * $2.50 + 100 * $10 = 2,250 per million
    found = cost_of(log, dear, cached_tokens=600, cache_write_tokens=300)
    assert found == pytest.approx(0.00225)


def test_cached_and_written_tokens_are_no_more_than_the_input(log: Log) -> None:
    dear = Price(Rates(2.0, 10.0, cached=0.5, cache_write=2.5))
    # 600 * $0.50 + 400 * $2.50 + 100 * $10 = 2,300 per million
    found = cost_of(log, dear, cached_tokens=600, cache_write_tokens=5_000)
    assert found == pytest.approx(0.0023)


def test_without_a_rate_for_it_cache_written_input_costs_as_any(log: Log) -> None:
    assert cost_of(log, Price(RATES), cache_write_tokens=600) == pytest.approx(0.003)


def test_savings_by_caching_are_less_the_surcharge_of_what_was_written(log: Log) -> None:
    dear = {"m": Rates(2.0, 10.0, cached=0.5, cache_write=2.5)}
    tokens = [(600, 300), (100, 900), (0, 0), (None, 400)]
    records = [
        {**CALL, "cached_tokens": cached, "cache_write_tokens": written}
        for cached, written in tokens
    ]
    # 600 * $1.50 - 300 * $0.50; 100 * $1.50 - 900 * $0.50; 0; -400 * $0.50, per million
    found = priced(log(records).frame, dear, nothing)["saved_usd"].to_list()
    assert found == pytest.approx([0.00075, -0.0003, 0, -0.0002])


def test_reasoning_is_a_part_of_the_output(log: Log) -> None:
    assert cost_of(log, Price(RATES), reasoning_tokens=80) == pytest.approx(0.003)
    # 1,000 * $2 + 20 * $10 + 80 * $5 = 2,600 per million
    dear = Price(Rates(2.0, 10.0, reasoning=5.0))
    assert cost_of(log, dear, reasoning_tokens=80) == pytest.approx(0.0026)


def test_a_price_per_call_comes_on_top(log: Log) -> None:
    assert cost_of(log, Price(Rates(2.0, 10.0, per_call_usd=0.01))) == pytest.approx(0.013)


@pytest.mark.parametrize("unknown", ["provider", "model", "prompt_tokens", "completion_tokens"])
def test_what_is_unknown_has_no_cost(log: Log, unknown: str) -> None:
    assert cost_of(log, Price(RATES), **{unknown: None}) is None


def test_no_tokens_cost_nothing_which_is_known(log: Log) -> None:
    assert cost_of(log, Price(RATES), prompt_tokens=0, completion_tokens=0) == 0


def test_an_embedding_needs_no_output(log: Log) -> None:
    found = cost_of(log, Price(RATES), event="embedding", completion_tokens=None)
    assert found == pytest.approx(0.002)


def test_only_model_calls_have_a_cost(log: Log) -> None:
    assert cost_of(log, Price(RATES), event="tool_call") is None


def test_a_model_that_answered_under_an_unknown_name_costs_as_the_one_asked_for(log: Log) -> None:
    found = cost_of(log, Price(RATES), model="m-2026-08-07", requested_model="m")
    assert found == pytest.approx(0.003)


def test_prices_hold_from_their_day_on(log: Log) -> None:
    days = ["2026-10-31T23:59:59.999999Z", "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"]
    offers = (
        Price(Rates(1.0, 0.0)),
        Price(Rates(2.0, 0.0), since=date(2026, 11, 1)),
        Price(Rates(3.0, 0.0), since=date(2027, 1, 1)),
    )
    found = costs(log, [{**CALL, "ts": day} for day in days], *offers)
    assert found == pytest.approx([0.001, 0.002, 0.003])


def test_without_a_time_only_a_price_that_never_changed_is_known(log: Log) -> None:
    later = Price(Rates(2.0, 0.0), since=date(2026, 11, 1))
    assert cost_of(log, Price(RATES), later, ts=None) is None
    assert cost_of(log, Price(RATES), ts=None) == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("hours", "cheap"),
    [(Hours(time(9), time(17)), [0, 1, 1, 0, 0]), (Hours(time(17), time(9)), [1, 0, 0, 1, 1])],
)
def test_prices_may_hold_for_some_hours_of_the_day(
    log: Log, hours: Hours, cheap: list[int]
) -> None:
    times = ["08:59:59", "09:00:00", "16:59:59", "17:00:00", "23:00:00"]
    records = [{**CALL, "ts": f"2026-11-23T{at}Z"} for at in times]
    found = costs(log, records, Price(Rates(2.0, 0.0)), Price(Rates(1.0, 0.0), hours=hours))
    assert found == pytest.approx([0.001 if is_cheap else 0.002 for is_cheap in cheap])


def test_over_a_tier_all_tokens_cost_more(log: Log) -> None:
    offers = (Price(Rates(1.0, 0.0)), Price(Rates(2.0, 0.0), over_tokens=200_000))
    records = [{**CALL, "prompt_tokens": tokens} for tokens in (200_000, 200_001)]
    # 200,000 * $1; 200,001 * $2
    assert costs(log, records, *offers) == pytest.approx([0.2, 0.400002])


def test_an_override_counts_before_any_list_and_without_a_provider(log: Log) -> None:
    found = priced(log([{**CALL, "provider": None}]).frame, {"m": Rates(1.0, 0.0)}, nothing)
    assert found["cost_usd"].to_list() == pytest.approx([0.001])


def test_rows_keep_their_order_and_each_its_own_price(log: Log) -> None:
    models = ["a", "b", None, "a", "c", "b"]
    records = [{**CALL, "model": model} for model in models]
    found = priced(log(records).frame, {"a": Rates(1.0, 0.0), "b": Rates(2.0, 0.0)}, nothing)
    assert found["cost_usd"].to_list() == [0.001, 0.002, None, 0.001, None, 0.002]


SPENT: list[Record] = [
    {**CALL, "session_id": "s", "cached_tokens": 600},
    {**CALL, "session_id": "s", "model": "unheard-of"},
    {**CALL, "session_id": "s", "event": "tool_call"},
    {**CALL, "session_id": "t"},
    {**CALL, "session_id": "u", "model": None},
]


def spent(log: Log, records: Iterable[Record] = SPENT) -> pl.DataFrame:
    return priced(log(records).frame, {"m": RATES}, nothing)


def test_costs_are_summed_and_what_has_no_price_is_counted(log: Log) -> None:
    found = cost(spent(log))
    # 0.0021 + 0.003; 600 cached tokens saved $1.50 a million each
    assert [found.usd, found.saved_usd] == pytest.approx([0.0051, 0.0009])
    assert found.unpriced_calls == 2


def test_without_any_price_the_sum_is_unknown_and_not_zero(log: Log) -> None:
    assert cost(spent(log, SPENT[1:3])) == Cost(None, None, 1)
    assert cost(spent(log, [])) == Cost(None, None, 0)


def test_costs_stand_by_session(log: Log) -> None:
    rules = Rules(prices={"m": rules_.PriceOverride(input=2.0, output=10.0, cached=0.5)})
    groups = stats(log(SPENT).frame, over_ms=500, by="session", rules=rules).groups
    assert groups.select("key", "calls", "cost_usd", "saved_usd", "unpriced_calls").rows() == [
        ("s", 2, pytest.approx(0.0021), pytest.approx(0.0009), 1),
        ("t", 1, pytest.approx(0.003), 0.0, 0),
        ("u", 1, None, None, 1),
    ]


def test_the_list_knows_hosts_and_names_of_providers() -> None:
    known = Rates(input=0.25, output=2.0, cached=0.025)
    assert [price.rates for price in listed(HOST, "gpt-5-mini")] == [known]
    assert listed("openai", "gpt-5-mini") == listed(HOST, "gpt-5-mini")


@pytest.mark.parametrize(
    ("provider", "model"),
    [("localhost:8000", "gpt-5"), (HOST, "unheard-of"), ("", ""), (HOST, "whisper-1")],
)
def test_what_the_list_does_not_know_or_not_by_tokens_has_no_price(
    provider: str, model: str
) -> None:
    assert listed(provider, model) == ()


def test_hours_and_tiers_come_from_the_list() -> None:
    hours = [price.hours for price in listed("api.deepseek.com", "deepseek-chat")]
    assert any(hours)
    tiers = listed("api.anthropic.com", "claude-sonnet-4-5")
    assert [price.over_tokens for price in tiers][:2] == [None, 200_000]
    assert tiers[0].rates.input < tiers[1].rates.input


@pytest.mark.parametrize(
    ("host", "model", "tokens", "at"),
    [
        ("api.deepseek.com", "deepseek-chat", 900, "2025-05-01T03:00:00Z"),
        ("api.deepseek.com", "deepseek-chat", 900, "2025-05-01T17:00:00Z"),
        ("api.anthropic.com", "claude-sonnet-4-5", 200_001, "2025-11-01T03:00:00Z"),
        ("api.openai.com", "o3", 900, "2025-06-01T00:00:00Z"),
        ("api.openai.com", "o3", 900, "2025-07-01T00:00:00Z"),
    ],
)
def test_costs_are_those_that_genai_prices_works_out_itself(
    log: Log, host: str, model: str, tokens: int, at: str
) -> None:
    genai_prices = pytest.importorskip("genai_prices")
    call = {"prompt_tokens": tokens, "cached_tokens": 300, "completion_tokens": 70}
    record = {**call, "provider": host, "model": model, "ts": at}
    frame = log([record]).frame
    usage = genai_prices.Usage(input_tokens=tokens, cache_read_tokens=300, output_tokens=70)
    expected = genai_prices.calc_price(
        usage,
        model,
        provider_api_url=f"https://{host}",
        genai_request_timestamp=frame["ts"][0],
    )
    found = priced(frame)["cost_usd"].to_list()
    assert found == [pytest.approx(float(expected.total_price), rel=1e-12)]


def test_without_the_extra_every_call_is_unpriced(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
    listed.cache_clear()
    found = cost(priced(log([{**CALL, "model": "gpt-5"}]).frame))
    listed.cache_clear()
    assert found == Cost(None, None, 1)


def test_each_model_is_looked_up_once(log: Log) -> None:
    asked = []

    def lookup(provider: str, model: str) -> tuple[Price, ...]:
        asked.append((provider, model))
        return (Price(RATES),)

    priced(log([CALL] * 50 + [{**CALL, "model": "n"}] * 50 + [{}]).frame, lookup=lookup)
    assert asked == [(HOST, "m"), (HOST, "n")]


def test_steps_of_prices_are_those_of_all_models_that_are_asked_for() -> None:
    prices = {
        "a": (Price(Rates(1, 2)), Price(Rates(2, 2), since=date(2026, 1, 1), over_tokens=200)),
        "b": (Price(Rates(1, 2)), Price(Rates(2, 2), hours=Hours(time(16, 30), time(0, 30)))),
        "c": (Price(Rates(1, 2)), Price(Rates(2, 2), over_tokens=7)),
    }

    def lookup(_: str, model: str) -> Prices:
        return prices.get(model, ())

    keys = [("p", "a", None), ("p", None, "b"), (None, "c", "c"), ("p", "unknown", None)]
    found = price_steps(keys, {}, lookup)
    assert found == PriceSteps((date(2026, 1, 1),), (time(0, 30), time(16, 30)), (200,))
