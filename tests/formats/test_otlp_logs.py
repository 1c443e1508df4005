"""Events of coding agents as records: which are calls, when they began, what joins them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.otlp import TRACE, Json, at, attributes

from llmlog_tui.formats.otlp_logs import LOGS


def log(about: Json, seconds: float = 0, service: str = "", **fields: Any) -> Json:  # noqa: ANN401
    """An envelope of one log record, written `seconds` after nine."""
    record = {"timeUnixNano": at(seconds), "attributes": attributes(about), **fields}
    resource = {"attributes": attributes({"service.name": service})}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}


def converted(*items: Json) -> list[Json]:
    """The records of a file of these objects."""
    converter = LOGS.converter({})
    found = [each for line, item in enumerate(items) for each in converter.feed(line, item)]
    return [each.record for each in (*found, *converter.flush())]


# ---- Codex


def codex(event: str, seconds: float, trace: str = "", **about: object) -> Json:
    """An event of Codex: its numbers are text, and the time of its record is 0."""
    named = {name.replace("__", "."): value for name, value in about.items()}
    moment = f"2026-11-23T09:00:{seconds:06.3f}Z"
    common = {"event.name": f"codex.{event}", "conversation.id": "c-1", "model": "gpt-5.5-codex"}
    attributes = {**common, "event.timestamp": moment, **named}
    ids: Json = {"traceId": trace, "spanId": "a" * 16} if trace else {}
    return log(attributes, timeUnixNano="0", **ids)


def attempt(seconds: float, number: int = 0, status: int = 200, **about: Any) -> Json:  # noqa: ANN401
    said: Json = {"duration_ms": "50", "attempt": str(number), "endpoint": "/responses"}
    status_code: Json = {"http.response.status_code": str(status)}
    said |= status_code | about
    return codex("api_request", seconds, TRACE, **said)


def completed(seconds: float, **counts: Any) -> Json:  # noqa: ANN401 - JSON
    return codex("sse_event", seconds, **{"event.kind": "response.completed"}, **counts)


COUNTS: Json = {
    "input_token_count": "4100", "output_token_count": "70", "cached_token_count": "3000",
    "reasoning_token_count": "40", "tool_token_count": "4170", "cache_write_token_count": "6",
}  # fmt: skip


def test_a_call_of_codexs_begins_with_its_request_and_ends_with_its_stream() -> None:
    found = converted(
        attempt(1.05), completed(1.4), completed(1.4, **COUNTS), codex("conversation_starts", 2)
    )
    assert found == [{
        "event": "response", "session_id": "c-1", "trace_id": TRACE, "span_id": "a" * 16,
        "step": 0, "ts": "2026-11-23T09:00:01.000000Z", "latency_ms": 400, "timing": "derived",
        "status": "ok", "model": "gpt-5.5-codex", "requested_model": "gpt-5.5-codex",
        "provider": "api.openai.com", "stream": True, "retries": 0, "prompt_tokens": 4100,
        "completion_tokens": 70, "total_tokens": 4170, "cached_tokens": 3000,
        "cache_write_tokens": 6, "reasoning_tokens": 40, "tokens_per_sec": 175.0,
    }]  # fmt: skip


def test_failed_attempts_before_an_answer_are_retries() -> None:
    (found,) = converted(
        attempt(1, 0, 500), attempt(2, 1, 500), attempt(3, 2), completed(4, **COUNTS)
    )
    assert (found["retries"], found["latency_ms"], found["status"]) == (2, 3_050, "ok")


@pytest.mark.parametrize("after", [[], [codex("user_prompt", 9)]])
def test_failed_attempts_without_an_answer_are_a_failed_call(after: list[Json]) -> None:
    (found,) = converted(attempt(1, 0, 500), attempt(2, 1, 429), *after)
    assert (found["status"], found["error_status"], found["retries"]) == ("error", 429, 1)
    assert "model" not in found


def test_requests_to_other_endpoints_are_no_calls() -> None:
    assert converted(attempt(1, 0, 500, endpoint="/models")) == []


def test_tools_and_calls_of_codexs_turn_are_one_trace() -> None:
    tool = codex(
        "tool_result", 2, TRACE, tool_name="exec", call_id="call_1", duration_ms="422",
        success="false", arguments='{"cmd": "ls"}', output="hush",
    )  # fmt: skip
    call, found = converted(attempt(1), completed(1.5, **COUNTS), tool)
    assert (found["event"], found["status"], found["latency_ms"]) == ("tool_call", "error", 422)
    assert [each["trace_id"] for each in (call, found)] == [TRACE, TRACE]
    assert [each["step"] for each in (call, found)] == [0, 1]
    assert LOGS.content(tool, found) == {"input": {"cmd": "ls"}, "output": "hush"}
    assert found.keys().isdisjoint({"input", "output"})


def test_the_first_token_of_a_turn_counts_from_the_call_where_the_turn_began_earlier() -> None:
    first_token = codex("turn_ttft", 1.25, duration_ms="900")
    (found,) = converted(attempt(1.05), first_token, completed(1.4, **COUNTS))
    assert found["ttft_ms"] == 250


def test_what_two_scopes_send_counts_once() -> None:
    assert len(converted(attempt(1), *[completed(2, **COUNTS)] * 2)) == 1


# ---- Claude Code


def claude(event: str, seconds: float = 2, **about: object) -> Json:
    named = {name.replace("__", "."): value for name, value in about.items()}
    common = {"event.name": event, "session.id": "s-1", "prompt.id": "p-1"}
    return log({**common, **named}, seconds, "claude-code")


REQUEST: Json = {
    "model": "claude-opus-5", "duration_ms": "1500", "input_tokens": "50", "output_tokens": "30",
    "cache_read_tokens": "64", "cache_creation_tokens": "6", "request_id": "req_1",
}  # fmt: skip


@pytest.mark.parametrize("name", ["api_request", "claude_code.api_request"])
def test_a_request_of_claude_codes_is_a_call_that_ended_then(name: str) -> None:
    (found,) = converted(claude(name, **REQUEST))
    assert found == {
        "event": "chat_completion", "session_id": "s-1", "trace_id": "p-1", "step": 0,
        "ts": "2026-11-23T09:00:00.500000Z", "latency_ms": 1_500, "status": "ok", "stream": True,
        "model": "claude-opus-5", "requested_model": "claude-opus-5", "request_id": "req_1",
        "provider": "api.anthropic.com", "prompt_tokens": 120, "completion_tokens": 30,
        "cached_tokens": 64, "cache_write_tokens": 6, "tokens_per_sec": 20.0,
    }  # fmt: skip


def test_an_error_of_claude_codes_is_a_failed_call() -> None:
    item = claude(
        "api_error", model="claude-opus-5", error="Overloaded", status_code="529", attempt=3
    )
    (found,) = converted(item)
    assert (found["status"], found["error_status"], found["retries"]) == ("error", 529, 2)
    assert "error_message" not in found
    assert LOGS.content(item, found) == {"error_message": "Overloaded"}


def test_a_status_that_is_undefined_is_unknown() -> None:
    (found,) = converted(claude("api_error", error="aborted", status_code="undefined"))
    assert "error_status" not in found


def test_steps_of_a_prompt_are_in_the_order_of_its_sequence() -> None:
    tool = claude("tool_result", tool_name="Bash", success="true", event__sequence=1)
    call = claude("api_request", event__sequence=2, **REQUEST)
    both = [each["resourceLogs"][0] for each in (call, tool)]
    found = converted({"resourceLogs": both})
    assert [(each["event"], each["step"]) for each in found] == [
        ("tool_call", 0),
        ("chat_completion", 1),
    ]


# ---- Gemini CLI


def gemini(event: str, **about: object) -> Json:
    common = {"session.id": "s-1", "prompt_id": "p-1", "event.name": f"gemini_cli.{event}"}
    return log({**common, **about}, 2, "gemini-cli")


RESPONSE: Json = {
    "model": "gemini-3-pro", "duration_ms": 1_500, "status_code": 200, "input_token_count": 120,
    "cached_content_token_count": 64, "output_token_count": 20, "thoughts_token_count": 10,
    "total_token_count": 150,
}  # fmt: skip


def test_a_response_of_gemini_clis_counts_its_thoughts_as_completion() -> None:
    (found,) = converted(gemini("api_response", **RESPONSE))
    assert found == {
        "event": "chat_completion", "session_id": "s-1", "trace_id": "p-1", "step": 0,
        "ts": "2026-11-23T09:00:00.500000Z", "latency_ms": 1_500, "status": "ok",
        "model": "gemini-3-pro", "requested_model": "gemini-3-pro",
        "provider": "generativelanguage.googleapis.com", "prompt_tokens": 120,
        "completion_tokens": 30, "total_tokens": 150, "cached_tokens": 64, "reasoning_tokens": 10,
        "tokens_per_sec": 20.0,
    }  # fmt: skip


def test_errors_and_tools_of_gemini_clis_are_records() -> None:
    error = gemini("api_error", error_type="ApiError", status_code=503, duration_ms=10)
    tool = gemini("tool_call", function_name="read", success=False, duration_ms=5)
    found = converted(error, tool)
    assert [(each["status"], each.get("error_type"), each["step"]) for each in found] == [
        ("error", "ApiError", 0),
        ("error", None, 1),
    ]
    assert found[1]["tool_name"] == "read"


def test_the_same_response_by_the_conventions_is_not_counted_again() -> None:
    again = log({"event.name": "gen_ai.client.inference.operation.details"}, 2, "gemini-cli")
    assert len(converted(gemini("api_response", **RESPONSE), again)) == 1


def test_a_dump_of_the_javascript_sdk_has_plain_attributes() -> None:
    about = {"event.name": "gemini_cli.api_response", "event.timestamp": "2026-11-23T09:00:02Z"}
    item = {"attributes": {**about, **RESPONSE}, "resource": {"attributes": {}}}
    assert LOGS.detect([item])
    (found,) = converted(item)
    assert found["ts"] == "2026-11-23T09:00:00.500000Z"


# ---- all of them


@pytest.mark.parametrize(
    "event", ["user_prompt", "tool_decision", "codex.startup_phase", "gen_ai.choice", ""]
)
def test_other_events_are_no_records(event: str) -> None:
    assert converted(claude(event)) == []


def test_an_event_may_be_named_in_its_body_or_beside_it() -> None:
    about = {"session.id": "s-1", **REQUEST}
    body = log(about, 2, body={"stringValue": "claude_code.api_request"})
    beside = log(about, 3, eventName="claude_code.api_request")
    assert [each["model"] for each in converted(body, beside)] == ["claude-opus-5"] * 2


def test_events_that_an_exporter_sends_again_count_once_in_all_files_of_a_log() -> None:
    events = [
        *(attempt(1), completed(2, **COUNTS), claude("api_request", **REQUEST)),
        gemini("tool_call", function_name="read_file", duration_ms=7),
    ]
    state: Json = {}
    for expected in (3, 0):
        converter = LOGS.converter(state)
        twice = enumerate([*events, *events])
        found = [each for line, item in twice for each in converter.feed(line, item)]
        assert len([*found, *converter.flush()]) == expected


def test_one_bad_log_record_costs_itself() -> None:
    item = claude("api_request", **REQUEST)
    item["resourceLogs"][0]["scopeLogs"][0]["logRecords"] += [None, 7, {}]
    converter = LOGS.converter({})
    assert len(converter.feed(0, item)) == 1
    assert converter.lost == {"bad log record": 2}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
names = st.sampled_from(
    [*REQUEST, *RESPONSE, *COUNTS, "event.sequence", "event.timestamp", "conversation.id",
     "session.id", "attempt", "endpoint", "success", "tool_name", "call_id"]
)  # fmt: skip
events = st.sampled_from(
    ["codex.api_request", "codex.sse_event", "codex.tool_result", "codex.turn_ttft",
     "claude_code.api_request", "claude_code.api_error", "claude_code.tool_result",
     "gemini_cli.api_response", "gemini_cli.api_error", "gemini_cli.tool_call"]
)  # fmt: skip


@given(st.lists(st.tuples(events, st.dictionaries(names, json_values)), max_size=4), json_values)
def test_no_values_of_an_event_are_too_odd(hostile: list[tuple[str, Json]], time: object) -> None:
    items = []
    for event, about in hostile:
        pairs = [{"key": key, "value": of} for key, of in about.items()]
        named = [{"key": "event.name", "value": {"stringValue": event}}, *pairs]
        items.append(log({}, attributes=named, timeUnixNano=time))
        items.append({"attributes": about | {"event.name": event}, "timeUnixNano": time})
    for record in converted(*items):
        for item in items:
            LOGS.content(item, record)
