"""Make values from a log safe to display and to paste into a shell."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import Final

_CONTROL_PICTURES: Final = 0x2400
_SPACE: Final = 0x20
_DELETE: Final = 0x7F


def sanitize(value: str, limit: int = 1_000) -> str:
    """Return at most `limit` characters of `value`, all printable.

    Control characters become their pictures (ESC: `␛`); characters that reorder, hide or break
    text (bidirectional and zero-width controls, separators, surrogates) `�`, spaces a space.
    """
    value = value[:limit]
    return value if value.isprintable() else "".join(map(_printable, value))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < _SPACE:
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def encodable(value: str) -> str:
    """Return a text with U+FFFD for half a surrogate pair (a cut emoji)."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def grep(name: str, value: str, line: bytes, file: str) -> str:
    """Return the command that finds all records with this value, in the notation of `line`.

    That is grep, where there are lines.
    """
    written = [
        f'"{name}":{space}{json.dumps(value, ensure_ascii=escaped)}'
        for escaped in (False, True)
        for space in (" ", "")
    ]
    # In a wrapped line quotes are escaped, and other formats have other names.
    bare = [value] if _utf8(value) in line else []
    pattern = next((each for each in written if _utf8(each) in line), [*bare, written[0]][0])
    fixed = "" if re.fullmatch(r'[\w": -]*', pattern) else "-F "
    program = next((each for end, each in _COMPRESSED.items() if file.endswith(end)), "grep")
    path = f"./{file}" if file.startswith("-") else file  # else it were an option
    is_part = file.endswith(".parquet")  # which a larger one of its archive replaces
    if is_part or "://" in file:
        path = os.path.dirname(path) or "." if is_part else path  # noqa: PTH120 - of a string
        return f"llmlog find {shlex.quote(value)} {shlex.quote(path)}"
    return f"{program} {fixed}{shlex.quote(pattern)} {shlex.quote(path)}"


_COMPRESSED: Final = {".gz": "zgrep", ".zst": "zstdgrep"}
"""Suffix of a compressed file -> its grep."""


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
