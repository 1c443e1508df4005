"""Request ids and rate limits under every server's header names."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest
from tests.capture.conftest import ask, client_of, completion

from llmlog import Session, testing


def record_of(headers: dict[str, str]) -> dict[str, Any]:
    memory = testing.Memory()
    response = httpx2.Response(200, json=completion(), headers=headers)
    ask(testing.session(memory).wrap(client_of(response)))
    (record,) = memory.records()
    return record


@pytest.mark.parametrize(
    "name",
    [
        "x-request-id",
        "X-Request-ID",
        "request-id",
        "x-amzn-requestid",
        "x-amz-request-id",
        "apim-request-id",
        "x-ms-request-id",
        "mistral-correlation-id",
        "x-correlation-id",
        "nvcf-reqid",
        "x-ds-trace-id",
        "x-litellm-call-id",
        "x-new-server-request-id",
    ],
)
def test_a_request_id_is_found_under_any_name(name: str) -> None:
    assert record_of({name: "R1"})["request_id"] == "R1"


def test_of_several_request_ids_the_servers_own_counts() -> None:
    headers = {"x-litellm-call-id": "gateway", "apim-request-id": "azure", "x-request-id": "R1"}
    assert record_of(headers)["request_id"] == "R1"


LIMITS: list[tuple[str, dict[str, str], dict[str, int]]] = [
    (
        "OpenAI",
        {"x-ratelimit-limit-requests": "60", "x-ratelimit-reset-tokens": "6m0s"},
        {"ratelimit_limit_requests": 60, "ratelimit_reset_tokens_ms": 360_000},
    ),
    (
        "Anthropic",
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:30Z",
            "anthropic-ratelimit-output-tokens-remaining": "8000",
            "anthropic-ratelimit-input-tokens-remaining": "30000",
            "anthropic-ratelimit-tokens-remaining": "38000",
        },
        {
            "ratelimit_limit_requests": 50,
            "ratelimit_remaining_requests": 49,
            "ratelimit_reset_requests_ms": 30_000,
            "ratelimit_remaining_tokens": 38_000,
        },
    ),
    (
        "Anthropic, of some tokens",
        {"anthropic-ratelimit-input-tokens-remaining": "30000"},
        {"ratelimit_remaining_tokens": 30_000},
    ),
    (
        "OpenRouter",
        {
            "X-RateLimit-Limit": "20",
            "X-RateLimit-Remaining": "3",
            "X-RateLimit-Reset": "1767225630000",
        },
        {
            "ratelimit_limit_requests": 20,
            "ratelimit_remaining_requests": 3,
            "ratelimit_reset_requests_ms": 30_000,
        },
    ),
    (
        "seconds since 1970",
        {"x-ratelimit-reset": "1767225630"},
        {"ratelimit_reset_requests_ms": 30_000},
    ),
    (
        "a time that has passed",
        {"x-ratelimit-reset": "1700000000"},
        {"ratelimit_reset_requests_ms": 0},
    ),
    (
        "Mistral",
        {
            "x-ratelimit-limit-req-minute": "60",
            "x-ratelimit-remaining-tokens-minute": "499",
            "x-ratelimit-remaining-tokens-month": "9999",
            "x-ratelimit-tokens-query-cost": "1",
        },
        {"ratelimit_limit_requests": 60, "ratelimit_remaining_tokens": 499},
    ),
    (
        "Cerebras",
        {
            "x-ratelimit-remaining-requests-day": "14399",
            "x-ratelimit-reset-tokens-minute": "5.5",
            "x-ratelimit-remaining-tokens-minute": "59",
        },
        {
            "ratelimit_remaining_requests": 14_399,
            "ratelimit_reset_tokens_ms": 5_500,
            "ratelimit_remaining_tokens": 59,
        },
    ),
    (
        "the standard's",
        {"RateLimit-Limit": "7", "RateLimit-Remaining": "6"},
        {"ratelimit_limit_requests": 7, "ratelimit_remaining_requests": 6},
    ),
    ("Together", {"x-tokenlimit-remaining": "80"}, {"ratelimit_remaining_tokens": 80}),
    (
        "a gateway's, before those of the server behind it",
        {
            "llm_provider-x-ratelimit-remaining-requests": "1",
            "x-ratelimit-remaining-requests": "2",
        },
        {"ratelimit_remaining_requests": 2},
    ),
    (
        "the server's behind a gateway",
        {"llm_provider-x-ratelimit-remaining-requests": "1"},
        {"ratelimit_remaining_requests": 1},
    ),
]


@pytest.mark.parametrize(
    ("headers", "fields"), [case[1:] for case in LIMITS], ids=[c[0] for c in LIMITS]
)
def test_rate_limits_are_read_under_any_name(
    headers: dict[str, str], fields: dict[str, int]
) -> None:
    record = record_of(headers)
    limits = {name: value for name, value in record.items() if name.startswith("ratelimit_")}
    assert limits == fields


@pytest.mark.parametrize(
    ("headers", "ms"),
    [
        ({"retry-after": "7"}, 7_000),
        ({"retry-after-ms": "250", "retry-after": "1"}, 250),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:20 GMT"}, 20_000),
        ({"retry-after": "7", "x-ratelimit-reset-requests": "9s"}, 9_000),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 99 Jan 2026 00:00:20 GMT"}, None),
    ],
)
def test_how_long_to_wait_is_known_of_a_refused_call(
    session: Session, memory: testing.Memory, headers: dict[str, str], ms: int | None
) -> None:
    refused = httpx2.Response(429, json={"error": {"code": 429}}, headers=headers)
    with pytest.raises(openai.RateLimitError):
        ask(session.wrap(client_of(refused)))
    (record,) = memory.records()
    assert (record["error_status"], record["error_code"]) == (429, "429")
    assert record.get("ratelimit_reset_requests_ms") == ms
