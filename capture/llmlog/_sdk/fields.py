"""Record fields of a request's body and of a whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from llmlog._foreign import (
    Fields,
    Foreign,
    as_float,
    as_int,
    as_list,
    as_str,
    attributes,
    get_path,
    set_known,
    to_json,
)
from llmlog._sdk.failures import failure_of
from llmlog._sdk.finish_reasons import finish_reason
from llmlog._sdk.tool_calls import (
    ToolCall,
    chat_tool_calls,
    message_tool_calls,
    response_tool_calls,
    tool_call_fields,
)
from llmlog._sdk.usage import Usage


def request_fields(body: Mapping[str, object]) -> Fields:
    """Return the model, the token limit and the sampling options asked for."""
    fields: Fields = {}
    set_known(
        fields,
        requested_model=as_str(body.get("model")),
        temperature=as_float(body.get("temperature")),
        top_p=as_float(body.get("top_p")),
        seed=as_int(body.get("seed")),
        # At the top in chat completions, inside of an object in the other APIs.
        reasoning_effort=as_str(body.get("reasoning_effort"))
        or as_str(get_path(body.get("reasoning"), "effort"))
        or as_str(get_path(body.get("output_config"), "effort")),
    )
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        if (limit := as_int(body.get(name))) is not None:
            fields["max_tokens"] = limit
            break
    return fields


def request_messages(event: str, body: Mapping[str, object]) -> object:
    """Return a request's messages or input, with the instructions in front."""
    if event == "chat_completion":
        messages, system = body.get("messages"), body.get("system")
        # Anthropic's system prompt, or the SDK's sign that there is none. Messages may be an
        # iterator, which is not ours to consume.
        if not isinstance(system, (str, list)) or not isinstance(messages, (list, tuple)):
            return messages
        content = cast("object", system)
        return [{"role": "system", "content": content}, *cast("list[object]", messages)]
    if event in ("completion", "image"):
        return body.get("prompt")
    given, instructions = body.get("input"), body.get("instructions")
    if event != "response" or not isinstance(instructions, str):
        return body.get("prompt") if given is None and event == "audio" else given
    messages = as_list(given) or [{"role": "user", "content": given}]
    return [{"role": "system", "content": instructions}, *messages]


def has_prefixes(event: str, messages: object) -> bool:
    """Return whether each of a request's messages continues those before it."""
    # Lists of prompts, and the inputs of embeddings, are batches.
    return event in ("chat_completion", "response") or (
        event == "completion" and isinstance(messages, str)
    )


def answer_fields(event: str, answer: object) -> tuple[Fields, list[ToolCall]]:
    """Return the known fields of a whole answer (typed or JSON), and its tool calls."""
    known = attributes(answer)
    if event == "response":
        return response_fields(known)
    fields: Fields = {}
    usage = Usage()
    usage.read(known)
    add_identity(fields, known)
    calls: list[ToolCall] = []
    choices = as_list(known.get("choices"))
    if choices:
        calls = _add_choices(fields, choices, usage)
    else:  # Anthropic's message is its own only choice
        calls = message_tool_calls(known.get("content"))
        set_known(fields, finish_reason=finish_reason(known.get("stop_reason")))
    usage.add_fields(fields)
    fields.update(failure_of(event, known, fields.get("finish_reason")))
    if calls:
        fields.update(tool_call_fields(calls))
    return fields, calls


_IDENTITY: Final = ("model", "id", "system_fingerprint")


def add_identity(fields: Fields, known: Fields) -> None:
    """Add model, id and fingerprint where `fields` has none yet, and the latest service tier."""
    for name in _IDENTITY:
        # Some servers send empty text, in a whole answer or in a stream's first chunk.
        if name not in fields and type(text := known.get(name)) is str and text:
            fields[name] = text
    # Until the answer ends, the tier may be the one asked for, such as `auto`.
    if type(tier := known.get("service_tier")) is str and tier:
        fields["service_tier"] = tier
    elif "service_tier" not in fields and (usage := known.get("usage")) is not None:
        tier = attributes(usage).get("service_tier")  # Anthropic's
        if type(tier) is str and tier:
            fields["service_tier"] = tier


def _add_choices(fields: Fields, choices: list[Foreign], usage: Usage) -> list[ToolCall]:
    calls: list[ToolCall] = []
    for position, choice in enumerate(in_order(choices)):
        known = attributes(choice)
        if position == 0 and (reason := finish_reason(known.get("finish_reason"))):
            fields["finish_reason"] = reason
        if (counts := known.get("usage")) is not None:  # Moonshot
            usage.add(counts)
        message = attributes(known.get("message"))
        if tool_calls := message.get("tool_calls"):
            calls += chat_tool_calls(tool_calls)
        # The predecessor of tool calls, which older models and servers still send.
        elif function_call := message.get("function_call"):
            calls += chat_tool_calls([{"function": function_call}])
    return calls


def in_order(choices: list[Foreign]) -> list[Foreign]:
    """Return choices by their index, where they have one."""
    if len(choices) < 2:  # noqa: PLR2004 - a pair is the least that has an order
        return choices
    indexes = [as_int(get_path(choice, "index")) for choice in choices]
    order = [n if index is None else index for n, index in enumerate(indexes)]
    return [choices[n] for n in sorted(range(len(choices)), key=order.__getitem__)]


def response_fields(known: Fields) -> tuple[Fields, list[ToolCall]]:
    """Return the fields and the tool calls of a Responses API response.

    `known` are its members. A realtime session's responses differ in the place of their reason to
    end.
    """
    fields: Fields = {}
    usage = Usage()
    usage.read(known)
    usage.add_fields(fields)
    add_identity(fields, known)
    calls, asks_client = response_tool_calls(known.get("output"))
    reason = _reason_of_status(known, asks_client=asks_client)
    set_known(fields, finish_reason=reason)
    status = known.get("status")
    details = attributes(known.get("status_details"))
    error = known.get("error") or details.get("error")
    failure = failure_of("response", {**known, "error": error}, reason)
    if not failure and status in ("failed", "cancelled"):
        failure = {"status": "error", "error_type": _TYPE_OF_STATUS[status]}
    return fields | failure | tool_call_fields(calls), calls


_TYPE_OF_STATUS: Final[dict[object, str]] = {"failed": "ProviderError", "cancelled": "Cancelled"}


def _reason_of_status(response: Fields, *, asks_client: bool) -> str | None:
    """Map a Responses API status to a chat finish_reason; None until it is final."""
    status = response.get("status")
    if status == "completed":
        return "tool_calls" if asks_client else "stop"
    if status == "incomplete":
        details = attributes(response.get("incomplete_details") or response.get("status_details"))
        return finish_reason(details.get("reason"))
    return "cancelled" if status == "cancelled" else None


def message_output(content: list[Foreign]) -> Foreign:
    """Return the answer that a message of Anthropic's with these content blocks is."""
    return {"role": "assistant", "content": content} if content else None


def answer_output(event: str, answer: object) -> object:
    """Return the content of a whole answer, in the shape of its endpoint."""
    known = attributes(answer)
    if event in ("chat_completion", "completion"):
        choices = in_order(as_list(known.get("choices")))
        member = "message" if event == "chat_completion" else "text"
        messages = [to_json(get_path(choice, member)) for choice in choices]
        if not messages and (content := as_list(known.get("content"))):
            return message_output(to_json(content))
        return (messages if len(messages) > 1 else messages[0]) if messages else None
    if event == "audio":
        return answer if isinstance(answer, str) else known.get("text")
    name = {"image": "data", "moderation": "results"}.get(event, "output")
    return [to_json(item) for item in as_list(known.get(name))] or None
