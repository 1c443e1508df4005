"""Text searched by a redaction rule, a rule's findings, and pattern rules."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote

_LONG_WORD: Final = 16
"""Minimum characters of a word that may be a key with a known prefix."""

_PHONE_WORDS: Final = (
    "phon", "ph.", "ph:", "fon", "tel", "tél", "mob", "cell", "fax", "whats", "sms", "handy",
    "portable", "natel", "móvil", "contact", "call", "dial", "text ", "reach", "ring", "电话",
    "手机", "電話", "携帯",
)  # fmt: skip

compiled: Final = functools.cache(re.compile)
"""Compile a pattern on first use.

An application without content in its log never pays for it.
"""


class Found(NamedTuple):
    """A secret of `kind` in characters `start` to `end` of a text."""

    start: int
    end: int
    kind: str


class Text:
    """A text, with the forms of it that several rules need."""

    def __init__(self, text: str) -> None:
        self.text = text

    @functools.cached_property
    def lower(self) -> str:
        """The text in lower case, each character at its place."""
        lower = self.text.lower()
        if len(lower) == len(self.text):
            return lower
        # Of all characters only U+0130 becomes two.
        return self.text.replace("\u0130", "i").lower()

    @functools.cached_property
    def has_phone_word(self) -> bool:
        """Whether the text has a word that may come before a phone number."""
        return any(word in self.lower for word in _PHONE_WORDS)

    @functools.cached_property
    def long_words(self) -> list[tuple[int, int]]:
        """Where runs of at least 16 characters without white space are."""
        text, found, at = self.text, list[tuple[int, int]](), 0
        for word in text.split():
            if len(word) >= _LONG_WORD:
                at = text.index(word, at)
                found.append((at, at + len(word)))
                at += len(word)
        return found


Rule: TypeAlias = Callable[[Text], Iterable[Found]]
Check: TypeAlias = Callable[[str, int, str], bool]
"""Given the match, where it starts and the whole text: is it a secret?"""


class PatternRule:
    """A rule: a pattern matched at each place of one of its literals.

    The group `secret`, or else all of the match, is the secret. With `any_case` literals and
    pattern are lower case. To keep the search linear, quantifiers are bounded, and no two matches
    may run over the same characters many times.
    """

    def __init__(
        self,
        kind: str,
        literals: tuple[str, ...],
        pattern: str,
        check: Check | None = None,
        *,
        any_case: bool = False,
    ) -> None:
        self._kind = kind
        self._literals = literals
        self._pattern = pattern
        self._check = check
        self._any_case = any_case

    def __call__(self, text: Text) -> Iterator[Found]:
        """Yield the secrets in `text`."""
        searched = text.lower if self._any_case else text.text
        for literal in self._literals:
            at = searched.find(literal)
            while at >= 0:
                match = compiled(self._pattern).match(searched, at)
                at += len(literal)
                if match:
                    start, end = match.span("secret" if match.re.groupindex else 0)
                    if not self._check or self._check(text.text[start:end], start, text.text):
                        yield Found(start, end, self._kind)
                        at = max(at, end)
                at = searched.find(literal, at)


def replaced(text: str, found: Iterable[Found]) -> str:
    """Return `text` with a marker in place of each finding.

    Of overlapping findings the first is replaced; of findings that start together the longest is
    the first.
    """
    merged: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if merged and each.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(each.end, merged[-1].end))
        else:
            merged.append(each)
    kept: list[str] = []
    at = 0
    for start, end, kind in merged:
        kept += text[at:start], f"[redacted:{kind}]"
        at = end
    return "".join((*kept, text[at:])) if merged else text


# Escapes of URLs, of HTML and of JSON.
_ESCAPE: Final = (
    r"(?:%[0-9A-Fa-f]{2}){1,64}|&(?:amp|quot|#\d{2,4}|#x[0-9A-Fa-f]{2,4});|\\u00[0-7][0-9A-Fa-f]"
)
_WORD_ENDS: Final = frozenset(" \t\r\n\"'<>`")
_ROUNDS: Final = 2
"""Maximum levels of escapes within escapes."""


def found_in_escapes(text: str, find: Callable[[str], list[Found]]) -> Iterator[Found]:
    """Yield findings in words with escapes, such as `jane%40example.com`, once they are decoded."""
    if "%" not in text and "&" not in text and "\\u00" not in text:
        return
    words: list[str] = []
    offsets: list[int] = []
    end = 0
    for escape in compiled(_ESCAPE).finditer(text):
        if escape.start() >= end:
            start, end = _word_around(text, escape.start(), escape.end(), end)
            words.append(text[start:end])
            offsets += range(start, end + 1)
    # All at once: rules take their time even for a short text.
    escaped = "\n".join(words)
    for _ in range(_ROUNDS):
        decoded, offsets = _decoded(escaped, offsets)
        if decoded == escaped:
            break
        escaped = decoded
        for found in find(escaped):
            start, end = offsets[found.start], offsets[found.end]
            if _WORD_ENDS.isdisjoint(text[start:end]):
                yield Found(start, end, found.kind)


def _word_around(text: str, start: int, end: int, at_least: int) -> tuple[int, int]:
    while start > at_least and text[start - 1] not in _WORD_ENDS:
        start -= 1
    while end < len(text) and text[end] not in _WORD_ENDS:
        end += 1
    return start, end


def _decoded(word: str, offsets: list[int]) -> tuple[str, list[int]]:
    """Return `word` without escapes, and for each of its characters the offset in the text."""
    parts: list[str] = []
    mapped: list[int] = []
    at = 0
    for escape in compiled(_ESCAPE).finditer(word):
        start, end = escape.span()
        code = escape.group()
        if code[0] == "%":
            plain = unquote(code)
        else:
            plain = (
                chr(int(code.removeprefix("\\u"), 16)) if code[0] == "\\" else html.unescape(code)
            )
        parts += word[at:start], plain
        mapped += offsets[at:start]
        # Of a group of several characters, those in UTF-8 have no place of their own.
        step = 3 if len(plain) * 3 == end - start else end - start
        mapped += [offsets[min(start + step * number, end)] for number in range(len(plain))]
        at = end
    parts.append(word[at:])
    mapped += offsets[at:]
    return "".join(parts), mapped
