"""llmlog's own records, and records of other loggers that use its field names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from llmlog.record import EVENTS
from llmlog_tui.formats import Found, Item, LogState, Record

TIME_KEYS: Final = ("timestamp", "time", "@timestamp", "asctime")
"""Where loggers put a line's time; read as `ts` if there is none."""

CALL_KEYS: Final = (
    "model",
    "requested_model",
    "request_model",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "finish_reason",
)
"""Each of these alone makes an object without an event a model call."""

_EVENTS: Final = frozenset(EVENTS)
_IDENTITY: Final = ("trace_id", "session_id", *CALL_KEYS, "tool_name", "latency_ms")
_MIN_KEYS: Final = 2


def is_own(item: Item) -> bool:
    """Return whether an object is certainly a record: llmlog's event with id or model."""
    event = item.get("event")
    return (
        isinstance(event, str)
        and event in _EVENTS
        and any(item.get(key) is not None for key in _IDENTITY)
    )


def is_record(item: Item) -> bool:
    """Return whether an object is a record by the reader's schema, not foreign."""
    event, trace = item.get("event"), item.get("trace_id")
    if event is not None and (trace is not None or event in EVENTS):
        return True
    return (
        item.get("tool_name") is not None
        or any(item.get(key) is not None for key in CALL_KEYS)
        or (trace is not None and item.get("latency_ms") is not None)
    )


def has_own_keys(item: Item) -> bool:
    """Return whether an object has more keys of a record than by chance.

    An app's own line may have a few.
    """
    keys = sum(item.get(key) is not None for key in _IDENTITY)
    return keys >= _MIN_KEYS and is_record(item)


class _Identity:
    """Records as they are."""

    def feed(self, line: int, item: Item) -> Iterable[Found]:
        return (Found(line, item),)

    def flush(self) -> Iterable[Found]:
        return ()


class _Llmlog:
    """The format of `llmlog.record`."""

    name = "llmlog"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether one of the objects is certainly a record."""
        return any(map(is_own, items))

    def converter(self, log: LogState) -> _Identity:
        """Return a converter that changes nothing."""
        del log
        return _Identity()

    def content(self, item: Item, record: Record) -> Record:
        """Return the object's members beyond the record."""
        return {name: value for name, value in item.items() if name not in record}


LLMLOG: Final = _Llmlog()
