"""Anthropic's Messages API by hand: messages, events, and clients whose server is a function."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
from tests.capture.conftest import KEY, Anything, AsyncHandler, Blocks, Handler

USAGE: dict[str, Any] = {
    "input_tokens": 10,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 5,
    "output_tokens": 20,
    "output_tokens_details": {"thinking_tokens": 7},
    "service_tier": "standard",
}
TOOL_USE: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": 1}}


def message(**changes: object) -> dict[str, Any]:
    """Return a whole message as JSON."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-2026",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **changes,
    }


def start() -> dict[str, Any]:
    usage = {**USAGE, "output_tokens": 1, "output_tokens_details": None}
    return {"type": "message_start", "message": message(content=[], stop_reason=None, usage=usage)}


def block(index: int, content_block: dict[str, Any], *deltas: dict[str, Any]) -> list[Any]:
    """Return the events of one content block."""
    of = {"index": index}
    return [
        {"type": "content_block_start", **of, "content_block": content_block},
        *({"type": "content_block_delta", **of, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", **of},
    ]


def text(index: int, *pieces: str) -> list[Any]:
    deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
    return block(index, {"type": "text", "text": ""}, *deltas)


def end(stop_reason: str = "end_turn") -> list[Any]:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    usage = {"output_tokens": 20, "output_tokens_details": {"thinking_tokens": 7}}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def blocks_of(*events: Anything) -> list[Anything]:
    """Return server-sent events, one block each; callables are left unchanged."""
    return [
        event
        if callable(event)
        else b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in events
    ]


def streamed_message(*events: Anything) -> httpx2.Response:
    headers = {"content-type": "text/event-stream", "request-id": "req_1"}
    return httpx2.Response(200, headers=headers, stream=Blocks(*blocks_of(*events)))


def anthropic_client(
    handler: Handler | httpx2.Response, **options: Anything
) -> anthropic.Anthropic:
    """Return a bare client whose server is a function or one fixed response."""
    transport = httpx2.MockTransport(handler if callable(handler) else lambda _: handler)
    options = {"api_key": KEY, "max_retries": 0, **options}
    return anthropic.Anthropic(http_client=httpx2.Client(transport=transport), **options)


def async_anthropic_client(
    handler: AsyncHandler | httpx2.Response, **options: Anything
) -> anthropic.AsyncAnthropic:
    """Return the asynchronous counterpart of anthropic_client."""
    transport = httpx2.MockTransport(handler if callable(handler) else lambda _: handler)
    options = {"api_key": KEY, "max_retries": 0, **options}
    return anthropic.AsyncAnthropic(http_client=httpx2.AsyncClient(transport=transport), **options)
