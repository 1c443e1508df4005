"""Record fields of response headers and of exceptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from llmlog._foreign import Fields, Foreign, as_int, as_str, get_path, safe_getattr, set_known


def add_headers(fields: Fields, headers: Foreign) -> None:
    """Add request id, rate limits and server time from headers of httpx2 or httpx."""
    # The raw pairs, because a look-up by name lower-cases and decodes all of them.
    for raw_name, raw_value in headers.raw:
        known = _HEADERS.get(raw_name) or _HEADERS.get(raw_name.lower())
        if known is not None and known[0] not in fields:
            name, read = known
            if (value := read(raw_value)) is not None:
                fields[name] = value


_DURATION: Final = r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|d|h|m|s)"
_MS_OF_UNIT: Final = {
    "d": 864e5,
    "h": 36e5,
    "m": 6e4,
    "s": 1e3,
    "ms": 1.0,
    "us": 1e-3,
    "µs": 1e-3,
    "ns": 1e-6,
}

# Longer numbers are no counts, and int() of a long text takes quadratic time.
_MAX_DIGITS: Final = 18


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _duration(value: bytes) -> int | None:
    return duration_ms(_text(value))


def duration_ms(text: str) -> int | None:
    """Parse `6m0s`, `17ms`, `1h2m3.5s`, `0` or `7.66` (seconds) into milliseconds."""
    text = text.strip()
    # Four units, each with its number, are the longest form there is.
    if len(text) > 4 * _MAX_DIGITS:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return round(float(text) * 1000)
    parts = re.findall(_DURATION, text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return round(sum(float(number) * _MS_OF_UNIT[unit] for number, unit in parts))


def _count(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= _MAX_DIGITS else None


def _ms(value: bytes) -> int | None:
    if value.isdigit() and len(value) <= _MAX_DIGITS:
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
    """Return an exception's class, HTTP status and provider code, and its headers' fields.

    Its text is left out: it may repeat the prompt or a key, so the content policy decides.
    """
    fields: Fields = {"error_type": type(error).__name__}
    # Only an APIStatusError has all of these; a timeout has none.
    received = get_path(safe_getattr(error, "response"), "headers")
    if hasattr(received, "raw"):
        add_headers(fields, received)
    status, code = safe_getattr(error, "status_code"), safe_getattr(error, "code")
    set_known(fields, error_status=as_int(status), error_code=as_str(code))
    sent = get_path(safe_getattr(error, "request"), "headers")
    if isinstance(sent, Mapping):
        # The SDK numbers each attempt in the request: on failure that is the only trace of retries.
        attempt = cast("Mapping[str, str]", sent).get("x-stainless-retry-count", "")
        set_known(fields, retries=_count(attempt.encode()))
    return fields
