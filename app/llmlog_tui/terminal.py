"""What a terminal can show, as far as its user's environment says."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Final, TextIO

_NARROW: Final = frozenset(("linux", "dumb"))
"""Values of TERM whose fonts lack most of the signs: a console of Linux, and one without any."""

_UTF_8: Final = re.compile(r"utf-?8", re.IGNORECASE)
_COERCED: Final = frozenset(("C.UTF-8", "C.utf8", "UTF-8"))
"""What Python sets LC_CTYPE to where it finds the locale C (PEP 538)."""


def is_ascii_only(
    environment: Mapping[str, str], encoding: str, *, utf8_mode: bool, setting: bool | None = None
) -> bool:
    """Whether only ASCII is to be sent to the terminal, whose stream has this encoding.

    LLMLOG_ASCII=1 says that it is, 0 that it is not; without it the user's `setting` counts. Else
    it is where TERM stands for few signs, and where locale or encoding are other than UTF-8; where
    no locale is set, as in containers, nobody has said so. `utf8_mode` is sys.flags': on where
    Python found the locale C, whose LC_CTYPE may then be Python's own.
    """
    if said := environment.get("LLMLOG_ASCII"):
        return said != "0"
    if setting is not None:
        return setting
    if environment.get("TERM") in _NARROW or not _UTF_8.search(encoding):
        return True
    values = {name: environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")}
    if utf8_mode and not values["LC_ALL"] and values["LC_CTYPE"] in _COERCED:
        values["LC_CTYPE"] = ""
    locale = next(filter(None, values.values()), "")
    return bool(locale) and not _UTF_8.search(locale)


def takes_ascii_only(stream: TextIO) -> bool:
    """Whether a stream of this process is a terminal that is to be sent ASCII only."""
    utf8_mode = bool(sys.flags.utf8_mode)
    return stream.isatty() and is_ascii_only(os.environ, stream.encoding, utf8_mode=utf8_mode)


def detach_stdin() -> int:
    """Return standard input as another descriptor, and put the terminal in its place for keys.

    Without a terminal, standard input stays in place.
    """
    detached = os.dup(0)
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return detached
    os.dup2(terminal, 0)
    os.close(terminal)
    return detached
