"""Record batches of an Arrow IPC stream, one at a time, by polars alone."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

import polars as pl

Read = Callable[[int], bytes]
"""Function that returns up to this many bytes, none at the end of the stream."""

_CONTINUATION: Final = b"\xff\xff\xff\xff"
_END: Final = _CONTINUATION + bytes(4)
"""Last bytes of a complete stream."""
_MAX_METADATA: Final = 2**24
"""Bytes; the metadata of a schema with a thousand columns takes a hundredth of that."""
_BODY_LENGTH: Final = 3
"""Number of the field bodyLength in the table Message of Arrow's Message.fbs."""


class BrokenStreamError(Exception):
    """A stream without its end; `rest` begins with the bytes that are no message."""

    def __init__(self, rest: bytes) -> None:
        super().__init__("the stream broke off")
        self.rest = rest


def batches(read: Read) -> Iterator[pl.DataFrame]:
    """Yield each record batch as a frame.

    An answer without rows is one frame without rows. Raises BrokenStreamError for a stream without
    its end, so that an answer never has fewer rows in silence.
    """
    schema = _message(read)
    if schema is None:
        raise BrokenStreamError(b"")
    has_rows = False
    while (batch := _message(read)) is not None:
        has_rows = True
        yield pl.read_ipc_stream(schema + batch + _END)
    if not has_rows:
        yield pl.read_ipc_stream(schema + _END)


def _message(read: Read) -> bytes | None:
    """Return the next message with its body; None at the end of the stream."""
    head = _exactly(read, 8)
    if head == _END:
        return None
    size = int.from_bytes(head[4:], "little")
    if not head.startswith(_CONTINUATION) or size > _MAX_METADATA:
        raise BrokenStreamError(head + read(2**16))
    metadata = _exactly(read, size)
    return head + metadata + _exactly(read, _body_length(metadata))


def _exactly(read: Read, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        more = read(size - len(found))
        if not more:
            raise BrokenStreamError(bytes(found[-(2**16) :]))
        found += more
    return bytes(found)


def _body_length(metadata: bytes) -> int:
    """Return bodyLength of a Message, a flatbuffer: its offset is in the table's vtable."""
    try:
        (table,) = struct.unpack_from("<I", metadata)
        (to_vtable,) = struct.unpack_from("<i", metadata, table)
        vtable = table - to_vtable
        (vtable_size,) = struct.unpack_from("<H", metadata, vtable)
        slot = 4 + 2 * _BODY_LENGTH
        if slot >= vtable_size:
            return 0
        (offset,) = struct.unpack_from("<H", metadata, vtable + slot)
        length: int = struct.unpack_from("<q", metadata, table + offset)[0] if offset else 0
    except struct.error:
        raise BrokenStreamError(metadata) from None
    if length < 0:
        raise BrokenStreamError(metadata)
    return length
