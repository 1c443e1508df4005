"""Format numbers and times for people: one unit, few digits, `–` for unknown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Final

UNKNOWN: Final = "–"
CSV_TIME: Final = "%Y-%m-%dT%H:%M:%S%.6fZ"
"""polars format of times in CSV files: that of the record's ts."""

_EXACT_BELOW: Final = 10_000
_EXACT_LABEL: Final = 10
_SECOND: Final = 1_000.0
_MINUTE: Final = 60_000.0
_HOUR: Final = 3_600_000.0


def integer(number: float | None) -> str:
    """Return 2870 as `2,870`."""
    return UNKNOWN if number is None else f"{number:,.0f}"


def plural(number: int, what: str, several: str = "") -> str:
    """Return `1 call`, `1,204 calls`; `several` is an irregular plural."""
    return f"{number:,} {what if number == 1 else several or f'{what}s'}"


def count(number: float | None) -> str:
    """Return `9,999`, `28.8k`, `1.20M`: exact below 10,000, then three digits."""
    if number is None or number < _EXACT_BELOW:
        return integer(number)
    for size, letter in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if number < size * 999.5:
            return f"{_three_digits(number / size)}{letter}"
    return f"{number:.3g}"


def count_label(number: float | None) -> str:
    """Return count(), with a fraction if it is small: the label of a scale."""
    is_small = number is not None and 0 < number < _EXACT_LABEL
    return f"{number:.2g}" if is_small else count(number)


def fit_number(number: float | None, width: int) -> str:
    """Return all digits if they fit, else count(), else a power of ten."""
    if number is None:
        return UNKNOWN
    exact = integer(number)
    if len(exact) <= width:  # as most do
        return exact
    texts = (count(number), f"{number:.0e}")
    return next((text for text in texts if len(text) <= width), "#" * width)


def duration(milliseconds: float | None) -> str:
    """Return `412 ms`, `2.87 s`, `4 min 10 s`, `2 h 5 min`."""
    if milliseconds is None or not math.isfinite(milliseconds):  # a sum that overflowed
        return UNKNOWN
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 99.95 * _SECOND:
        return f"{_three_digits(milliseconds / _SECOND)} s"
    if milliseconds < _HOUR:
        minutes, rest = divmod(round(milliseconds / _SECOND), 60)
        return f"{minutes} min {rest} s"
    hours, rest = divmod(round(milliseconds / _MINUTE), 60)
    return f"{hours:,} h {rest} min"


def rough_duration(milliseconds: float) -> str:
    """Return `640 ms`, `4.1 s`, `38 s`: two digits, for estimates."""
    if milliseconds < 995:
        return f"{round(milliseconds, -1) if milliseconds >= 99.5 else milliseconds:.0f} ms"
    if milliseconds >= _MINUTE:
        return duration(milliseconds)
    seconds = milliseconds / _SECOND
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def percent(share: float | None) -> str:
    """Return 0.061 as `6.1%`, 0.83 as `83%`."""
    if share is None:
        return UNKNOWN
    return f"{share * 100:.1f}%" if 0 < share < 0.0995 else f"{share * 100:.0f}%"


def rate(per_second: float) -> str:
    """Return `8`, or `0.4`: with one decimal below ten, unless it is zero."""
    return f"{per_second:.1f}".removesuffix(".0") if per_second < 9.95 else integer(per_second)


def dollars(usd: float | None, width: int) -> str:
    """Return `0.0038`, `12.41`, `1,204` or `28.8k`: at most `width` cells, without `$`.

    Amounts that would round to zero are `<0.0001`.
    """
    if usd is None:
        return UNKNOWN
    if usd < 0:
        return f"-{dollars(-usd, width - 1)}"
    if _is_tiny(usd):
        return next(text for text in ("<0.0001", "<.0001", "<1") if len(text) <= max(width, 2))
    fine = f"{usd:.4f}"
    if len(fine) <= width:  # as most do
        return fine
    cents = f"{usd:,.2f}"
    return cents if len(cents) <= width else fit_number(usd, width)


