"""Times of other tools' records: moments in ns since 1970, and ms between them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from llmlog.record import timestamp
from llmlog_tui.formats.vocabulary import DIGITS, integer, number

NS_PER_MS: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(value: object) -> int | None:
    """Return a moment in ns since 1970, from RFC 3339 text or an epoch.

    Text without an offset is UTC. An epoch may be in s, ms, us or ns, by its magnitude, and may be
    text.
    """
    if isinstance(value, str) and (_is_dated(value) or not _NUMERIC.fullmatch(value)):
        return _rfc3339(value)
    found: int | float | None = integer(value) if _is_integral(value) else number(value)
    if not found or found < 0:
        return None
    for limit, factor in _EPOCH_UNITS:
        if found < limit:
            ns = (
                found * factor if isinstance(found, int) else round(found * 1_000) * factor // 1_000
            )
            return ns if ns < MAX_NS else None
    return None


_NUMERIC: Final = re.compile(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_EPOCH_UNITS: Final = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (2**63, 1))
MAX_NS: Final = 253_402_214_400 * 10**9
"""End of the year 9999, the last that Python has."""


def _is_integral(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and bool(DIGITS.fullmatch(value)))


def _is_dated(value: str) -> bool:
    """Return whether a text begins like a date; no number does."""
    return value[4:5] == "-" and value[:4].isdecimal()


def _rfc3339(value: str) -> int | None:
    try:
        moment = datetime.fromisoformat(value if len(value) <= _MAX_PLAIN_TIME else _plain(value))
    except ValueError:
        try:
            moment = datetime.fromisoformat(_plain(value))
        except ValueError:
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return (moment - EPOCH) // _MICROSECOND * 1_000
    except OverflowError:
        return None


def _plain(time: str) -> str:
    """Return a time without quotes, and without digits that fromisoformat does not take."""
    written = time.strip().strip('"')
    return _FRACTION.sub(r"\1", written) if len(written) > _MAX_PLAIN_TIME else written


_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_PLAIN_TIME: Final = len("2026-11-20T10:00:00.123456")
# fromisoformat of Python 3.11 takes at most six digits.
_FRACTION: Final = re.compile(r"(\.[0-9]{6})[0-9]+")


def ts_at(ns: int | None) -> str | None:
    """Return ns since 1970 as field `ts`; None outside 1970 to 9999."""
    return timestamp(ns) if ns is not None and 0 <= ns < MAX_NS else None


def ms_between(begin: int | None, end: int | None) -> int | None:
    """Return the ms between two moments in ns; never negative."""
    if begin is None or end is None:
        return None
    return max(0, round((end - begin) / NS_PER_MS))
