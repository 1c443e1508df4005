"""Merge a stream's deltas into the value of an equivalent unstreamed answer."""

from __future__ import annotations

from typing import Final, cast

from llmlog._foreign import Fields, Foreign, as_int, as_list, as_object

_REPEATED: Final = frozenset(
    {"id", "type", "role", "name", "object", "index", "call_id", "format", "mime_type", "url"}
)
"""Members that chunks repeat, where those of other names are continued."""

_CONTINUED_ITEMS: Final = frozenset(
    {"text", "thinking", "output_text", "reasoning.text", "reasoning.summary"}
)
"""Types of list items that the next item of the same type continues."""

_MAX_DEPTH: Final = 16
"""Maximum levels merged; below them the latest value replaces the one before."""


class _Text:
    """Text in pieces, joined once."""

    __slots__ = ("pieces",)

    def __init__(self, piece: str) -> None:
        self.pieces = [piece]


def merge(into: object, part: object, name: str = "", depth: int = 0) -> object:
    """Return `into`, an earlier result or None, continued by `part` (JSON)."""
    if part is None or depth > _MAX_DEPTH:
        return into if part is None else part
    if into is None:
        return _start(part, depth)
    if isinstance(into, _Text):
        return _continue_text(into, part, name, depth)
    if (members := as_object(into)) is not None:
        return _continue_object(members, part, depth)
    if isinstance(into, list):
        items = as_list(cast("object", into))
        for item in _items(part):
            _add_item(items, item, depth)
        return items
    return part


def plain(merged: object, depth: int = 0) -> Foreign:
    """Return the result of `merge` as JSON."""
    if isinstance(merged, _Text):
        return "".join(merged.pieces)
    # Deeper values were not merged, and may be nested as deep as a parser goes.
    if depth > _MAX_DEPTH + 1:
        return merged
    if (members := as_object(merged)) is not None:
        return {name: plain(value, depth + 1) for name, value in members.items()}
    if isinstance(merged, list):
        return [plain(item, depth + 1) for item in as_list(cast("object", merged))]
    return merged


def _start(part: object, depth: int) -> object:
    if isinstance(part, str):
        return _Text(part)
    if depth > _MAX_DEPTH:
        return part
    if (members := as_object(part)) is not None:
        return {name: merge(None, value, name, depth + 1) for name, value in members.items()}
    if isinstance(part, list):
        items: list[object] = []
        for item in as_list(cast("object", part)):
            _add_item(items, item, depth)
        return items
    return part


def _continue_text(into: _Text, part: object, name: str, depth: int) -> object:
    if isinstance(part, str):
        if name not in _REPEATED or into.pieces == [""]:
            into.pieces.append(part)
        return into
    if isinstance(part, list):  # text, then items: the text becomes the first of them
        items: list[object] = [] if into.pieces == [""] else [_text_item(plain(into))]
        return merge(items, cast("object", part), name, depth)
    return [into, _start(part, depth)]


def _continue_object(into: Fields, part: object, depth: int) -> object:
    members = as_object(part)
    if members is None:
        return [into, _start(part, depth)]
    for name, value in members.items():
        into[name] = merge(into.get(name), value, name, depth + 1)
    return into


def _items(part: object) -> list[object]:
    if isinstance(part, str):
        return [_text_item(part)] if part else []
    return as_list(cast("object", part)) if isinstance(part, list) else [part]


def _text_item(text: str) -> object:
    return {"type": "text", "text": text}


def _add_item(items: list[object], item: object, depth: int) -> None:
    known = as_object(item) or {}
    continued = _continued(items, known)
    if continued is not None:
        merge(continued, item, "", depth + 1)
    elif item is not None:
        items.append(_start(item, depth + 1))


def _continued(items: list[object], known: Fields) -> Fields | None:
    """Return the item that an item with the members `known` continues, if there is one."""
    objects = [item for each in reversed(items) if (item := as_object(each)) is not None]
    kind = known.get("type")
    if (index := as_int(known.get("index"))) is not None:
        for item in objects:
            if item.get("index") == index and plain(item.get("type")) in (kind, None):
                return item
        return None
    if not objects or objects[0] is not items[-1] or kind not in _CONTINUED_ITEMS:
        return None
    return objects[0] if plain(objects[0].get("type")) == kind else None
