"""Memory that the C library keeps after it was freed."""

from __future__ import annotations

import contextlib
import ctypes


def return_memory() -> None:
    """Return freed memory to the system, where the C library can."""
    # glibc keeps the buffers of the last blocks that were read: up to 40 MB.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
