"""What response headers and exceptions tell: request id, rate limits, retries, error codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from llmlog._sdk.fields import Fields, Foreign, add, as_int, as_str, pick, told_by


def add_headers(fields: Fields, headers: Foreign) -> None:
    """Add request id, rate limits and the server's own time (headers of httpx2 or httpx)."""
    for raw_name, raw_value in headers.raw:
        known = _HEADERS.get(raw_name) or _HEADERS.get(raw_name.lower())
        if known is not None and known[0] not in fields:
            name, read = known
            if (value := read(raw_value)) is not None:
                fields[name] = value


_DURATION: Final = r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|d|h|m|s)"
_MS_OF_UNIT: Final = {
    "d": 86_400_000.0,
    "h": 3_600_000.0,
    "m": 60_000.0,
    "s": 1_000.0,
    "ms": 1.0,
    "us": 1e-3,
    "µs": 1e-3,
    "ns": 1e-6,
}
_LONGEST_NUMBER: Final = 18


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _duration(value: bytes) -> int | None:
    return duration_ms(_text(value))


def duration_ms(text: str) -> int | None:
    """Milliseconds in forms such as `6m0s`, `17ms`, `1h2m3.5s`, `0`, `7.66` (seconds)."""
    text = text.strip()
    if len(text) > 4 * _LONGEST_NUMBER:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return round(float(text) * 1000)
    parts = re.findall(_DURATION, text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return round(sum(float(number) * _MS_OF_UNIT[unit] for number, unit in parts))


def _count(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= _LONGEST_NUMBER else None


def _ms(value: bytes) -> int | None:
    if value.isdigit() and len(value) <= _LONGEST_NUMBER:  # as most servers send it
        return int(value)
    return round(float(value)) if re.fullmatch(rb"[0-9]{1,15}\.[0-9]{1,9}", value) else None


_HEADERS: Final[dict[bytes, tuple[str, Callable[[bytes], object]]]] = {
    b"x-request-id": ("request_id", _text),
    b"openai-processing-ms": ("server_ms", _ms),
    b"x-ratelimit-limit-requests": ("ratelimit_limit_requests", _count),
    b"x-ratelimit-limit-tokens": ("ratelimit_limit_tokens", _count),
    b"x-ratelimit-remaining-requests": ("ratelimit_remaining_requests", _count),
    b"x-ratelimit-remaining-tokens": ("ratelimit_remaining_tokens", _count),
    b"x-ratelimit-reset-requests": ("ratelimit_reset_requests_ms", _duration),
    b"x-ratelimit-reset-tokens": ("ratelimit_reset_tokens_ms", _duration),
}


def error_fields(error: BaseException) -> Fields:
    """Class, HTTP status and provider code of an exception, and its response's headers.

    Never its text: that may repeat the prompt or a key.
    """
    fields: Fields = {"error_type": type(error).__name__}
    received = pick(told_by(error, "response"), "headers")
    if hasattr(received, "raw"):
        add_headers(fields, received)
    status, code = told_by(error, "status_code"), told_by(error, "code")
    add(fields, error_status=as_int(status), error_code=as_str(code))
    sent = pick(told_by(error, "request"), "headers")
    if isinstance(sent, Mapping):
        tried = cast("Mapping[str, str]", sent).get("x-stainless-retry-count", "")
        add(fields, retries=_count(tried.encode()))
    return fields
