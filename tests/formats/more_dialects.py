"""Spans of further instrumentations, by their public documentation: attributes, fields, content."""

from __future__ import annotations

import json

from tests.formats.otlp import Json, event

ADK: Json = {
    "gen_ai.system": "gcp.vertex.agent", "gen_ai.request.model": "gemini-2.5-flash",
    "gcp.vertex.agent.session_id": "s-1", "gcp.vertex.agent.invocation_id": "e-1",
    "gcp.vertex.agent.llm_request": json.dumps({"model": "gemini-2.5-flash", "contents": []}),
    "gcp.vertex.agent.llm_response": json.dumps(
        {
            "content": {
                "role": "model",
                "parts": [{"text": "hm"}, {"function_call": {"name": "search", "args": {}}}],
            },
            "finish_reason": "STOP",
            "usage_metadata": {
                "prompt_token_count": 120, "candidates_token_count": 30, "total_token_count": 154,
                "thoughts_token_count": 4, "cached_content_token_count": 64,
            },
        }
    ),
}  # fmt: skip
ADK_NEWER: Json = ADK | {
    "gen_ai.operation.name": "generate_content", "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 34, "gen_ai.response.finish_reasons": ["stop"],
}  # fmt: skip
SEMANTIC_KERNEL: Json = {
    "gen_ai.operation.name": "chat.completions", "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-5", "gen_ai.request.max_tokens": 50,
    "gen_ai.response.id": "chatcmpl-1", "gen_ai.response.prompt_tokens": 120,
    "gen_ai.response.completion_tokens": 34,
    "gen_ai.response.finish_reason": "FinishReason.TOOL_CALLS",
}  # fmt: skip
OPENLIT: Json = {
    "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "telemetry.sdk.name": "openlit",
    "gen_ai.request.model": "gpt-5", "gen_ai.response.model": "gpt-5-2026",
    "gen_ai.request.is_stream": True, "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 34, "gen_ai.usage.total_tokens": 154,
    "gen_ai.server.time_to_first_token": 0.25, "gen_ai.response.finish_reasons": ["stop"],
    "server.address": "api.openai.com", "server.port": 443,
}  # fmt: skip
SENTRY: Json = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5",
    "gen_ai.usage.input_tokens": 120, "gen_ai.usage.input_tokens.cached": 64,
    "gen_ai.usage.output_tokens": 34, "gen_ai.usage.output_tokens.reasoning": 12,
    "gen_ai.request.messages": '[{"role": "user", "content": "hi"}]',
    "gen_ai.response.text": '["ho"]',
    "gen_ai.response.tool_calls": '[{"name": "search", "type": "function", "arguments": "{}"}]',
}  # fmt: skip
BRAINTRUST: Json = {
    "braintrust.span_attributes": '{"type": "llm"}',
    "braintrust.metadata": '{"model": "gpt-5", "provider": "openai"}',
    "braintrust.metrics": json.dumps(
        {"prompt_tokens": 120, "completion_tokens": 34, "prompt_cached_tokens": 64,
         "completion_reasoning_tokens": 12, "time_to_first_token": 0.25}
    ),
    "braintrust.input_json": '[{"role": "user", "content": "hi"}]',
    "braintrust.output_json": json.dumps(
        [{"finish_reason": "tool_calls",
          "message": {"role": "assistant", "content": None,
                      "tool_calls": [{"id": "c", "function": {"name": "search"}}]}}]
    ),
}  # fmt: skip
HAYSTACK: Json = {
    "haystack.component.name": "llm", "haystack.component.type": "OpenAIChatGenerator",
    "haystack.component.output": json.dumps(
        {"replies": [
            {"role": "assistant",
             "content": [{"tool_call": None}, {"type": "tool_call", "name": "search"}],
             "meta": {"model": "gpt-5", "finish_reason": "stop",
                      "usage": {"prompt_tokens": 120, "completion_tokens": 34}}}
        ]}
    ),
}  # fmt: skip
SPRING: Json = {
    "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5",
    "gen_ai.response.model": "gpt-5-2026", "gen_ai.response.finish_reasons": '["STOP"]',
    "gen_ai.usage.input_tokens": "120", "gen_ai.usage.output_tokens": "34",
    "gen_ai.request.max_tokens": "50",
}  # fmt: skip
SPRING_TOOL: Json = {
    "gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai",
    "spring.ai.kind": "tool_call", "spring.ai.tool.definition.name": "search",
    "spring.ai.tool.call.arguments": '{"q": 1}', "spring.ai.tool.call.result": "42",
}  # fmt: skip
ADK_TOOL: Json = {
    "gen_ai.operation.name": "execute_tool", "gen_ai.system": "gcp.vertex.agent",
    "gen_ai.tool.name": "search", "gen_ai.tool.call.id": "call-1",
    "gcp.vertex.agent.llm_request": "{}", "gcp.vertex.agent.llm_response": "{}",
    "gcp.vertex.agent.tool_call_args": '{"q": 1}', "gcp.vertex.agent.tool_response": '{"r": 42}',
}  # fmt: skip

