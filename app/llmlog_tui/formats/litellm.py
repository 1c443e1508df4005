"""LiteLLM: StandardLoggingPayload, as its callbacks and its S3 and GCS loggers write it.

A finished stream is logged twice with the same litellm_call_id; the last payload counts.
"""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat, value_at
from llmlog_tui.formats.vocabulary import boolean

_EVENTS: Final = {
    **dict.fromkeys(
        ("completion", "text_completion", "anthropic_messages", "generate_content"),
        "chat_completion",
    ),
    "responses": "response",
    "embedding": "embedding",
    "image_generation": "image",
    "transcription": "audio",
    "speech": "audio",
    "moderation": "moderation",
}
"""By call_type without the `a` of its asynchronous twin."""

_HEADERS: Final = "hidden_params/additional_headers"
_TABLE: Final = FieldTable(
    fields={
        "session_id": ("session_id",),
        "trace_id": ("trace_id",),
        "span_id": ("litellm_call_id",),
        "name": ("call_type",),
        "model": ("response/model", "model"),
        "requested_model": ("model_group", "model"),
        "id": ("response/id",),
        "request_id": (
            f"{_HEADERS}/llm_provider-x-request-id",
            f"{_HEADERS}/x-request-id",
            "error_information/error_provider_request_id",
        ),
        "finish_reason": ("response/choices/0/finish_reason",),
        "prompt_tokens": ("prompt_tokens",),
        "completion_tokens": ("completion_tokens",),
        "total_tokens": ("total_tokens",),
        "reported_cost_usd": ("response_cost",),
        "service_tier": ("response/service_tier",),
        "max_tokens": ("model_parameters/max_completion_tokens", "model_parameters/max_tokens"),
        "temperature": ("model_parameters/temperature",),
        "top_p": ("model_parameters/top_p",),
        "seed": ("model_parameters/seed",),
        "reasoning_effort": ("model_parameters/reasoning_effort",),
        "stream": ("stream",),
        "server_ms": (f"{_HEADERS}/llm_provider-openai-processing-ms",),
        "system_fingerprint": ("response/system_fingerprint",),
        "error_type": ("error_information/error_class",),
        "error_status": ("error_information/error_code",),
    },
    start=("startTime",),
    end=("endTime",),
    first_token=("completionStartTime",),
    latency_s=("response_time",),
    usage=("response/usage", "metadata/usage_object"),
    status=("status",),
    api_base=("api_base",),
    provider=("custom_llm_provider",),
    tool_calls=("response/choices/0/message/tool_calls",),
    input=("messages",),
    output=("response/choices/0/message", "response/output"),
    error_message=("error_str", "error_information/error_message"),
    extra={
        "request_tags": ("request_tags",),
        "end_user": ("end_user",),
        "user_api_key_alias": ("metadata/user_api_key_alias",),
        "cache_hit": ("cache_hit",),
    },
)


def _is_payload(item: Item) -> bool:
    return "litellm_call_id" in item or all(
        name in item for name in ("call_type", "startTime", "model_group")
    )


def _event(row: Row) -> str:
    kind = str(row.get("call_type"))
    return _EVENTS.get(kind) or _EVENTS.get(kind.removeprefix("a"), "span")


def _is_stream(row: Row) -> bool:
    return boolean(row.get("stream")) is True


_UNKNOWN_AS_ZERO: Final = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "reported_cost_usd",
)


def _adjusted(row: Row, record: Record) -> Record:
    if not _is_stream(row):
        # Without a stream it is the time of the end.
        record.pop("ttft_ms", None)
    if record["status"] == "error":
        for name in _UNKNOWN_AS_ZERO:
            if record.get(name) == 0:
                del record[name]
    if record["event"] != "span":
        record.pop("name", None)
    if not value_at(row, ("request_tags",)):
        record.get("extra", {}).pop("request_tags", None)
        if not record.get("extra", True):
            del record["extra"]
    return record


LITELLM: Final = TableFormat(
    name="LiteLLM",
    table=_TABLE,
    is_item=_is_payload,
    event=_event,
    adjusted=_adjusted,
    unique=("litellm_call_id",),
    may_repeat=_is_stream,
)
