"""Values of a query's result as text, and labels of their scales."""

from __future__ import annotations

from collections.abc import Callable

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize

MAX_VALUE = 400
"""Maximum characters of a value."""


def value_text(value: object) -> str:
    """Return a value of any type as text for a table cell."""
    if value is None:
        return humanize.UNKNOWN
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{value:,}" if type(value) is int else sanitize(str(value), MAX_VALUE)


def scale_form(unit: str) -> Callable[[float | None], str]:
    """Return how values of a unit are labelled: `2,000 ms`, `$0.0031`, `40%`, `28.8k`."""
    if unit == "$":
        return humanize.money
    if unit == "%":
        return humanize.percent
    suffix = f" {unit}" if unit in ("ms", "s") else ""

    def form(value: float | None) -> str:
        return humanize.UNKNOWN if value is None else f"{humanize.count_label(value)}{suffix}"

    return form


def with_unit(name: str, unit: str) -> str:
    """Return a column's name, and its unit unless the name has it."""
    clean = sanitize(name, 40)
    is_named = not unit or unit in clean or (unit == "$" and "usd" in clean.lower())
    return clean if is_named else f"{clean}, {unit}"
