"""Values of other tools in the record's terms."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui.formats import vocabulary
from llmlog_tui.formats.providers import model_host, provider_host, served_by, url_host
from llmlog_tui.formats.times import nanoseconds
from llmlog_tui.formats.vocabulary import (
    boolean,
    decoded,
    error_class,
    error_message,
    error_status,
    finish_reason,
    integer,
    number,
    prompt_tokens,
    texts,
    usage,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4100", 4100), (4100, 4100), (41.6, 42), ("41.6", 42), ("", None), ("many", None),
        (True, None), (None, None), (math.nan, None), (2**63, None), (2**63 - 1, 2**63 - 1),
        ("1795924280132527647", 1795924280132527647), ([], None),
    ],
)  # fmt: skip
def test_a_count_may_be_text(value: object, expected: int | None) -> None:
    assert integer(value) == expected


@pytest.mark.parametrize(("value", "expected"), [("0.5", 0.5), ("inf", None), (1e300, None)])
def test_a_number_is_finite_and_of_a_sane_size(value: object, expected: float | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("True", True), ("false", False), (True, True), (1, None)]
)
def test_a_truth_may_be_text(value: object, expected: bool | None) -> None:  # noqa: FBT001
    assert boolean(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [('{"a": 1}', {"a": 1}), ('"[1]"', [1]), ("{torn", "{torn"), ("plain", "plain"), (7, 7)],
)
def test_json_in_text_is_decoded_even_twice(value: object, expected: object) -> None:
    assert decoded(value) == expected


@pytest.mark.parametrize(("value", "expected"), [('["a", ""]', ["a"]), ("a", ["a"]), (7, None)])
def test_a_list_may_be_text_or_one_value(value: object, expected: object) -> None:
    assert texts(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T09:00:00Z", "2026-11-23T10:00:00.000000000+01:00", "2026-11-23 09:00:00",
        1_795_424_400, 1_795_424_400.0, "1795424400000", 1_795_424_400_000_000,
        "1795424400000000000", '"2026-11-23T09:00:00Z"',
    ],
)  # fmt: skip
def test_a_moment_is_text_or_an_epoch_of_any_unit(value: object) -> None:
    assert nanoseconds(value) == 1_795_424_400 * 10**9


@pytest.mark.parametrize("value", ["soon", "", 0, -5, None, "9999-99-99T00:00:00Z", 10**30])
def test_what_is_no_moment_is_unknown(value: object) -> None:
    assert nanoseconds(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("end_turn", "stop"), ("STOP", "stop"), ("tool_use", "tool_calls"),
        ("tool-calls", "tool_calls"), ("MAX_TOKENS", "length"), ("incomplete", "length"),
        ("refusal", "content_filter"), ("SAFETY", "content_filter"), ("OTHER", "OTHER"),
        (["stop", "length"], "stop"), ('["tool_call"]', "tool_calls"), ('"stop"', "stop"),
        ([], None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_a_finish_reason_is_in_openais_words(value: object, expected: str | None) -> None:
    assert finish_reason(value) == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((100, 64, None), 100),
        ((10, 64, None), 74),
        ((10, 64, 6), 80),
        ((10, 0, 60), 70),
        ((70, 64, 6), 70),
        ((50, 40, 30), 120),
    ],
)
def test_fewer_prompt_tokens_than_cached_ones_were_counted_apart(
    counts: tuple[int, int, int | None], expected: int
) -> None:
    assert prompt_tokens(*counts) == expected


OPENAI = {
    "prompt_tokens": 120, "completion_tokens": 34, "total_tokens": 154,
    "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": None,
}  # fmt: skip
RESPONSES = {
    "input_tokens": 120, "output_tokens": 34, "input_tokens_details": {"cached_tokens": 64},
    "output_tokens_details": {"reasoning_tokens": 12},
}  # fmt: skip
ANTHROPIC = {
    "input_tokens": 50, "output_tokens": 34, "cache_read_input_tokens": 64,
    "cache_creation_input_tokens": 6,
}  # fmt: skip
LANGFUSE = {
    "input": 56, "input_cached_tokens": 64, "output": 22, "output_reasoning_tokens": 12,
    "total": 154,
}  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (OPENAI, {"total_tokens": 154}),
        (RESPONSES, {"reasoning_tokens": 12}),
        (ANTHROPIC, {"cache_write_tokens": 6}),
        (LANGFUSE, {"total_tokens": 154, "reasoning_tokens": 12}),
    ],
    ids=["OpenAI", "Responses", "Anthropic", "Langfuse"],
)
def test_usage_of_any_shape_means_the_same(shape: Any, expected: Any) -> None:  # noqa: ANN401
    both = {"prompt_tokens": 120, "completion_tokens": 34, "cached_tokens": 64}
    assert usage(shape) == both | expected


@pytest.mark.parametrize("value", [None, 7, [], "{", {"input_tokens": "many"}])
def test_what_is_no_usage_says_nothing(value: object) -> None:
    assert usage(value) == {}


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("openai", "api.openai.com"), ("OpenAI", "api.openai.com"),
        ("openai.responses", "api.openai.com"), ("gcp.gemini", "generativelanguage.googleapis.com"),
        ("aws.bedrock", "aws.bedrock"), ("azure.ai.openai", "azure.ai.openai"),
        ("strands-agents", None), ("", None),
    ],
)  # fmt: skip
def test_a_provider_is_a_host_if_it_has_one(name: str, host: str | None) -> None:
    assert provider_host(name) == host


@pytest.mark.parametrize(
    ("address", "name", "provider"),
    [
        ("api.groq.com", "openai", "api.groq.com"), ("127.0.0.1", "openai", "api.openai.com"),
        ("gateway.corp.example", "openai", "api.openai.com"),
        ("http://litellm:4000/v1", "openai", "api.openai.com"), ("127.0.0.1", None, "127.0.0.1"),
        (None, "openai", "api.openai.com"), (None, None, None), ("http://[", None, None),
    ],
)  # fmt: skip
def test_the_address_wins_unless_it_is_a_proxys(
    address: str | None, name: str | None, provider: str | None
) -> None:
    assert served_by(address, name) == provider


def test_a_model_tells_its_provider_only_where_one_serves_it() -> None:
    assert model_host("claude-opus-5") == "api.anthropic.com"
    assert model_host("llama-4") is None


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (("429",), 429), ((None, "Error code: 429 - slow down"), 429),
        (("status_code: 503, x",), 503),
        (("undefined",), None), ((200_000,), None), (("rate_limit_exceeded", 400), 400),
    ],
)  # fmt: skip
def test_a_status_is_a_number_or_part_of_a_message(
    values: tuple[object, ...], status: int | None
) -> None:
    assert error_status(*values) == status


def test_an_error_class_has_no_modules_and_a_message_one_line() -> None:
    assert error_class("openai.RateLimitError") == "RateLimitError"
    assert error_message("\nno\nTraceback") == "no"
    assert len(error_message("x" * 9_000) or "") == vocabulary.MAX_ERROR_CHARACTERS


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(anything)
def test_no_value_is_too_odd(value: object) -> None:
    for read in (
        boolean, decoded, error_class, error_message, error_status, finish_reason, integer,
        model_host, nanoseconds, number, provider_host, texts, usage, url_host,
    ):  # fmt: skip
        read(value)
    served_by(value, value)
