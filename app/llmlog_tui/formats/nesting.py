"""Records inside the objects of structured loggers, such as structlog, loguru, GCP, Datadog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from llmlog_tui.formats import Item
from llmlog_tui.formats.json_text import load, object_behind_text
from llmlog_tui.formats.llmlog import TIME_KEYS

_KEYS: Final = (
    "record",
    "extra",
    "message",
    "msg",
    "log",
    "data",
    "payload",
    "jsonPayload",
    "textPayload",
    "fields",
    "attributes",
    "content",
    "body",
    "event",
    "context",
)
"""Where loggers and their shippers put what an application logged."""

_MAX_DEPTH: Final = 3


class Nested(NamedTuple):
    """An object inside another object; `is_named`: under keys of loggers alone."""

    item: Item
    is_named: bool


def nested(item: Item) -> Iterator[Nested]:
    """Yield the objects inside an object, the likeliest first, of texts the objects they hold."""
    yield from _named(item, 1)
    for key, value in item.items():
        if key not in _KEYS and isinstance(value, dict):
            yield Nested(value, is_named=False)


def _named(item: Item, depth: int) -> Iterator[Nested]:
    inside = [found for key in _KEYS if (found := _object(item.get(key))) is not None]
    for each in inside:
        yield Nested(each, is_named=True)
    if depth < _MAX_DEPTH:
        for each in inside:
            yield from _named(each, depth + 1)


def _object(value: object) -> Item | None:
    """Return an object, or the one a text holds or ends with."""
    if isinstance(value, str) and value[-1:] == "}":
        if value[:1] != "{":
            found = object_behind_text(value.encode(errors="replace"))
            return None if found is None else found[1]
        value = load(value)
    return value if isinstance(value, dict) else None


def time_of(item: Item) -> object:
    """Return the time a logger gave an object, None if there is none."""
    for key in TIME_KEYS:
        value = item.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return value
    record = item.get("record")
    time = record.get("time") if isinstance(record, dict) else None  # loguru
    return time.get("timestamp") if isinstance(time, dict) else None
