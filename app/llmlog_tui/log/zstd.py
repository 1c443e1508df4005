"""Read a .zst file like zstandard's own reader, but raise at an early end."""

from __future__ import annotations

from typing import BinaryIO, Final

import zstandard

_FED_BYTES: Final = 1_024
"""Compressed bytes per step: the content may be a thousand times larger."""


class ZstdReader:
    """Reads the frames of an open file in sequence."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""
        self._unpacked = memoryview(b"")

    def read1(self, size: int) -> bytes:
        """Return some of the next `size` bytes, none at the end.

        Raises EOFError if the file ends within a frame, ZstdError if it is damaged.
        """
        while not self._unpacked:
            packed = self._packed or self._file.read(_FED_BYTES)
            if not packed:
                if self._frame:
                    raise EOFError("the last frame is incomplete")
                return b""
            self._feed(packed)
        part, self._unpacked = self._unpacked[:size], self._unpacked[size:]
        return bytes(part)

    def close(self) -> None:
        self._frame = None

    def _feed(self, packed: bytes) -> None:
        frame = self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        self._unpacked = memoryview(frame.decompress(packed))
        self._packed = b""
        if frame.eof:
            self._frame, self._packed = None, frame.unused_data
