"""One usage, whatever its shape and place, and however it is spread over a stream."""

from __future__ import annotations

from typing import Any

import pytest
from tests.capture.conftest import completion
from tests.capture.dialects.conftest import (
    DONE,
    Case,
    Dialect,
    cases,
    delta,
    happened,
    matrix,
    record_of_row,
    records_of,
    response,
    sent,
)

COUNTS = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def details(place: str, **counts: int) -> dict[str, Any]:
    return {**COUNTS, place: counts}


SHAPES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("OpenAI", details("prompt_tokens_details", cached_tokens=64), {"cached_tokens": 64}),
    (
        "OpenAI's cache writes",
        details("prompt_tokens_details", cached_tokens=64, cache_write_tokens=30),
        {"prompt_tokens": 100, "cached_tokens": 64, "cache_write_tokens": 30},
    ),
    (
        "OpenAI's reasoning",
        details("completion_tokens_details", reasoning_tokens=15),
        {"completion_tokens": 20, "reasoning_tokens": 15, "total_tokens": 120},
    ),
    (
        "the Responses API's",
        {
            "input_tokens": 100,
            "output_tokens": 20,
            "total_tokens": 120,
            "input_tokens_details": {"cached_tokens": 64},
            "output_tokens_details": {"reasoning_tokens": 15},
        },
        {"prompt_tokens": 100, "cached_tokens": 64, "completion_tokens": 20},
    ),
    (
        "DeepSeek",
        {**COUNTS, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
        {"cached_tokens": 64, "prompt_tokens": 100},
    ),
    ("Moonshot", {**COUNTS, "cached_tokens": 64}, {"cached_tokens": 64}),
    (
        "both places",
        {**details("prompt_tokens_details", cached_tokens=64), "prompt_cache_hit_tokens": 64},
        {"cached_tokens": 64},
    ),
    (
        "xAI: reasoning beside the completion",
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
        },
        {"completion_tokens": 103, "reasoning_tokens": 94, "total_tokens": 135},
    ),
    (
        "reasoning beside a longer completion",
        {
            "prompt_tokens": 32,
            "completion_tokens": 109,
            "total_tokens": 235,
            "completion_tokens_details": {"reasoning_tokens": 94},
        },
        {"completion_tokens": 203, "reasoning_tokens": 94},
    ),
    (
        "Gemini: thoughts in the total alone",
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115},
        {"completion_tokens": 105, "total_tokens": 115, "reasoning_tokens": None},
    ),
    ("reasoning at the top", {**COUNTS, "reasoning_tokens": 15}, {"reasoning_tokens": 15}),
    (
        "Anthropic: input beside the cache",
        {
            "input_tokens": 6,
            "output_tokens": 20,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 30,
        },
        {
            "prompt_tokens": 100,
            "cached_tokens": 64,
            "cache_write_tokens": 30,
            "completion_tokens": 20,
            "total_tokens": 120,
        },
    ),
    (
        "Anthropic: a prompt longer than its cached part",
        {"input_tokens": 500, "output_tokens": 20, "cache_read_input_tokens": 64},
        {"prompt_tokens": 564, "cached_tokens": 64, "total_tokens": 584},
    ),
    (
        "Anthropic: writes per time to live",
        {
            "input_tokens": 70,
            "output_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        },
        {"prompt_tokens": 100, "cache_write_tokens": 30},
    ),
    (
        "a gateway to Anthropic: a prompt that includes the cache",
        {**COUNTS, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 30},
        {"prompt_tokens": 100, "cached_tokens": 64, "cache_write_tokens": 30},
    ),
    (
        "a gateway to Anthropic: a prompt beside the cache",
        {
            "prompt_tokens": 6,
            "completion_tokens": 20,
            "total_tokens": 26,
            "cache_read_input_tokens": 94,
        },
        {"prompt_tokens": 100, "cached_tokens": 94, "total_tokens": 120},
    ),
    (
        "Bedrock",
        {"inputTokens": 36, "outputTokens": 20, "totalTokens": 120, "cacheReadInputTokens": 64},
        {"prompt_tokens": 100, "cached_tokens": 64, "total_tokens": 120},
    ),
    ("negative counts", {"prompt_tokens": -1, "completion_tokens": 20}, {"prompt_tokens": None}),
    ("counts as text", {"prompt_tokens": "18", "completion_tokens": 3}, {"prompt_tokens": None}),
    ("a count that is true", {"prompt_tokens": True}, {"prompt_tokens": None}),
    ("OpenRouter's cost", {**COUNTS, "cost": 0.0125}, {"reported_cost_usd": 0.0125}),
    (
        "OpenRouter with the user's own key",
        {
            **COUNTS,
            "cost": 0.001,
            "is_byok": True,
            "cost_details": {"upstream_inference_cost": 0.02},
        },
        {"reported_cost_usd": 0.021},
    ),
    (
        "Perplexity's cost",
        {**COUNTS, "cost": {"request_cost": 0.005, "total_cost": 0.006}},
        {"reported_cost_usd": 0.006},
    ),
    ("xAI's ticks", {**COUNTS, "cost_in_usd_ticks": 37_756_000}, {"reported_cost_usd": 0.0037756}),
    ("DeepInfra's cost", {**COUNTS, "estimated_cost": 1e-05}, {"reported_cost_usd": 1e-05}),
    ("a negative cost", {**COUNTS, "cost": -1}, {"reported_cost_usd": None}),
    ("a cost that is no number", {**COUNTS, "cost": "nan"}, {"reported_cost_usd": None}),
    ("a free call", {**COUNTS, "cost": 0}, {"reported_cost_usd": 0.0}),
]

