"""Failures that an answer tells by itself, though its HTTP status was a success."""

from __future__ import annotations

from typing import Final

from llmlog._foreign import (
    Fields,
    as_int,
    as_list,
    as_object,
    as_str,
    as_text,
    attributes,
    set_known,
)
from llmlog._sdk.finish_reasons import is_failure

ERROR_FIELDS: Final = frozenset(
    {"status", "error_type", "error_code", "error_status", "error_message"}
)
"""Fields of a record that tell a failure."""
PROVIDER_ERROR: Final = "ProviderError"
"""error_type of an error that the server gave no type."""
_EMPTY: Final = "EmptyAnswer"
"""error_type of an answer without choices, output or data."""
_INVALID: Final = "InvalidAnswer"
"""error_type of an answer that is no JSON object, such as an HTML page."""

_CLIENT_ERROR: Final = 400
_LAST_STATUS: Final = 599
_TYPES: Final = ("type", "error_type")
_CODES: Final = ("code", "error_code", "status_code", "err_code")
_STATUSES: Final = ("status", "status_code", "http_status", "code", "error_code")
_MESSAGES: Final = ("message", "error_message", "error_msg", "status_msg", "msg", "detail")
_NO_TYPES: Final = frozenset({"error", "response.error", "response.failed"})
_UNFINISHED: Final = ("queued", "in_progress", "incomplete", "cancelled")


def invalid_answer() -> Fields:
    """Return the fields of a call whose answer is no JSON object."""
    return {"status": "error", "error_type": _INVALID}


def empty_answer() -> Fields:
    """Return the fields of a call that was answered with nothing."""
    return {"status": "error", "error_type": _EMPTY}


def error_fields_of(error: object, beside: Fields) -> Fields:
    """Return the fields of an `error` member; {} if there is none.

    `error` is an object, text or true. `beside` are the members around it, which may have its code
    or text.
    """
    if not error:
        return {}
    known = attributes(error) or (beside if error is True or isinstance(error, str) else {})
    # Some gateways wrap the error of the server behind them.
    if (inner := as_object(known.get("error"))) is not None and known is not beside:
        known = known | inner
    if not isinstance(error, str) and not any(known.values()):
        return {}
    kind = _first_text(known, _TYPES)
    if kind is None or kind in _NO_TYPES:
        # Google's errors have no type, but a status such as RESOURCE_EXHAUSTED.
        kind = (as_str(known.get("status")) if known is not beside else None) or PROVIDER_ERROR
    fields: Fields = {"status": "error", "error_type": kind}
    message = error if isinstance(error, str) else _first_text(known, _MESSAGES)
    set_known(
        fields,
        error_code=_first_text(known, _CODES),
        error_status=_http_status(known) or _http_status(beside),
        error_message=message,
    )
    return fields


def _first_text(known: Fields, names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := as_text(known.get(name)))), None)


def _http_status(known: Fields) -> int | None:
    for name in _STATUSES:
        value = known.get(name)
        if isinstance(value, str) and value.isdigit() and len(value) == len("404"):
            value = int(value)
        status = as_int(value)
        if status is not None and _CLIENT_ERROR <= status <= _LAST_STATUS:
            return status
    return None


def failure_of(event: str, known: Fields, reason: object) -> Fields:
    """Return the error fields of a complete answer; {} if it is good.

    `known` are its members.
    """
    if fields := error_told(known):
        return fields
    if (event in _WITH_CHOICES) and (fields := _failure_in_choices(known)):
        return fields
    if is_failure(as_str(reason)):
        return {"status": "error", "error_type": PROVIDER_ERROR}
    return failure_without_content(known) if _is_empty(event, known) else {}


def error_told(known: Fields) -> Fields:
    """Return the error fields of an answer or chunk that tells an error by itself."""
    if (error := known.get("error")) and (fields := error_fields_of(error, known)):
        return fields
    if known.get("object") == "error" or known.get("type") == "error":  # vLLM
        return error_fields_of(True, known)  # noqa: FBT003 - as a server that sends `true`
    if (base := known.get("base_resp")) and as_int(attributes(base).get("status_code")):  # MiniMax
        return error_fields_of(attributes(base), known)
    return {}


_WITH_CHOICES: Final = ("chat_completion", "completion")


def _failure_in_choices(known: Fields) -> Fields:
    for choice in as_list(known.get("choices")):
        members = attributes(choice)
        if (error := members.get("error")) and (fields := error_fields_of(error, members)):
            return fields
    return {}


def failure_without_content(known: Fields) -> Fields:
    """Return the error fields of an answer that has no content."""
    # Without a member named error: `errors`, or a description at the top.
    for error in as_list(known.get("errors")):
        if fields := error_fields_of(error, known):
            return fields
    described = {name: known[name] for name in (*_CODES, *_MESSAGES) if known.get(name)}
    if described:
        return error_fields_of(described, known) | {"error_type": _type_of(known)}
    return empty_answer()


def _type_of(known: Fields) -> str:
    return _first_text(known, _TYPES) or PROVIDER_ERROR


def _is_empty(event: str, known: Fields) -> bool:
    if event in _WITH_CHOICES:
        # Other servers' own shapes have their text elsewhere.
        given = as_list(known.get("choices")) or as_list(known.get("content"))
        # Anthropic's models may have nothing to add, such as after the result of a tool.
        has_ended = known.get("type") == "message" and known.get("stop_reason")
        return not has_ended and given.count(None) == len(given)
    if event == "response":
        if known.get("status") in _UNFINISHED or as_list(known.get("output")):
            return False
        return known.get("output") is None or known.get("usage") is None
    if event == "audio":
        return known.get("text") is None and known.get("segments") is None
    if event == "moderation":
        return known.get("results") is None
    return event in ("embedding", "image") and not as_list(known.get("data"))
