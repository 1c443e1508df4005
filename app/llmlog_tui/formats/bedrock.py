"""Amazon Bedrock: model invocation logs, as delivered to S3 and CloudWatch."""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import Item, Record
from llmlog_tui.formats.field_tables import FieldTable, Row, TableFormat, value_at
from llmlog_tui.formats.vocabulary import finish_reason, integer

_BODY: Final = "output/outputBodyJson"
_REQUEST: Final = "input/inputBodyJson"
# A streamed answer is logged as the list of its events, and the last one has the metrics.
_METRICS: Final = f"{_BODY}/-1/amazon-bedrock-invocationMetrics"
_TABLE: Final = FieldTable(
    fields={
        "span_id": ("requestId",),
        "request_id": ("requestId",),
        "model": ("modelId",),
        "requested_model": ("modelId",),
        "id": (f"{_BODY}/id",),
        "latency_ms": (f"{_BODY}/metrics/latencyMs", f"{_METRICS}/invocationLatency"),
        "ttft_ms": (f"{_METRICS}/firstByteLatency",),
        "finish_reason": (f"{_BODY}/stopReason", f"{_BODY}/stop_reason"),
        "prompt_tokens": ("input/inputTokenCount", f"{_BODY}/usage/inputTokens"),
        "completion_tokens": ("output/outputTokenCount", f"{_BODY}/usage/outputTokens"),
        "cached_tokens": (
            "input/cacheReadInputTokenCount",
            f"{_BODY}/usage/cacheReadInputTokens",
        ),
        "cache_write_tokens": (
            "input/cacheWriteInputTokenCount",
            f"{_BODY}/usage/cacheWriteInputTokens",
        ),
        "max_tokens": (f"{_REQUEST}/inferenceConfig/maxTokens", f"{_REQUEST}/max_tokens"),
        "temperature": (f"{_REQUEST}/inferenceConfig/temperature", f"{_REQUEST}/temperature"),
        "top_p": (f"{_REQUEST}/inferenceConfig/topP", f"{_REQUEST}/top_p"),
        "error_type": ("errorCode",),
        "error_code": ("errorCode",),
    },
    start=("timestamp",),
    error=("errorCode",),
    tool_calls=(f"{_BODY}/output/message/content", f"{_BODY}/content"),
    input=(f"{_REQUEST}/messages", _REQUEST),
    output=(f"{_BODY}/output/message", _BODY),
    error_message=("errorMessage",),
    extra={"region": ("region",)},
)


def _is_log(item: Item) -> bool:
    return item.get("schemaType") == "ModelInvocationLog"


def _event(row: Row) -> str:
    return "embedding" if "embed" in str(row.get("modelId")).lower() else "chat_completion"


def _adjusted(row: Row, record: Record) -> Record:
    record["provider"] = "aws.bedrock"
    record["stream"] = "Stream" in str(row.get("operation"))
    if record.get("finish_reason") == "guardrail_intervened":
        record["finish_reason"] = finish_reason("content_filter")
    _include_cached(row, record)
    return record


def _include_cached(row: Row, record: Record) -> None:
    """Add cached and cache-written tokens to the prompt: Bedrock counts them apart."""
    fresh = integer(value_at(row, _TABLE.fields["prompt_tokens"]))
    if fresh is None:
        return
    apart = sum(record.get(name) or 0 for name in ("cached_tokens", "cache_write_tokens"))
    record["prompt_tokens"] = integer(fresh + apart)
    if (completion := record.get("completion_tokens")) is not None:
        record["total_tokens"] = integer(fresh + apart + completion)


BEDROCK: Final = TableFormat(
    name="Bedrock invocation log",
    table=_TABLE,
    is_item=_is_log,
    event=_event,
    adjusted=_adjusted,
    unique=("requestId",),
)
