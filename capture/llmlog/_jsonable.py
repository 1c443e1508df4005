"""Copy any value into plain JSON, bounded in depth, in cycles and in repeated branches."""

from __future__ import annotations

import base64
import math
from collections.abc import Collection, Mapping
from typing import Final, cast

MAX_DEPTH: Final = 64
"""Maximum levels of containers within containers."""

MAX_NODES: Final = 1_000_000
"""Maximum values in one copy."""

MAX_REPEATED_NODES: Final = 20_000
"""Maximum values copied from containers that are already in the copy."""

LEAST_INT: Final = -(2**63)
MOST_INT: Final = 2**63 - 1

_CUT_CYCLE: Final = "[cut: contains itself]"
_CUT_DEPTH: Final = f"[cut: deeper than {MAX_DEPTH} levels]"
_CUT_REPEATED: Final = f"[cut: more than {MAX_REPEATED_NODES:,} repeated values]"
_CUT_NODES: Final = f"[cut: more than {MAX_NODES:,} values]"


def jsonable(value: object) -> object:
    """Return a copy of `value` that every JSON reader accepts.

    Objects, and integers over 64 bits, become text; NaN and infinities null; bytes their text or a
    data URL. A branch that is too deep, contains itself or repeats too often becomes a text that
    begins with `[cut:`. Never raises.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return _Copy().container(cast("Collection[object]", value))
    return _leaf(value)


def _leaf(value: object) -> object:
    if isinstance(value, int):
        return value if LEAST_INT <= value <= MOST_INT else _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (bytes, bytearray)):
        return _bytes(value)
    return _text(value)


class _Copy:
    """One copy in the making, and its budgets."""

    def __init__(self) -> None:
        self._nodes = MAX_NODES
        self._repeated = MAX_REPEATED_NODES
        # Keeps what it has seen alive: the id of a collected object may be given to another.
        self._seen: dict[int, object] = {}
        self._path: set[int] = set()

    def container(self, value: Collection[object]) -> object:
        key = id(value)
        try:
            cut = self._cut(key, len(value))
            if cut:
                return cut
            self._seen[key] = value
            self._path.add(key)
            try:
                return self._copied(value)
            finally:
                self._path.discard(key)
        except Exception:  # noqa: BLE001 - a foreign container can raise anything
            return f"<{type(value).__name__}>"

    def _cut(self, key: int, size: int) -> str | None:
        """Return the placeholder of container `key`; None if within the budgets."""
        if key in self._path:
            return _CUT_CYCLE
        if len(self._path) >= MAX_DEPTH:
            return _CUT_DEPTH
        if key in self._seen:
            self._repeated -= size + 1
            if self._repeated < 0:
                return _CUT_REPEATED
        self._nodes -= size + 1
        return _CUT_NODES if self._nodes < 0 else None

    def _copied(self, value: Collection[object]) -> object:
        # Listed first: another thread may add to it while the items are copied.
        if isinstance(value, Mapping):
            pairs = list(cast("Mapping[object, object]", value).items())
            return {
                key if type(key) is str else _text(key): self._item(item) for key, item in pairs
            }
        return [self._item(item) for item in list(value)]

    def _item(self, value: object) -> object:
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self.container(cast("Collection[object]", value))
        return _leaf(value)


def _bytes(value: bytes | bytearray) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"data:application/octet-stream;base64,{base64.b64encode(value).decode()}"
    return text


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a foreign __str__ can raise anything
        return f"<{type(value).__name__}>"
