"""A record is one line of JSON, valid for every reader, for any input."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx2
import openai
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.capture.conftest import QUESTION, client_of, completion
from tests.searches import examples

from llmlog import testing
from llmlog._sdk.headers import duration_ms
from llmlog.record import EVENTS, FIELDS, checked, timestamp, to_line

ORDER = [field.name for field in FIELDS]
IDS: dict[str, object] = {"session_id": "s", "trace_id": "t", "step": 0}

# Any code point including lone surrogates, which json.loads accepts.
any_text = st.text(st.characters(), max_size=40)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40).map(
    str.strip
)

thorough = settings(
    max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(line: bytes) -> dict[str, Any]:
    """Check that `line` is strict JSON, printable, in order and complete; return its record."""
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in line.decode()[:-1])
    record: dict[str, Any] = json.loads(line)
    assert orjson.loads(line).keys() == record.keys()
    assert list(record) == [name for name in ORDER if name in record]
    core = {field.name for field in FIELDS if field.section == "core"}
    assert core <= record.keys()
    return record


@thorough
@given(event=st.sampled_from(EVENTS), fields=st.dictionaries(st.sampled_from(ORDER), anything))
def test_any_values_make_one_valid_line(event: str, fields: dict[str, object]) -> None:
    check(to_line(checked({**fields, "event": event, **IDS})))


of_type: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "str": any_text,
    "time": any_text,
    "strings": st.lists(any_text, max_size=3),
    "json": anything.filter(lambda value: value is not None),
}
typed = st.fixed_dictionaries(
    {}, optional={field.name: of_type[field.type] for field in FIELDS if field.name != "v"}
)


@thorough
@given(event=st.sampled_from(EVENTS), fields=typed)
def test_values_of_a_fields_type_are_read_back_from_its_line(
    event: str, fields: dict[str, Any]
) -> None:
    record = check(to_line({**fields, "event": event, **IDS}))
    for field in FIELDS:
        if field.type in {"int", "bool"} and field.name in fields.keys() - IDS.keys():
            assert record[field.name] == fields[field.name]


@pytest.mark.parametrize(("speed", "text"), [(100 / 3, b"33.33"), (125.0, b"125.00")])
def test_a_rate_has_two_decimals(speed: float, text: bytes) -> None:
    line = to_line({**IDS, "event": "chat_completion", "tokens_per_sec": speed})
    assert b'"tokens_per_sec": ' + text + b", " in line


@thorough
@given(content=anything, tags=st.dictionaries(any_text, anything, max_size=3))
@pytest.mark.parametrize("policy", ["full", "redacted"])
def test_any_content_and_any_tags_make_one_valid_line(
    policy: Any,  # noqa: ANN401
    content: object,
    tags: dict[str, object],
) -> None:
    memory = testing.Memory()
    trace = testing.session(memory, content=policy, tags=tags).trace()
    with trace.tool("look", content) as run:
        run.result = content
    check(memory.lines[0])


@thorough
@given(
    values=st.lists(header_text, min_size=8, max_size=8),
    body=st.dictionaries(st.sampled_from(["id", "model", "usage", "choices"]), anything),
)
def test_any_headers_and_any_body_make_one_valid_line(
    values: list[str], body: dict[str, Any]
) -> None:
    names = ["x-request-id", "openai-processing-ms"] + [
        f"x-ratelimit-{what}-{of}"
        for what in ("limit", "remaining", "reset")
        for of in ("requests", "tokens")
    ]
    headers = [(n.encode(), v.encode("latin-1")) for n, v in zip(names, values, strict=True)]
    sent = to_line(checked({"event": "span", **IDS, "extra": completion(**body)}))
    content = json.dumps(json.loads(sent)["extra"]).encode()
    response = httpx2.Response(
        200, headers=[*headers, (b"content-type", b"application/json")], content=content
    )
    memory = testing.Memory()
    client = testing.session(memory).wrap(client_of(response))
    with contextlib.suppress(Exception):  # the SDK's own, for bodies that make no sense
        client.chat.completions.create(model="m", messages=QUESTION)
    check(memory.lines[0])


@thorough
@given(text=any_text)
def test_any_exception_text_makes_one_valid_line(text: str) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise openai.OpenAIError(text)

    memory = testing.Memory()
    client = testing.session(memory, content="full").wrap(client_of(fail))
    with pytest.raises(openai.OpenAIError):
        client.chat.completions.create(model="m", messages=QUESTION)
    assert check(memory.lines[0])["error_type"] == "OpenAIError"


@given(text=st.text(max_size=100))
def test_any_duration_text_is_a_number_or_unknown(text: str) -> None:
    found = duration_ms(text)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("6m0s", 360_000),
        ("17ms", 17),
        ("1s", 1_000),
        ("1h2m3.5s", 3_723_500),
        ("2d", 172_800_000),
        ("0", 0),
        ("7.66", 7_660),
        ("500us", 0),
        ("soon", None),
        ("6m0", None),
        ("-5s", None),
        ("", None),
        ("9" * 100, None),
    ],
)
def test_durations_of_rate_limit_headers(text: str, ms: int | None) -> None:
    assert duration_ms(text) == ms


@pytest.mark.parametrize("missing", ["event", "session_id", "trace_id", "step"])
def test_a_record_that_cannot_be_joined_is_refused(missing: str) -> None:
    fields: dict[str, object] = {"event": "span", **IDS}
    del fields[missing]
    with pytest.raises(ValueError, match=missing):
        checked(fields)


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(ValueError, match="no such field: colour"):
        checked({"event": "span", **IDS, "colour": "red"})


def test_unknown_fields_are_null_in_the_core_and_left_out_elsewhere() -> None:
    record = json.loads(to_line(checked({"event": "tool_call", **IDS, "tool_name": "look"})))
    assert record["latency_ms"] is None
    assert record["tool_call_id"] is None
    assert not record.keys() & {"model", "error_type", "input", "ratelimit_limit_requests"}


def test_times_are_rfc_3339_in_utc_with_microseconds() -> None:
    assert timestamp(1_795_435_143_123_456_789) == "2026-11-23T11:59:03.123456Z"
    assert timestamp(0) == "1970-01-01T00:00:00.000000Z"


def test_huge_integers_and_numbers_that_are_none_are_made_safe() -> None:
    extra = {"big": 2**70, "nan": float("nan"), "inf": float("inf")}
    record = json.loads(to_line(checked({"event": "span", **IDS, "extra": extra})))
    assert record["extra"] == {"big": str(2**70), "nan": None, "inf": None}