def money(usd: float | None) -> str:
    """Return `<$0.0001`, `$0.0031`, `$4.21`, `$1,204`."""
    if usd is None:
        return UNKNOWN
    if usd < 0:
        return f"-{money(-usd)}"
    if _is_tiny(usd):
        return "<$0.0001"
    if usd < 0.0995:
        return f"${usd:.4f}"
    return f"${usd:,.2f}" if usd < 999.5 else f"${count(usd)}"


def unpriced_mark(usd: float | None, unpriced_calls: int) -> str:
    """Return `+`, to follow a cost that lacks the price of some calls; else nothing."""
    return "+" if usd is not None and unpriced_calls else ""


def caching(saved_usd: float | None) -> str:
    """Return `caching saved $4.21`, or `caching cost $0.0075 more`; empty if neither is known."""
    if not saved_usd:
        return ""
    if saved_usd < 0:
        return f"caching cost {money(-saved_usd)} more"
    return f"caching saved {money(saved_usd)}"


def _is_tiny(usd: float) -> bool:
    """Return whether four decimals would round it to zero."""
    return 0 < usd < 0.00005


def time_label(when: datetime | None, newest: datetime | None, width: int) -> str:
    """Return local time in at most `width` cells, 8 or 12: `14:02:11`, `14:02:11.482`.

    On another day than `newest` the day comes first: `22 Nov`, `22 Nov 14:02`, `22 Nov 2023`.
    """
    if when is None:
        return UNKNOWN
    there = local(when)
    reference = there if newest is None else local(newest)
    wide = width >= len("14:02:11.482")
    if there.date() == reference.date():
        return there.time().isoformat("milliseconds" if wide else "seconds")
    if there.year != reference.year:
        return f"{there:%d %b} {there.year:04}" if wide else f"{there.year:04}-{there:%m}"
    return f"{there:%d %b %H:%M}" if wide else f"{there:%d %b}"


def time_point(when: datetime | None, begin: datetime | None, end: datetime | None) -> str:
    """Return local time of a point between `begin` and `end`: `14:02:11`.

    `22 Nov 14:02` if those are on two days, `22 Nov 2023` if in two years.
    """
    if when is None or begin is None or end is None:
        return UNKNOWN
    there, first, last = local(when), local(begin), local(end)
    if first.date() == last.date():
        return f"{there:%H:%M:%S}"
    if first.year == last.year:
        return f"{there:%d %b %H:%M}"
    return f"{there:%d %b} {there.year:04}"


class _Display:
    zone: tzinfo | None = None


@contextmanager
def in_utc() -> Iterator[None]:
    """Show times in UTC instead of local time within this context, in every thread."""
    before, _Display.zone = _Display.zone, UTC
    try:
        yield
    finally:
        _Display.zone = before


def zone_note() -> str:
    """Return ` UTC` within in_utc(), for titles of times; empty for local time."""
    return "" if _Display.zone is None else " UTC"


def local(when: datetime) -> datetime:
    """Return the instant in local time, in UTC within in_utc()."""
    try:
        return when.astimezone(_Display.zone)
    except (OverflowError, ValueError, OSError):  # near year 1 or 9999
        return when.astimezone(UTC)


def rfc3339(when: datetime | None) -> str | None:
    """Return UTC with microseconds, like the record's ts."""
    if when is None:
        return None
    return when.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def run_label(trace_id: str, name: str | None) -> str:
    """Return the id of a run, shortened, and its name if it has one."""
    return short_id(trace_id) if name is None else f"{short_id(trace_id)} {name[:_MAX_NAME]}"


_MAX_NAME: Final = 40


def step_number(step: int | str | None) -> str:
    """Return the `step` of a record, without separators."""
    return UNKNOWN if step is None else str(step)


def short_id(value: str | None) -> str:
    """Return the first 8 characters."""
    return UNKNOWN if value is None else value[:8]


def _three_digits(number: float) -> str:
    places = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:.{places}f}"


_LEVELS: Final = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float | None]) -> str:
    """Return one cell per value, scaled from zero; blank for None and infinity."""
    known = [value if value is not None and math.isfinite(value) else None for value in values]
    most = max((value for value in known if value is not None), default=0)
    return "".join(
        " " if value is None else _LEVELS[min(7, int(value / most * 8)) if most else 0]
        for value in known
    )
