"""Finish reasons: map other servers' words to OpenAI's, and tell failures."""

from __future__ import annotations

from typing import Final

from llmlog._foreign import as_str, get_path

_WORDS: Final = {
    "length": (
        "max_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "max_new_tokens",
        "max_length",
        "max_token",
        "token_limit",
        "model_length",
        "context_length",
        "context_length_exceeded",
        "model_context_window_exceeded",
        "finish_reason_max_tokens",
    ),
    "stop": (
        "end_turn",
        "eos",
        "eos_token",
        "end_of_text",
        "stop_sequence",
        "stop_token",
        "finish",
        "finished",
        "complete",
        "completed",
        "done",
        "normal",
    ),
    "tool_calls": ("tool_call", "tool_use", "tool_uses"),
    "content_filter": (
        "content_filtered",
        "filtered",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "sensitive",
        "image_safety",
        "guardrail_intervened",
        "guardrails",
        "error_toxic",
        "refusal",
    ),
}
_WORD: Final = {
    **{other: word for word, others in _WORDS.items() for other in (word, *others)},
    "function_call": "function_call",
}

_FAILURES: Final = frozenset(
    {
        "error",
        "failed",
        "failure",
        "network_error",
        "internal_error",
        "server_error",
        "insufficient_system_resource",
        "abort",
        "aborted",
        "malformed_function_call",
        "unexpected_tool_call",
        "error_limit",
    }
)
"""Reasons of an answer that its server broke off."""


def finish_reason(value: object) -> str | None:
    """Return a finish reason, in OpenAI's words if possible; None if it is unknown."""
    # SGLang's own API sends an object with the reason as its type.
    reason = as_str(value) or as_str(get_path(value, "type"))
    if not reason:
        return None
    word = reason.lower()
    return _WORD.get(word) or (word if word in _FAILURES else reason)


def is_failure(reason: str | None) -> bool:
    """Return whether a reason from `finish_reason` means that the call failed."""
    return reason in _FAILURES
