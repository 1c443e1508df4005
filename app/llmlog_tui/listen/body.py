"""Bodies of HTTP requests: whole or in chunks, compressed or not, never beyond a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from email.message import Message
from io import BufferedIOBase
from typing import Final

MAX_BODY: Final = 20 * 1024 * 1024
"""Maximum bytes of a body, compressed and decompressed; collectors have the same limit."""

_CHUNK: Final = 64 * 1024
_MAX_LINE: Final = 1_024
_GZIP: Final = 16 + zlib.MAX_WBITS


class RequestError(Exception):
    """A request that is refused with an HTTP `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """Return the body of a request as it was sent; raises RequestError."""
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        return b"".join(_chunks(stream))
    length = headers.get("Content-Length", "")
    if not length.isascii() or not length.isdigit():
        raise RequestError(411, "a request needs a Content-Length")
    if int(length) > MAX_BODY:
        raise _too_large()
    body = stream.read(int(length))
    if len(body) < int(length):
        raise RequestError(400, "the body ends too early")
    return body


def discard_body(headers: Message, stream: BufferedIOBase) -> bool:
    """Read and drop a refused request's body; False if it is too long.

    So the client reads the answer: one that still sends when its connection is closed may never
    see it.
    """
    length = headers.get("Content-Length", "0")
    left = int(length) if length.isascii() and length.isdigit() else MAX_BODY + 1
    if "Transfer-Encoding" in headers or left > MAX_BODY:
        return False
    while left:
        size = len(stream.read(min(left, _CHUNK)))
        if not size:
            return False
        left -= size
    return True


def decompress(body: bytes, encoding: str) -> bytes:
    """Return a body without its Content-Encoding; raises RequestError."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise RequestError(415, f"no such Content-Encoding here: {encoding[:40]}")
    stream = zlib.decompressobj(_GZIP if encoding == "gzip" else zlib.MAX_WBITS)
    try:
        found = stream.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise RequestError(400, f"the body is no {encoding}") from error
    if len(found) > MAX_BODY:
        raise _too_large()
    if not stream.eof:
        raise RequestError(400, "the body ends too early")
    return found


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """Yield the chunks of a body; raises RequestError."""
    left = MAX_BODY
    while size := _chunk_size(stream):
        left -= size
        if left < 0:
            raise _too_large()
        chunk = stream.read(size)
        if len(chunk) < size or stream.readline(_MAX_LINE).strip():
            raise RequestError(400, "a chunk of the body is broken")
        yield chunk
    while stream.readline(_MAX_LINE).strip():  # trailers
        pass


def _chunk_size(stream: BufferedIOBase) -> int:
    text = stream.readline(_MAX_LINE).split(b";")[0].strip()
    try:
        return int(text, 16)
    except ValueError as error:
        raise RequestError(400, "a chunk of the body is broken") from error


def _too_large() -> RequestError:
    return RequestError(413, f"a body has at most {MAX_BODY // 1024**2} MiB")
