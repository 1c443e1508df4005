"""Read objects of the SDK, its HTTP library or the server defensively.

They come as typed objects or as plain JSON. Any part may be missing, null or of the wrong type; it
is then unknown (None).
"""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias, cast

Fields: TypeAlias = dict[str, object]

Foreign: TypeAlias = Any
"""An object of a library or server whose version is not ours to choose."""


def get_path(value: object, *path: str) -> Foreign:
    """Follow names through objects and mappings; None where the path ends."""
    for name in path:
        if value is None:
            return None
        if isinstance(value, dict):
            value = cast("Fields", value).get(name)
        else:
            value = getattr(value, name, None)
    return value


def safe_getattr(value: object, name: str) -> Foreign:
    """Return an attribute; None if it is missing or its property raises."""
    try:
        return getattr(value, name, None)
    # httpx2's errors raise RuntimeError from `.request` while it is not set.
    except Exception:  # noqa: BLE001
        return None


_NOTHING: Final[Fields] = {}


def attributes(value: Foreign) -> Fields:
    """Return an object's or mapping's values by name; not a copy."""
    if value is None:
        return _NOTHING
    if type(value) is dict:
        return cast("Fields", value)
    # One look at a pydantic model's __dict__ is faster than getattr for each field.
    try:
        known: Fields = value.__dict__
        unknown: Fields | None = value.__pydantic_extra__
    except AttributeError:
        return _NOTHING
    return known | unknown if unknown else known


_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1


def as_int(value: object) -> int | None:
    """Return a whole number of up to 64 bits as int; None for anything else."""
    # `type(...) is`, because True is an int by isinstance and no count.
    if type(value) is not int:
        if not isinstance(value, float) or value != value // 1:
            return None
        value = int(value)
    return value if _MIN_INT <= value <= _MAX_INT else None


def as_float(value: object) -> float | None:
    """Return a finite number as float; None for anything else."""
    if type(value) is int and _MIN_INT <= value <= _MAX_INT:
        return float(value)
    return value if isinstance(value, float) and math.isfinite(value) else None


def as_count(value: object) -> int | None:
    """Return a whole number of 0 or more as int; None for anything else."""
    number = as_int(value)
    return number if number is not None and number >= 0 else None


def as_cost(value: object) -> float | None:
    """Return an amount of 0 or more, as number or text; None for anything else."""
    if isinstance(value, str) and len(value) <= _MAX_AMOUNT:
        try:
            value = float(value)
        except ValueError:
            return None
    amount = as_float(value)
    return amount if amount is not None and amount >= 0 else None


_MAX_AMOUNT: Final = 40
"""Maximum characters of an amount in text."""


def as_text(value: object) -> str | None:
    """Return non-empty text, or an integer as text; None for anything else."""
    if type(value) is int and _MIN_INT <= value <= _MAX_INT:
        return str(value)
    return value if isinstance(value, str) and value else None


def as_str(value: object) -> str | None:
    return value if isinstance(value, str) else None


def as_object(value: object) -> Fields | None:
    """Return a JSON object; None for anything else."""
    return cast("Fields", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Foreign]:
    # Of a value that is none, an empty list.
    found: list[Foreign] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
    return found


def to_json(value: Foreign) -> Foreign:
    """Return typed objects, alone or in a list or mapping, as JSON; other values unchanged."""
    if items := as_list(value):
        return [_dumped(item) for item in items]
    if type(value) is dict:
        return {name: _dumped(item) for name, item in cast("Fields", value).items()}
    return _dumped(value)


def _dumped(value: Foreign) -> Foreign:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True, warnings=False) if dump else value


def set_known(fields: Fields, **values: object) -> None:
    """Set those of `values` that are not None."""
    for name, value in values.items():
        if value is not None:
            fields[name] = value
