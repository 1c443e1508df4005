"""Values from a log, made harmless: shown, never obeyed."""

from __future__ import annotations

import json
import re
import shlex
from typing import Final

_CONTROL_PICTURES: Final = 0x2400
_SPACE: Final = 0x20
_DELETE: Final = 0x7F


def sanitize(value: str, limit: int = 1_000) -> str:
    """At most `limit` characters of `value`, all of them printable.

    Control characters appear as their pictures (ESC as `␛`); what reorders, hides or breaks text
    (bidirectional and zero-width controls, separators, surrogates) as `�`, spaces as a space.
    """
    value = value[:limit]
    return value if value.isprintable() else "".join(map(_shown, value))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < _SPACE:
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def grep(name: str, value: str, line: bytes, file: str) -> str:
    """The command that finds all records with this value, written as it stands in `line`."""
    written = [
        f'"{name}":{space}{json.dumps(value, ensure_ascii=escaped)}'
        for escaped in (False, True)
        for space in (" ", "")
    ]
    # In a wrapped line quotes are escaped, and other formats have other names.
    bare = [value] if _utf8(value) in line else []
    pattern = next((each for each in written if _utf8(each) in line), [*bare, written[0]][0])
    fixed = "" if re.fullmatch(r'[\w": -]*', pattern) else "-F "
    reads = next((each for end, each in _PACKED.items() if file.endswith(end)), "grep")
    return f"{reads} {fixed}{shlex.quote(pattern)} {shlex.quote(file)}"


_PACKED: Final = {".gz": "zgrep", ".zst": "zstdgrep"}
"""The grep that reads a compressed file."""


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
