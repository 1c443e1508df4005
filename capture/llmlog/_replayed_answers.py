"""The answers that records were made of, rebuilt in the shape of their endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmlog._foreign import Fields, Foreign, as_int, as_list, as_object, as_str

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREATED: Final = 1
"""Time of creation of each answer: the same in every replay."""

_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def answer_of(record: Fields, *, is_messages: bool) -> Fields | None:
    """Return a record's answer; None if its shape is not that of the endpoint."""
    output, event = record.get("output"), record.get("event")
    if event == "chat_completion" and is_messages:
        return _message(record, output)
    if event in ("chat_completion", "completion"):
        return _completion(record, output)
    if event == "response" and (items := as_list(output)):
        return _response(record, items)
    return None


def events_of(record: Fields, answer: Fields, *, include_usage: bool) -> list[Foreign]:
    """Return the events of the same answer as a stream; a text ends chat streams."""
    if record["event"] == "response":
        return list(_response_events(answer))
    if answer.get("type") == "message":
        return list(_message_events(record, answer))
    return list(_chunks(record, answer, include_usage=include_usage))


def _count(record: Fields, name: str) -> int:
    return as_int(record.get(name)) or 0


def _completion(record: Fields, output: object) -> Fields | None:
    is_chat = record["event"] == "chat_completion"
    member, kind = ("message", dict) if is_chat else ("text", str)
    each = as_list(output) or [output]
    if not all(isinstance(item, kind) for item in each):
        return None
    reason = record.get("finish_reason")
    return {
        "id": record.get("id") or "replayed",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": _CREATED,
        "model": record.get("model") or record.get("requested_model") or "",
        "system_fingerprint": record.get("system_fingerprint"),
        "service_tier": record.get("service_tier"),
        "choices": [
            {"index": index, member: item, "finish_reason": reason, "logprobs": None}
            for index, item in enumerate(each)
        ],
        "usage": _usage(record),
    }


def _usage(record: Fields) -> Fields | None:
    if record.get("prompt_tokens") is None and record.get("completion_tokens") is None:
        return None
    return {
        "prompt_tokens": _count(record, "prompt_tokens"),
        "completion_tokens": _count(record, "completion_tokens"),
        "total_tokens": _count(record, "total_tokens"),
        "prompt_tokens_details": {"cached_tokens": record.get("cached_tokens")},
        "completion_tokens_details": {"reasoning_tokens": record.get("reasoning_tokens")},
    }


def _chunks(record: Fields, answer: Fields, *, include_usage: bool) -> Iterator[Foreign]:
    is_chat = record["event"] == "chat_completion"
    head = {name: answer[name] for name in ("id", "created", "model", "system_fingerprint")}
    head["object"] = "chat.completion.chunk" if is_chat else "text_completion"
    for choice in as_list(answer["choices"]):
        index = choice["index"]
        part: Fields = {"delta": _delta(choice["message"])} if is_chat else {"text": choice["text"]}
        yield {**head, "choices": [{"index": index, **part, "finish_reason": None}]}
        # A stream that broke off had no reason.
        if (reason := choice["finish_reason"]) is not None:
            part = {"delta": {}} if is_chat else {"text": ""}
            yield {**head, "choices": [{"index": index, **part, "finish_reason": reason}]}
    if include_usage:
        yield {**head, "choices": [], "usage": answer["usage"]}
    yield "[DONE]"


def _delta(message: Fields) -> Fields:
    calls = as_list(message.get("tool_calls"))
    numbered = [{"index": index, **call} for index, call in enumerate(calls)]
    return message | {"tool_calls": numbered} if calls else message