FIELDS: dict[str, tuple[Json, Json]] = {
    "Google ADK": (
        ADK,
        {"event": "chat_completion", "requested_model": "gemini-2.5-flash", "session_id": "s-1",
         "provider": None, "finish_reason": "stop",
         "prompt_tokens": 120, "completion_tokens": 34, "reasoning_tokens": 4,
         "cached_tokens": 64, "total_tokens": 154, "tool_calls": ["search"]},
    ),
    "Google ADK, newer": (
        ADK_NEWER,
        {"event": "chat_completion", "prompt_tokens": 120, "completion_tokens": 34,
         "finish_reason": "stop", "tool_calls": ["search"]},
    ),
    "Google ADK, tool": (
        ADK_TOOL, {"event": "tool_call", "tool_name": "search", "tool_call_id": "call-1"},
    ),
    "Semantic Kernel": (
        SEMANTIC_KERNEL,
        {"event": "chat_completion", "provider": "api.openai.com", "requested_model": "gpt-5",
         "prompt_tokens": 120, "completion_tokens": 34, "finish_reason": "tool_calls",
         "id": "chatcmpl-1", "max_tokens": 50},
    ),
    "OpenLIT": (
        OPENLIT,
        {"event": "chat_completion", "stream": True, "ttft_ms": 250, "model": "gpt-5-2026",
         "total_tokens": 154, "finish_reason": "stop", "provider": "api.openai.com"},
    ),
    "Sentry": (
        SENTRY,
        {"cached_tokens": 64, "reasoning_tokens": 12, "prompt_tokens": 120,
         "tool_calls": ["search"], "requested_model": "gpt-5"},
    ),
    "Braintrust": (
        BRAINTRUST,
        {"event": "chat_completion", "model": "gpt-5", "prompt_tokens": 120, "ttft_ms": 250,
         "completion_tokens": 34, "cached_tokens": 64, "reasoning_tokens": 12,
         "finish_reason": "tool_calls", "tool_calls": ["search"], "provider": "api.openai.com"},
    ),
    "Haystack": (
        HAYSTACK,
        {"event": "chat_completion", "model": "gpt-5", "prompt_tokens": 120,
         "completion_tokens": 34, "finish_reason": "stop", "tool_calls": ["search"]},
    ),
    "Spring AI": (
        SPRING,
        {"event": "chat_completion", "model": "gpt-5-2026", "prompt_tokens": 120,
         "completion_tokens": 34, "finish_reason": "stop", "max_tokens": 50},
    ),
    "Spring AI, tool": (SPRING_TOOL, {"event": "tool_call", "tool_name": "search"}),
}  # fmt: skip
"""Attributes of a span of one second, and fields of its record."""

CONTENT: dict[str, tuple[Json, Json]] = {
    "Google ADK": (
        {"attributes": ADK},
        {"input": json.loads(ADK["gcp.vertex.agent.llm_request"]),
         "output": json.loads(ADK["gcp.vertex.agent.llm_response"])},
    ),
    "Google ADK, tool": ({"attributes": ADK_TOOL}, {"input": {"q": 1}, "output": {"r": 42}}),
    "Spring AI, tool": ({"attributes": SPRING_TOOL}, {"input": {"q": 1}, "output": "42"}),
    "Semantic Kernel": (
        {"attributes": SEMANTIC_KERNEL,
         "events": [
             event("gen_ai.content.prompt", gen_ai__prompt='[{"role": "user"}]'),
             event("gen_ai.content.completion", gen_ai__completion='[{"role": "assistant"}]'),
         ]},
        {"input": [{"role": "user"}], "output": [{"role": "assistant"}]},
    ),
    "OTel, as an event of the operation": (
        {"attributes": {"gen_ai.operation.name": "chat"},
         "events": [
             event("gen_ai.client.inference.operation.details",
                   gen_ai__input__messages='[{"role": "user"}]',
                   gen_ai__output__messages='[{"role": "assistant"}]'),
         ]},
        {"input": [{"role": "user"}], "output": [{"role": "assistant"}]},
    ),
    "Sentry": (
        {"attributes": SENTRY},
        {"input": [{"role": "user", "content": "hi"}],
         "output": {"text": ["ho"],
                    "tool_calls": json.loads(SENTRY["gen_ai.response.tool_calls"])}},
    ),
    "Braintrust": (
        {"attributes": BRAINTRUST},
        {"input": json.loads(BRAINTRUST["braintrust.input_json"]),
         "output": json.loads(BRAINTRUST["braintrust.output_json"])},
    ),
}  # fmt: skip
"""A span's attributes and events, and its content."""
