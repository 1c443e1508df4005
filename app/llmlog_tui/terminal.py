"""Detect whether a terminal shows ASCII only, and free standard input for keys."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Final, TextIO

_FEW_GLYPHS: Final = frozenset(("linux", "dumb"))
"""Values of TERM whose fonts lack most signs: the Linux console, and dumb terminals."""

_UTF_8: Final = re.compile(r"utf-?8", re.IGNORECASE)
_COERCED: Final = frozenset(("C.UTF-8", "C.utf8", "UTF-8"))
"""Values that Python sets LC_CTYPE to in the locale C (PEP 538)."""


def is_ascii_only(
    environment: Mapping[str, str], encoding: str, *, utf8_mode: bool, setting: bool | None = None
) -> bool:
    """Return whether to send only ASCII to a terminal whose stream has this encoding.

    Decided by LLMLOG_ASCII (0 or 1), else by the user's `setting`, else by TERM, locale and
    encoding: ASCII unless the last two are UTF-8. An unset locale, as in containers, does not
    count. `utf8_mode` is sys.flags.utf8_mode: on in the locale C, where LC_CTYPE may be Python's.
    """
    if override := environment.get("LLMLOG_ASCII"):
        return override != "0"
    if setting is not None:
        return setting
    if environment.get("TERM") in _FEW_GLYPHS or not _UTF_8.search(encoding):
        return True
    values = {name: environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")}
    if utf8_mode and not values["LC_ALL"] and values["LC_CTYPE"] in _COERCED:
        values["LC_CTYPE"] = ""
    locale = next(filter(None, values.values()), "")
    return bool(locale) and not _UTF_8.search(locale)


def takes_ascii_only(stream: TextIO) -> bool:
    """Return whether a stream of this process is a terminal that needs ASCII."""
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
