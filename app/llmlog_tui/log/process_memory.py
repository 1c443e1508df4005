"""Memory that the C library keeps after it was freed."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

_KEPT_BYTES: Final = 2**25 - 2**16
"""Bytes of the allocation that raises the limit of freed memory to twice its size.

glibc ignores one of 32 MiB.
"""


def keep_freed_memory() -> None:
    """Let the C library reuse freed memory for the next blocks of a big file."""
    # glibc keeps freed memory up to twice the largest allocation freed so far. If that is less than
    # the blocks in the threads, each gets new pages from the system: half the time of reading.
    bytes(_KEPT_BYTES)


def return_memory() -> None:
    """Return freed memory to the system, where the C library can."""
    # glibc keeps the buffers of the last blocks that were read: up to 50 MB.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
