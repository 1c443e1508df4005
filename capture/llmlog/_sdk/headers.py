"""Record fields of response headers and of exceptions, under any server's header names."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, TypeAlias, cast

from llmlog._foreign import (
    Fields,
    Foreign,
    as_cost,
    as_int,
    as_text,
    get_path,
    safe_getattr,
    set_known,
)

_Reader: TypeAlias = Callable[[str, int], object]
"""Reads a header's text, given the time in nanoseconds since 1970."""


class _Known(NamedTuple):
    """The field a header tells; of several headers the one with the lowest rank counts."""

    field: str
    rank: int
    read: _Reader


def add_headers(fields: Fields, headers: Foreign, now_ns: int | None = None) -> None:
    """Add request id, rate limits, server time and cost from headers of httpx2 or httpx."""
    ranks: dict[str, int] = {}
    now_ns = time.time_ns() if now_ns is None else now_ns
    # The raw pairs, because a look-up by name lower-cases and decodes all of them.
    for raw_name, raw_value in headers.raw:
        known = _known_header(raw_name)
        if known is None:
            continue
        field, rank, read = known
        if rank >= ranks.get(field, _NO_RANK if field not in fields else 0):
            continue
        if (value := read(raw_value.decode("utf-8", "replace"), now_ns)) is not None:
            fields[field] = value
            ranks[field] = rank


_NO_RANK: Final = 1000

# Longer numbers are no counts, and int() of a long text takes quadratic time.
_MAX_DIGITS: Final = 18
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


_EPOCH_S: Final = 1_000_000_000
"""Minimum seconds that are a time since 1970, not a duration."""
_EPOCH_MS: Final = 1000 * _EPOCH_S


def ms_until(text: str, now_ns: int) -> int | None:
    """Return the milliseconds until a time, or of a duration.

    A time is Unix seconds or milliseconds, RFC 3339 or an HTTP date.
    """
    text = text.strip()
    duration = duration_ms(text)
    if duration is None:
        at = _date(text)
        return None if at is None else _from_now(at.timestamp() * 1000, now_ns)
    if duration >= _EPOCH_MS * 1000:
        return _from_now(duration / 1000, now_ns)
    return _from_now(duration, now_ns) if duration >= _EPOCH_MS else duration


def _from_now(at_ms: float, now_ns: int) -> int:
    return max(round(at_ms - now_ns / 1e6), 0)


_MAX_DATE: Final = 40
"""Maximum characters of a date."""


def _date(text: str) -> datetime | None:
    if len(text) > _MAX_DATE:
        return None
    try:
        if text[:4].isdigit():
            return datetime.fromisoformat(text)
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None


def _text(value: str, _now_ns: int) -> object:
    return value or None


def _count(value: str, _now_ns: int = 0) -> int | None:
    value = value.strip()
    is_count = value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS
    return int(value) if is_count else None


def _ms(value: str, now_ns: int) -> int | None:
    if (whole := _count(value, now_ns)) is not None:
        return whole
    return round(float(value)) if re.fullmatch(r"[0-9]{1,15}\.[0-9]{1,9}", value) else None


def _cost(value: str, _now_ns: int) -> float | None:
    return as_cost(value)


_REQUEST_IDS: Final = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "apim-request-id",
    "x-ms-request-id",
    "mistral-correlation-id",
    "nvcf-reqid",
    "x-ds-trace-id",
    "x-tt-logid",
    "x-litellm-call-id",
)
"""Names of request ids, the ones that a server's support asks for first."""

_OTHERS: Final[dict[str, _Known]] = {
    **{name: _Known("request_id", rank, _text) for rank, name in enumerate(_REQUEST_IDS)},
    "openai-processing-ms": _Known("server_ms", 0, _ms),
    "x-litellm-response-cost": _Known("reported_cost_usd", 0, _cost),
    # How long to wait is when the limit is reset, where nothing else tells it.
    "retry-after-ms": _Known("ratelimit_reset_requests_ms", 90, _ms),
    "x-ms-retry-after-ms": _Known("ratelimit_reset_requests_ms", 91, _ms),
    "retry-after": _Known("ratelimit_reset_requests_ms", 92, ms_until),
}

