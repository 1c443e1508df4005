"""Server-sent events as bytes: parse them, and take one kind of them out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from llmlog._foreign import as_list, as_object, attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_UTF8_BOM: Final = b"\xef\xbb\xbf"


def parse_sse(blocks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Any]]:
    """Yield the JSON of each event in (arrival time, bytes) blocks, with that time.

    Lines may end in LF, CR or both. JSON lines without `data:` are read as well.
    """
    event = _Event()
    at_ns = 0
    for at_ns, line in _lines(blocks):
        if line:
            event.add(line)
        else:
            yield from ((at_ns, item) for item in event.take())
    # A server may leave the last blank line out.
    yield from ((at_ns, item) for item in event.take())


def _lines(blocks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    remainder = b""
    at_ns = 0
    is_first = after_cr = True
    for at_ns, block in blocks:
        # The LF of a CR LF may come with the next block: it ends no further line.
        if after_cr and block.startswith(b"\n"):
            block = block[1:]  # noqa: PLW2901 - without its first byte
        after_cr = block.endswith(b"\r")
        *lines, remainder = _END_OF_LINE.split(remainder + block)
        for line in lines:
            yield at_ns, line.removeprefix(_UTF8_BOM) if is_first else line
            is_first = False
    if remainder:
        yield at_ns, remainder


_END_OF_LINE: Final = re.compile(rb"\r\n|\n|\r")


class _Event:
    """The lines of one event."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[bytes] = []

    def add(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if name == b"data" and colon:
            self._data.append(value)
        elif name == b"event":
            self._name = value.strip().decode("utf-8", "replace")
        elif line.startswith(b"{"):
            self._data.append(line)

    def take(self) -> list[Any]:
        """Return the JSON objects of the event, and begin the next."""
        data, name = self._data, self._name
        self._data, self._name = [], ""
        if not data:
            return []
        found = parsed(b"\n".join(data)) if len(data) > 1 else None
        # Some servers put an event on each line, without a blank one between.
        items = [found] if found is not None else map(parsed, data)
        return [_named(item, name) for item in items if item is not None]


def _named(item: object, name: str) -> object:
    members = as_object(item)
    return {**members, "type": name} if name and members and "type" not in members else item


def parsed(body: bytes) -> object:
    """Return the JSON value in `body`; None if it is no JSON, such as `[DONE]`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def looks_like_sse(body: bytes) -> bool:
    """Return whether `body` begins as server-sent events do."""
    return body.lstrip(_UTF8_BOM + b"\r\n").startswith((b"data:", b"event:", b": ", b"id:"))


class UsageChunkFilter:
    """A filter that removes the chunk with nothing but token counts from a stream's bytes."""

    def __init__(self) -> None:
        self._remainder = b""

    def feed(self, block: bytes) -> bytes:
        """Return the events completed by `block`, without the one with the counts."""
        *parts, remainder = _END_OF_EVENT.split(self._remainder + block)
        # Every second part is the separator after an event.
        events = zip(parts[::2], parts[1::2], strict=True)
        passed = b"".join(event + end for event, end in events if not _is_usage_chunk(event))
        self._remainder = remainder
        return passed

    def rest(self) -> bytes:
        """Return the bytes after the last event."""
        return b"" if _is_usage_chunk(self._remainder) else self.give_up()

    def give_up(self) -> bytes:
        """Return the bytes that were held back."""
        rest, self._remainder = self._remainder, b""
        return rest


_END_OF_EVENT: Final = re.compile(rb"(\r\n\r\n|\n\n|\r\r)")


def _is_usage_chunk(event: bytes) -> bool:
    if b'"usage"' not in event:
        return False
    chunks = [attributes(chunk) for _, chunk in parse_sse([(0, event)])]
    return bool(chunks) and all(
        chunk.get("usage") is not None and not as_list(chunk.get("choices")) for chunk in chunks
    )