BEGUN = response(status="in_progress", output=[], usage=None)
ROWS = [
    row
    for name, usage, fields in SHAPES
    for row in (
        Dialect(f"{name}, whole", completion(usage=usage), fields),
        Dialect(
            f"{name}, streamed", [delta(content="a"), delta("stop") | {"usage": usage}], fields
        ),
        Dialect(f"{name}, response", response(usage=usage), fields, "responses"),
        Dialect(
            f"{name}, streamed response",
            [
                happened("response.created", response=BEGUN),
                happened("response.completed", response=response(usage=usage)),
            ],
            fields,
            "responses",
        ),
        Dialect(
            f"{name}, embeddings",
            {"object": "list", "data": [{"embedding": [0.5]}], "model": "m", "usage": usage},
            fields,
            "embeddings",
        ),
    )
]


WAYS_OF_ALL_SHAPES = ("plain", "stream")
"""Ways in which every shape is tried; in the others a few are enough, as all are read alike."""


def is_one_of_few(case: Case) -> bool:
    return case.row.name.startswith(("OpenAI,", "Anthropic: input", "xAI: "))


@matrix(
    [
        case if is_one_of_few(case) else case._replace(clients=("sync",))
        for case in cases(ROWS)
        if is_one_of_few(case) or case.way.name in WAYS_OF_ALL_SHAPES
    ]
)
def test_every_shape_of_usage_is_read(case: Case) -> None:
    expected = pytest.approx(case.row.fields)
    for variant, record in records_of(case).items():
        assert {name: record[name] for name in case.row.fields} == expected, variant


REAL = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}
NONE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
KNOWN = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}
TIMINGS = {"cache_n": 4, "prompt_n": 6, "predicted_n": 7, "predicted_ms": 80.5}

PLACES = [
    Dialect("Groq", [delta("stop") | {"x_groq": {"id": "r", "usage": REAL}}], KNOWN),
    Dialect(
        "Moonshot's choice",
        [sent(choices=[{"index": 0, "delta": {}, "finish_reason": "stop", "usage": REAL}])],
        KNOWN,
    ),
    Dialect("llama.cpp", [delta("stop") | {"timings": TIMINGS}], {**KNOWN, "cached_tokens": 4}),
    Dialect(
        "empty last", [delta(content="a") | {"usage": REAL}, delta("stop") | {"usage": {}}], KNOWN
    ),
    Dialect(
        "zeros last", [delta(content="a") | {"usage": REAL}, delta("stop") | {"usage": NONE}], KNOWN
    ),
    Dialect(
        "null last", [delta(content="a") | {"usage": REAL}, delta("stop") | {"usage": None}], KNOWN
    ),
    Dialect(
        "zeros first",
        [delta(content="a") | {"usage": NONE}, delta("stop") | {"usage": REAL}],
        KNOWN,
    ),
    Dialect(
        "in halves",
        [
            delta(content="a") | {"usage": {"prompt_tokens": 10}},
            delta("stop") | {"usage": {"completion_tokens": 7}},
        ],
        KNOWN,
    ),
    Dialect(
        "growing",
        [
            delta(content="a") | {"usage": {**REAL, "completion_tokens": n, "total_tokens": 10 + n}}
            for n in range(8)
        ]
        + [delta("stop")],
        KNOWN,
    ),
    Dialect(
        "in the middle of a response",
        [
            happened("response.created", response=BEGUN),
            happened("response.in_progress", response={**BEGUN, "usage": REAL}),
            happened("response.completed", response=response(usage=None)),
        ],
        KNOWN,
        "responses",
    ),
    Dialect("llama.cpp, whole", completion(usage=None, timings=TIMINGS), KNOWN),
    Dialect(
        "a choice's, whole",
        completion(
            usage=...,
            choices=[
                {"index": 0, "message": {"content": "a"}, "finish_reason": "stop", "usage": REAL}
            ],
        ),
        KNOWN,
    ),
    Dialect(
        "legacy",
        [
            {**sent(choices=[{"index": 0, "text": "a", "finish_reason": "stop"}]), "usage": REAL},
            DONE,
        ],
        KNOWN,
        "completions",
    ),
]


@matrix(cases(PLACES))
def test_usage_is_found_in_every_place_and_never_replaced_by_less(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert {name: record[name] for name in case.row.fields} == case.row.fields, variant


def test_a_gateways_cost_may_stand_in_a_header() -> None:
    row = Dialect("litellm", completion(), {}, headers={"x-litellm-response-cost": "0.0031"})
    assert record_of_row(row)["reported_cost_usd"] == 0.0031


@pytest.mark.parametrize(
    ("answer", "tier"),
    [
        (completion(service_tier="flex"), "flex"),
        (completion(usage={**COUNTS, "service_tier": "priority"}), "priority"),
        (
            [
                delta(content="a") | {"service_tier": "auto"},
                delta("stop") | {"service_tier": "flex"},
            ],
            "flex",
        ),
    ],
    ids=["top", "Anthropic", "stream"],
)
def test_the_service_tier_is_the_one_last_told(answer: object, tier: str) -> None:
    row = Dialect("tier", answer, {})
    assert record_of_row(row)["service_tier"] == tier


def test_an_embedding_has_no_speed() -> None:
    usage = {"prompt_tokens": 4, "completion_tokens": 0, "total_tokens": 4}
    answer = {"object": "list", "data": [{"embedding": [0.5]}], "usage": usage}
    row = Dialect("embedding", answer, {}, "embeddings")
    assert record_of_row(row)["tokens_per_sec"] is None
