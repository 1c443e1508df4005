"""State shared by all converters of a log: keys of LogState, and claims.

What a reader may set, each of it optional:

LOADING   true while files of the log are yet to be read for the first time. Meanwhile converters
          hold back records whose session or parent another file decides. After removing the key
          the reader calls flush() of every converter once more.
LIVE      true at a flush() of a file that was written to recently. Its last call may be unfinished
          and is kept. Without the key the end of a file ends its last call.

Where neither is set, each file is converted as it comes: the first file that has a call counts it.
"""

from __future__ import annotations

from typing import Final

from llmlog_tui.formats import LogState

LOADING: Final = "loading"
"""Key: files are yet to be read for the first time."""

LIVE: Final = "live"
"""Key: the file being flushed may still grow."""

_CLAIMED: Final = "claimed"


def is_loading(log: LogState) -> bool:
    """Return whether files of the log are yet to be read for the first time."""
    return bool(log.get(LOADING))


def is_live(log: LogState) -> bool:
    """Return whether the file being flushed may still grow."""
    return bool(log.get(LIVE))


def is_claimed(log: LogState, *key: str) -> bool:
    """Return whether a record of the log has taken `key`."""
    return hash(key) in log.get(_CLAIMED, ())


def claim(log: LogState, *key: str) -> bool:
    """Take `key` for one record; False if another record of the log has it already."""
    # The hash, not the text: there is one per record of a log, and 64 bits do not collide.
    taken: set[int] = log.setdefault(_CLAIMED, set())
    number = hash(key)
    if number in taken:
        return False
    taken.add(number)
    return True
