"""Keep imports and collected tests exempt from garbage collections.

An App that ends returns everything to the collector, and a full collection would take a second in
a process of all tests. gc.get_freeze_count() takes up to 0.1 s: `unfreeze` sets a flag instead.
"""

from __future__ import annotations

import gc
import threading

freeze = gc.freeze
_unfreeze = gc.unfreeze
_is_unfrozen = threading.Event()
_is_unfrozen.set()  # what tests before the first of the dashboard left in caches stays, too


def unfreeze() -> None:
    """Return what is frozen to the garbage collector, as gc.unfreeze() does."""
    _unfreeze()
    _is_unfrozen.set()


gc.unfreeze = unfreeze


def freeze_again() -> None:
    """Exempt everything again if any test or App since has returned it to the collector."""
    if _is_unfrozen.is_set():
        gc.collect()
        freeze()
        _is_unfrozen.clear()