_ID_SHAPE: Final = re.compile(r"(?:^|-)(?:request|req|correlation|call)-?id$")
_LIMIT_SHAPE: Final = re.compile(r"rate-?limit|token-?limit")
_WINDOWS: Final = {"second": 1, "minute": 2, "hour": 3, "day": 4, "week": 5, "month": 6}


@functools.lru_cache(maxsize=512)
def _known_header(raw_name: bytes) -> _Known | None:
    name = raw_name.lower().decode("ascii", "replace")
    if (known := _OTHERS.get(name)) is not None:
        return known
    if _ID_SHAPE.search(name):
        return _Known("request_id", len(_REQUEST_IDS), _text)
    return _rate_limit(name) if _LIMIT_SHAPE.search(name) else None


def _rate_limit(name: str) -> _Known | None:
    """Return the field of a header such as `anthropic-ratelimit-input-tokens-limit`."""
    # Some gateways put a name of the server behind them in front: that server's limits come last.
    outer, inner, own = name.rpartition("llm_provider-")
    words = re.sub(r"rate-limit", "ratelimit", own).split("-")
    # In `x-ratelimit-limit` and `ratelimit-limit`, the first word names the kind of header.
    rest = [word for word in words if word not in ("x", "ratelimit", "ratelimitbysize")]
    what = next((word for word in ("remaining", "reset", "limit") if word in rest), None)
    if what is None or "cost" in rest:
        return None
    is_tokens = bool({"token", "tokens", "tokenlimit"} & set(words)) or "ratelimitbysize" in words
    # A limit of only some tokens, or of a longer time, counts where there is no other.
    rank = next((_WINDOWS[word] for word in words if word in _WINDOWS), 0)
    rank += 10 * bool({"input", "prompt"} & set(words)) + 20 * bool(outer or inner)
    rank += 40 * bool({"output", "generated", "completion"} & set(words))
    unit = "tokens" if is_tokens else "requests"
    if what == "reset":
        return _Known(f"ratelimit_reset_{unit}_ms", rank, ms_until)
    return _Known(f"ratelimit_{what}_{unit}", rank, _count)


_CLIENT_ERROR: Final = 400


def _code_of(error: BaseException) -> str | None:
    # Errors of the anthropic package have a cause or, more often, no more than a category.
    names = ("code",) if "code" in dir(error) else ("error_code", "type")
    return next((code for name in names if (code := as_text(safe_getattr(error, name)))), None)


def error_fields(error: BaseException, now_ns: int | None = None) -> Fields:
    """Return an exception's class, HTTP status and provider code, and its headers' fields.

    Its text is left out: it may repeat the prompt or a key, so the content policy decides.
    """
    fields: Fields = {"error_type": type(error).__name__}
    # Only an APIStatusError has all of these; a timeout has none.
    received = get_path(safe_getattr(error, "response"), "headers")
    if hasattr(received, "raw"):
        add_headers(fields, received, now_ns)
    code = _code_of(error)
    status = as_int(safe_getattr(error, "status_code"))
    if status is not None and status < _CLIENT_ERROR:
        status = None  # of a stream that failed in the middle
    if status is None and code is not None and re.fullmatch(r"[45][0-9][0-9]", code):
        status = int(code)  # in the middle of a stream, routers send the status as the code
    set_known(fields, error_status=status, error_code=code)
    sent = get_path(safe_getattr(error, "request"), "headers")
    if isinstance(sent, Mapping):
        # The SDK numbers each attempt in the request: on failure that is the only trace of retries.
        attempt = cast("Mapping[str, str]", sent).get("x-stainless-retry-count", "")
        set_known(fields, retries=_count(attempt))
    return fields
