"""What a .zst file holds: as zstandard's own reader gives it, but not silent about an early end."""

from __future__ import annotations

from typing import BinaryIO, Final

import zstandard

_FED_BYTES: Final = 1_024
"""So little is unpacked at once, because it may be a thousand times as much."""


class ZstdReader:
    """The frames of an open file, one after the other."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""
        self._unpacked = memoryview(b"")

    def read1(self, size: int) -> bytes:
        """Some of the next `size` bytes, none at the end.

        Raises EOFError if the file ends within a frame, ZstdError if it is damaged.
        """
        while not self._unpacked:
            packed = self._packed or self._file.read(_FED_BYTES)
            if not packed:
                if self._frame:
                    raise EOFError("the last frame is not whole")
                return b""
            self._feed(packed)
        part, self._unpacked = self._unpacked[:size], self._unpacked[size:]
        return bytes(part)

    def close(self) -> None:
        """Let go of the frame; the file is the caller's."""
        self._frame = None

    def _feed(self, packed: bytes) -> None:
        frame = self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        self._unpacked = memoryview(frame.decompress(packed))
        self._packed = b""
        if frame.eof:
            self._frame, self._packed = None, frame.unused_data
