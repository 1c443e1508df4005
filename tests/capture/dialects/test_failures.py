"""Failed calls are recorded as failed, whatever the HTTP status."""

from __future__ import annotations

from tests.capture.conftest import completion
from tests.capture.dialects.conftest import (
    DONE,
    Case,
    Dialect,
    cases,
    delta,
    happened,
    matrix,
    message,
    record_of_row,
    records_of,
    response,
    sent,
)

ERROR = {"message": "Provider returned error", "code": 429}
PAGE = b"<!DOCTYPE html><html><body>Welcome</body></html>"
IN_CHOICE = {"code": 502, "message": "Upstream"}
BEGUN = response(status="in_progress", output=[], usage=None)


def choice(**members: object) -> dict[str, object]:
    return {"index": 0, "message": {"role": "assistant", "content": "par"}, **members}


WHOLE = [
    Dialect("an error for an answer", {"error": ERROR}, {"error_code": "429", "error_status": 429}),
    Dialect("an error of text", {"error": "overloaded"}, {"error_type": "ProviderError"}),
    Dialect(
        "an error that is true",
        {"error": True, "type": "quota", "message": "no", "code": "x"},
        {"error_type": "quota", "error_code": "x"},
    ),
    Dialect(
        "an error with a type",
        {"error": {"type": "rate_limit_error", "code": "slow_down", "message": "no"}},
        {"error_type": "rate_limit_error", "error_code": "slow_down", "error_status": None},
    ),
    Dialect(
        "Google's error in a list",
        b'[{"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}]',
        {"error_type": "UNAVAILABLE", "error_code": "503", "error_status": 503},
    ),
    Dialect(
        "vLLM's error",
        {"object": "error", "message": "no", "type": "NotFoundError", "code": 404},
        {"error_type": "NotFoundError", "error_code": "404", "error_status": 404},
    ),
    Dialect(
        "Anthropic's error",
        {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
        {"error_type": "overloaded_error"},
    ),
    Dialect(
        "MiniMax's base_resp",
        completion(choices=None, base_resp={"status_code": 1004, "status_msg": "no"}),
        {"error_code": "1004", "error_status": None},
    ),
    Dialect("Baidu's error_code", {"error_code": 17, "error_msg": "no"}, {"error_code": "17"}),
    Dialect("FastAPI's detail", {"detail": "Not Found"}, {"error_type": "ProviderError"}),
    Dialect(
        "an error beside choices",
        completion(error=ERROR),
        {"error_code": "429", "finish_reason": "stop", "completion_tokens": 3},
    ),
    Dialect(
        "an error in a choice",
        completion(choices=[choice(finish_reason="error", error=IN_CHOICE)]),
        {"error_code": "502", "error_status": 502, "finish_reason": "error"},
    ),
    Dialect(
        "the finish_reason error",
        completion(choices=[choice(finish_reason="error")]),
        {"finish_reason": "error", "error_type": "ProviderError"},
    ),
    Dialect(
        "a finish_reason of a failed network",
        completion(choices=[choice(finish_reason="network_error")]),
        {"finish_reason": "network_error"},
    ),
    Dialect("no choices", completion(choices=[]), {"error_type": "EmptyAnswer"}),
    Dialect("choices of null", completion(choices=[None]), {"error_type": "EmptyAnswer"}),
    Dialect("an empty object", {}, {"error_type": "EmptyAnswer"}),
    Dialect("a page", PAGE, {"error_type": "InvalidAnswer"}, headers={"content-type": "text/html"}),
    Dialect("a page, as JSON", PAGE, {}, headers={"content-type": "application/json"}),
    Dialect("text", b"upstream error", {"error_type": "InvalidAnswer"}),
    Dialect("nothing", b"", {}),
    Dialect("a legacy completion without choices", {"id": "c"}, {}, "completions"),
    Dialect("no data", {"object": "list", "data": []}, {"model": None}, "embeddings"),
    Dialect("no image", {"created": 1}, {"error_type": "EmptyAnswer"}, "images.generate"),
    Dialect("no transcript", {"error": ERROR}, {"error_code": "429"}, "audio.transcriptions"),
    Dialect("speech that is an error", {"error": ERROR}, {"error_code": "429"}, "audio.speech"),
    Dialect("speech that is a page", PAGE, {"error_type": "InvalidAnswer"}, "audio.speech"),
    Dialect("no output", response(output=None), {"error_type": "EmptyAnswer"}, "responses"),
    Dialect("a response's page", PAGE, {"error_type": "InvalidAnswer"}, "responses"),
    Dialect(
        "a failed response",
        response(status="failed", error={"code": "server_error", "message": "no"}, output=[]),
        {"error_code": "server_error", "error_type": "ProviderError", "finish_reason": None},
        "responses",
    ),
    Dialect(
        "a cancelled response",
        response(status="cancelled", output=[], usage=None),
        {"error_type": "Cancelled", "finish_reason": "cancelled"},
        "responses",
    ),
]

STREAMED = [
    Dialect(
        "an error event",
        [delta(content="a"), {"error": {"code": 502, "message": "no"}}, DONE],
        {"error_code": "502", "error_status": 502, "model": "m-1", "stream_end": "error"},
    ),
    Dialect(
        "an error event by its name",
        [delta(content="a"), b'event: error\ndata: {"error": {"code": 502, "message": "no"}}\n\n'],
        {"error_code": "502"},
    ),
    Dialect(
        "an error beside choices",
        [delta(content="a"), delta("error", content="") | {"error": IN_CHOICE}, DONE],
        {"error_code": "502"},
    ),
    Dialect(
        "an error in a choice",
        [sent(choices=[{"index": 0, "delta": {}, "finish_reason": "error", "error": IN_CHOICE}])],
        {"error_code": "502", "error_status": 502, "finish_reason": "error"},
    ),
    Dialect(
        "the finish_reason error",
        [delta(content="a"), delta("error"), DONE],
        {"finish_reason": "error", "error_type": "ProviderError", "stream_end": "complete"},
    ),
    Dialect("no chunk", [DONE], {"error_type": "EmptyAnswer", "stream_end": "error"}),
    Dialect("nothing at all", [b": ping\n\n"], {"error_type": "EmptyAnswer"}),
    Dialect(
        "a failed response",
        [
            happened("response.created", response=BEGUN),
            happened(
                "response.failed",
                response=response(status="failed", error={"code": "x", "message": "no"}, output=[]),
            ),
        ],
        {"error_code": "x", "id": "resp_1", "stream_end": "complete"},
        "responses",
    ),
    Dialect(
        "an error event of a response",
        [
            happened("response.created", response=BEGUN),
            happened("error", code="server_error", message="no", param=None),
        ],
        {"error_code": "server_error", "id": "resp_1"},
        "responses",
    ),
    Dialect(
        "a legacy completion's error",
        [{"error": {"code": 502, "message": "no"}}],
        {"error_code": "502"},
        "completions",
    ),
]


@matrix(cases(WHOLE, in_place_of_streams=True))
def test_an_answer_that_is_a_failure_is_recorded_as_one(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert record["status"] == "error", variant
        assert record["error_type"], variant
        # In place of a stream, the SDK may raise before the answer can be read to its end.
        if not case.way.stream:
            raised = record["error_type"] in ("JSONDecodeError", "APIResponseValidationError")
            found = {name: record.get(name) for name in case.row.fields}
            assert raised or found == case.row.fields, variant


@matrix(cases(STREAMED))
def test_a_stream_that_tells_a_failure_is_recorded_as_one(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert record["status"] == "error", variant
        assert record["error_type"], variant
        raised = record["error_type"] == "APIError"
        expected = {
            name: value
            for name, value in case.row.fields.items()
            if not (raised and name in ("error_type", "finish_reason", "stream_end"))
        }
        assert {name: record.get(name) for name in expected} == expected, variant


def test_an_error_keeps_its_message_only_where_content_is_kept() -> None:
    assert "error_message" not in record_of_row(WHOLE[0])
    assert record_of_row(WHOLE[0], "full")["error_message"] == "Provider returned error"


GOOD = [
    Dialect("an error of null", completion(error=None), {}),
    Dialect("an error of nothing", completion(error={"code": 0, "message": ""}), {}),
    Dialect("a base_resp of success", completion(base_resp={"status_code": 0}), {}),
    Dialect("a refusal", message(content=None, refusal="No."), {}),
    Dialect("empty content", message(content=""), {}),
    Dialect("cut off", message("length"), {}),
    Dialect("queued", response(status="queued", output=[], usage=None), {}, "responses"),
    Dialect("nothing generated", response(output=[]), {}, "responses"),
    Dialect(
        "incomplete",
        response(status="incomplete", output=[], incomplete_details={"reason": "content_filter"}),
        {"finish_reason": "content_filter"},
        "responses",
    ),
    Dialect("silence", {"text": ""}, {}, "audio.transcriptions"),
    Dialect("sound", b"\xff\xfb\x90\x00", {}, "audio.speech"),
    Dialect("a stream", [delta(content="a"), delta("stop"), DONE], {"stream_end": "complete"}),
    Dialect("a truncated stream", [delta(content="a")], {"stream_end": "truncated"}),
]


@matrix(cases(GOOD))
def test_a_good_answer_is_no_failure(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert record["status"] == "ok", variant
        assert record.get("error_type") is None, variant
        assert {name: record[name] for name in case.row.fields} == case.row.fields, variant
