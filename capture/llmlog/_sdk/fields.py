"""Record fields of a request's body and of a whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from llmlog._foreign import (
    Fields,
    as_float,
    as_int,
    as_list,
    as_str,
    attributes,
    get_path,
    set_known,
)
from llmlog._sdk.tool_calls import ToolCall, chat_tool_calls, response_tool_calls, tool_call_fields
from llmlog._sdk.usage import add_usage


def request_fields(body: Mapping[str, object]) -> Fields:
    """Return the model, the token limit and the sampling options asked for."""
    fields: Fields = {}
    set_known(
        fields,
        requested_model=as_str(body.get("model")),
        temperature=as_float(body.get("temperature")),
        top_p=as_float(body.get("top_p")),
        seed=as_int(body.get("seed")),
        # Chat completions name it at the top, the Responses API inside `reasoning`.
        reasoning_effort=as_str(body.get("reasoning_effort"))
        or as_str(get_path(body.get("reasoning"), "effort")),
    )
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        if (limit := as_int(body.get(name))) is not None:
            fields["max_tokens"] = limit
            break
    return fields


def request_messages(event: str, body: Mapping[str, object]) -> object:
    """Return a request's messages, or its input with the instructions in front."""
    if event == "chat_completion":
        return body.get("messages")
    given, instructions = body.get("input"), body.get("instructions")
    if event == "embedding" or not isinstance(instructions, str):
        return given
    messages = as_list(given) or [{"role": "user", "content": given}]
    return [{"role": "system", "content": instructions}, *messages]


def answer_fields(event: str, answer: object) -> tuple[Fields, list[ToolCall]]:
    """Return the known fields of a whole answer (typed or JSON), and its tool calls."""
    known = attributes(answer)
    fields: Fields = {}
    add_usage(fields, known.get("usage"))
    add_identity(fields, known)
    calls: list[ToolCall] = []
    if event == "chat_completion":
        calls = _add_choices(fields, as_list(known.get("choices")))
    elif event == "response":
        calls = response_tool_calls(answer)
        reason = response_finish_reason(answer, has_tool_calls=bool(calls))
        set_known(fields, finish_reason=reason)
        if known.get("status") == "failed":
            code = as_str(get_path(answer, "error", "code"))
            set_known(fields, status="error", error_code=code)
    return fields | tool_call_fields(calls), calls


_IDENTITY: Final = ("model", "id", "system_fingerprint", "service_tier")


def add_identity(fields: Fields, known: Fields) -> None:
    """Add model, id, fingerprint and service tier where `fields` has none yet."""
    for name in _IDENTITY:
        # Some servers send empty text, in a whole answer or in a stream's first chunk.
        if name not in fields and type(text := known.get(name)) is str and text:
            fields[name] = text


def _add_choices(fields: Fields, choices: list[object]) -> list[ToolCall]:
    calls: list[ToolCall] = []
    for number, choice in enumerate(choices):
        known = attributes(choice)
        if number == 0 and type(reason := known.get("finish_reason")) is str:
            fields["finish_reason"] = reason
        message = attributes(known.get("message"))
        if tool_calls := message.get("tool_calls"):
            calls += chat_tool_calls(tool_calls)
        # The predecessor of tool calls, which older models and servers still send.
        elif function_call := message.get("function_call"):
            calls += chat_tool_calls([{"function": function_call}])
    return calls


_REASON_OF_INCOMPLETE: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def response_finish_reason(response: object, *, has_tool_calls: bool) -> str | None:
    """Map a Responses API status to a chat finish_reason; None until it is final."""
    status = get_path(response, "status")
    if status == "completed":
        return "tool_calls" if has_tool_calls else "stop"
    if status == "incomplete":
        reason = as_str(get_path(response, "incomplete_details", "reason"))
        return _REASON_OF_INCOMPLETE.get(reason, reason) if reason else None
    return None


def answer_output(event: str, answer: object) -> object:
    """Return the content of a whole answer: the first message, or the output items."""
    if event == "chat_completion":
        choices = as_list(get_path(answer, "choices"))
        return _plain(get_path(choices[0], "message")) if choices else None
    return [_plain(item) for item in as_list(get_path(answer, "output"))] or None


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True, warnings=False) if dump else value