def _message(record: Fields, output: object) -> Fields | None:
    content = (as_object(output) or {}).get("content")
    if not isinstance(content, list):
        return None
    reason = as_str(record.get("finish_reason"))
    cached, written = _count(record, "cached_tokens"), _count(record, "cache_write_tokens")
    usage: Fields = {
        "input_tokens": max(_count(record, "prompt_tokens") - cached - written, 0),
        "output_tokens": _count(record, "completion_tokens"),
        "cache_read_input_tokens": record.get("cached_tokens"),
        "cache_creation_input_tokens": record.get("cache_write_tokens"),
    }
    if record.get("reasoning_tokens") is not None:
        usage["output_tokens_details"] = {"thinking_tokens": record["reasoning_tokens"]}
    return {
        "id": record.get("id") or "replayed",
        "type": "message",
        "role": "assistant",
        "model": record.get("model") or record.get("requested_model") or "",
        "content": as_list(content),  # pyright: ignore[reportUnknownArgumentType]
        "stop_reason": _STOP_REASONS.get(reason or "", reason),
        "stop_sequence": None,
        "usage": usage,
    }


_STREAMED_MEMBER: Final = {
    "text": ("text", "text_delta"),
    "thinking": ("thinking", "thinking_delta"),
}
"""Member of a content block that its deltas bring, and the type of these."""


def _message_events(record: Fields, answer: Fields) -> Iterator[Foreign]:
    yield {"type": "message_start", "message": {**answer, "content": [], "stop_reason": None}}
    for index, block in enumerate(as_list(answer["content"])):
        at = {"index": index}
        first, deltas = _block_parts(block)
        yield {"type": "content_block_start", **at, "content_block": first}
        for delta in deltas:
            yield {"type": "content_block_delta", **at, "delta": delta}
        yield {"type": "content_block_stop", **at}
    if record.get("finish_reason") is not None:
        end = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
        yield {"type": "message_delta", "delta": end, "usage": answer["usage"]}
        yield {"type": "message_stop"}


def _block_parts(block: Fields) -> tuple[Fields, list[Fields]]:
    """Return a content block as it begins, and the deltas that complete it."""
    known = _STREAMED_MEMBER.get(as_str(block.get("type")) or "")
    if known is None:
        return block, []
    member, kind = known
    deltas: list[Fields] = [{"type": kind, member: block.get(member) or ""}]
    if signature := block.get("signature"):
        deltas.append({"type": "signature_delta", "signature": signature})
        return {**block, member: "", "signature": ""}, deltas
    return {**block, member: ""}, deltas


def _response(record: Fields, output: list[Foreign]) -> Fields:
    reason = as_str(record.get("finish_reason"))
    incomplete = _INCOMPLETE.get(reason or "")
    usage: Fields = {
        "input_tokens": _count(record, "prompt_tokens"),
        "input_tokens_details": {"cached_tokens": _count(record, "cached_tokens")},
        "output_tokens": _count(record, "completion_tokens"),
        "output_tokens_details": {"reasoning_tokens": _count(record, "reasoning_tokens")},
        "total_tokens": _count(record, "total_tokens"),
    }
    return {
        "id": record.get("id") or "replayed",
        "object": "response",
        "created_at": _CREATED,
        "model": record.get("model") or record.get("requested_model") or "",
        "status": "incomplete" if incomplete else "completed",
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "error": None,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def _response_events(answer: Fields) -> Iterator[Foreign]:
    number = 0

    def event(kind: str, **members: Any) -> Fields:  # noqa: ANN401 - JSON
        nonlocal number
        number += 1
        return {"type": f"response.{kind}", "sequence_number": number - 1, **members}

    begun: Fields = {**answer, "status": "in_progress", "output": [], "usage": None}
    yield event("created", response={**begun, "incomplete_details": None})
    for index, item in enumerate(as_list(answer["output"])):
        at = {"output_index": index}
        parts = as_list(item.get("content")) if item.get("type") == "message" else []
        yield event("output_item.added", item={**item, "content": []} if parts else item, **at)
        for number_of_part, part in enumerate(parts):
            where = {**at, "item_id": item.get("id") or "", "content_index": number_of_part}
            if part.get("type") != "output_text":
                yield event("content_part.added", part=part, **where)
                continue
            empty = {**part, "text": ""}
            text = part.get("text") or ""
            yield event("content_part.added", part=empty, **where)
            yield event("output_text.delta", delta=text, logprobs=[], **where)
            yield event("output_text.done", text=text, logprobs=[], **where)
            yield event("content_part.done", part=part, **where)
        yield event("output_item.done", item=item, **at)
    yield event(str(answer["status"]), response=answer)
