"""JSON values in lines of text: decoding, UTF-16, and text around an object."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson

NOTHING: Final = object()
"""What load() returns for text that is no JSON."""

_MAX_STARTS: Final = 4
"""Maximum number of places in a line where an object may begin."""

_ANSI: Final = re.compile(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]")
_START: Final = re.compile(rb'\{ ?"')
_BOM: Final = b"\xef\xbb\xbf"


def load(text: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value a text holds, NOTHING if it holds none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _load_leniently(text)


def _load_leniently(text: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    # orjson refuses lone surrogates and huge numbers, which other writers do write.
    closing = text.rstrip()[-1:]
    if closing not in (b"}", b"]", "}", "]"):
        return NOTHING
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return NOTHING


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def dump(item: dict[str, Any]) -> bytes:
    """Return an object as a line of JSON without its newline."""
    try:
        return orjson.dumps(item, default=str)
    except (TypeError, RecursionError):  # a lone surrogate, an integer over 64 bits, too deep
        return json.dumps(item, default=str).encode()


def load_repaired(text: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value, with U+FFFD for half a surrogate pair; raises orjson.JSONDecodeError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.loads(replace_lone_surrogates(text))


def replace_lone_surrogates(text: bytes) -> bytes:
    """Return JSON with U+FFFD for half a surrogate pair, all else unchanged."""
    if _SURROGATE.search(text) is None:
        return text
    return _ESCAPE.sub(lambda escape: escape[1] or rb"\ufffd", text)


_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE: Final = re.compile(
    rb"(\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\(?!u[dD][89a-fA-F]).)|\\u[dD]\w{3}"
)
"""An escape; its group is empty for a surrogate without its other half."""


def object_behind_text(text: bytes) -> tuple[bytes, dict[str, Any]] | None:
    """Return the object that ends a line which begins with other text, and its JSON.

    None if there is none. The text may hold whole objects itself, but no part of the one that ends
    the line: of a torn object no inner one is taken.
    """
    if b"\x1b" in text:
        text = _ANSI.sub(b"", text)
    text = text.rstrip()
    if text[:1] == b"{" or not text.endswith(b"}"):
        return None
    end = 0
    for _ in range(_MAX_STARTS):
        match = _START.search(text, end)
        if match is None or (end and not text[end : match.start()].strip()):
            return None
        found = load(text[match.start() :])
        if isinstance(found, dict):
            return text[match.start() :], found
        length = _length_of_object(text[match.start() :])
        if length is None:
            return None
        end = match.start() + length
    return None


def _length_of_object(text: bytes) -> int | None:
    """Return the byte length of a text's leading object; None if it is incomplete."""
    decoded = text.decode(errors="surrogateescape")
    try:
        _, end = json.JSONDecoder().raw_decode(decoded)
    except (ValueError, RecursionError):
        return None
    return len(decoded[:end].encode(errors="surrogateescape"))


def without_bom(line: bytes) -> bytes:
    """Return the line without a UTF-8 byte order mark."""
    return line.removeprefix(_BOM)


class Utf16:
    """Lines of UTF-16 text, cut at each byte 0x0A, as UTF-8.

    NULs reveal a line that a shell appended to a file of another encoding. A character with
    0x0A among its bytes is cut, too: such a line comes with the next one.
    """

    def __init__(self, *, big_endian: bool = False) -> None:
        self.big_endian = big_endian
        self.has_objects = False
        """Whether a line of such text was an object."""
        self._carry = b""
        self._lines: list[int] = []

    @property
    def is_inside_line(self) -> bool:
        """Whether a line has begun whose end is still to come."""
        return bool(self._lines)

    def is_likely(self, data: bytes) -> bool:
        """Return whether a line's NULs are the high bytes of characters."""
        if self._lines:
            return data[:2] != b'{"'
        return data.count(0) * _MAX_BYTES_PER_NUL >= len(data)

    def feed(self, line: int, data: bytes) -> tuple[list[int], bytes] | None:
        """Return a complete line and its line numbers; None if the line continues."""
        whole = self._carry + data
        lines = [*self._lines, line]
        text = self._decoded(whole)
        if text is not None and _is_cut(text) and len(lines) <= _MAX_CUTS:
            self._carry, self._lines = whole + b"\n", lines
            return None
        self._carry, self._lines = b"", []
        self.has_objects |= text is not None and text.startswith("{") and text.endswith("}")
        return lines, whole if text is None else text.encode()

    def flush(self) -> list[int]:
        """Return the lines that were kept for an end that did not come."""
        lines, self._carry, self._lines = self._lines, b"", []
        return lines

    def _decoded(self, data: bytes) -> str | None:
        if data.startswith((_LITTLE, _BIG)):
            self.big_endian = data.startswith(_BIG)
            data = data[2:]
        if not self.big_endian:
            data = data.removeprefix(b"\0")  # the second half of the newline before
        pairs = data[: len(data) - len(data) % 2]
        try:
            text = pairs.decode("utf-16-be" if self.big_endian else "utf-16-le")
        except UnicodeDecodeError:
            return None
        return text.strip("\r\n ")


_LITTLE, _BIG = b"\xff\xfe", b"\xfe\xff"
_MAX_CUTS: Final = 64
_MAX_BYTES_PER_NUL: Final = 4


def _is_cut(text: str) -> bool:
    return text.startswith("{") and not text.endswith("}")
