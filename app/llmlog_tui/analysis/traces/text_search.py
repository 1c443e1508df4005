"""Find words in the content and the error texts of records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from llmlog.record import FIELDS
from llmlog_tui.analysis.calls.letter_case import equal_letters, in_any_case
from llmlog_tui.analysis.traces.message_shapes import PART_TYPES
from llmlog_tui.log.schema import ALL_IDS, MIN_ID_PREFIX

_CONTENT: Final = frozenset({"input", "output", "error_message"})
_METADATA: Final = {field.name for field in FIELDS} - _CONTENT | {"extra", "prefix_hashes"}
_MESSAGE_KEYS: Final = frozenset(
    ("content", "parts", "tool_calls", "function_call", "refusal", "audio", "reasoning_content")
)
"""Keys of which a message has one beside its role."""
_AROUND: Final = 60
"""Maximum characters of an excerpt before and after the words."""
_SPACE_CODES: Final = (
    "000[9a-d]|001[c-f]|00[2a]0|0085|1680|20(?:0[0-9a]|2[89f]|5f)|3000"  # those of str.isspace()
)
_ANY_SPACE: Final = rf"(?:\s|\\+(?:[fnrt]|u(?:{_SPACE_CODES})))+"
"""White space between words, as it is or as an escape in JSON."""

_ESCAPED: Final = frozenset("<>&'\"=+`\\/\x7f")
"""ASCII characters that some writers of JSON escape by their number, beside control characters."""

HAS_CONTENT: Final = (
    r'"(?:input|output|messages|prompt|response|content|completion|arguments|body)\\*"\s*:'
)
"""Regular expression of lines that probably have messages or answers."""


@dataclass(frozen=True)
class Excerpt:
    """The first occurrence in a record: its field, and the text around."""

    field: str
    text: str


NO_CONTENT: Final = "the log has no messages or answers: its content policy is metadata only"
"""Why nothing can be found in content."""


class TextQuery:
    """Words in this order, in any case, with any white space between them."""

    def __init__(self, words: str) -> None:
        """Raise ValueError without a word."""
        parts = words.split()
        if not parts:
            raise ValueError("no words to search for")
        self._may_be_id = len(parts) == 1 and len(parts[0]) >= MIN_ID_PREFIX
        self.line_pattern = "(?i)" + _ANY_SPACE.join(map(_in_json, parts))
        """Regular expression of lines of JSON that may contain them."""
        self._pattern = re.compile(r"\s+".join(map(re.escape, parts)), re.IGNORECASE)

    def excerpt(self, record: Mapping[str, Any]) -> Excerpt | None:
        """Return the first occurrence in content or error text; None without one.

        Fields that llmlog does not know count as content.
        """
        for name, text in _content_of(record):
            if found := self._pattern.search(text):
                return Excerpt(name, _around(text, *found.span()))
        return None

    def id_excerpt(self, record: Mapping[str, Any]) -> Excerpt | None:
        """Return the first id that has the words, of MIN_ID_PREFIX characters; None without one."""
        if not self._may_be_id:
            return None
        for name in ALL_IDS:
            value = record.get(name)
            if isinstance(value, str) and self._pattern.search(value):
                return Excerpt(name, value)
        return None

    def excerpts(self, record: Mapping[str, Any]) -> tuple[Excerpt | None, Excerpt | None]:
        """Return the first occurrence in content or error text, and in an id."""
        return self.excerpt(record), self.id_excerpt(record)

    @staticmethod
    def has_text(record: Mapping[str, Any]) -> bool:
        """Return whether a record has any content."""
        return any(name != "error_message" for name, _ in _content_of(record))


def _content_of(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of all content and error texts."""
    for name, value in record.items():
        if name not in _METADATA:
            yield from ((name, text) for text in _texts(value))


def _in_json(word: str) -> str:
    return "".join(map(_character, word))


def _character(character: str) -> str:
    """Return the pattern of a character as it is, or escaped in JSON."""
    escapes = sorted({each for form in equal_letters(character) for each in _escapes(form)})
    if "\ud800" <= character <= "\udfff":  # half a pair: no UTF-8 has it as it is
        return "|".join(escapes)
    literal = in_any_case(character)
    if character in '"\\/':
        literal = rf"\\*{literal}"  # JSON within JSON escapes the escapes
    return f"(?:{'|'.join([literal, *escapes])})" if escapes else literal


def _escapes(character: str) -> Iterator[str]:
    """Yield the patterns of a character's escapes in JSON, after any number of backslashes.

    ASCII letters and digits have none: no writer is known to escape them.
    """
    if character.isascii() and character.isprintable() and character not in _ESCAPED:
        return
    units = character.encode("utf-16-be", "surrogatepass").hex()
    yield "".join(rf"\\+u{units[at : at + 4]}" for at in range(0, len(units), 4))
    if character == "\b":
        yield r"\\+b"


def _texts(value: object) -> Iterator[str]:
    """Yield the strings of a JSON structure, but for roles and types of messages."""
    waiting = [value]  # a stack: content may nest deeper than the recursion limit
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting += reversed([text for name, text in one.items() if not _is_shape(name, one)])
        elif isinstance(one, list):
            waiting += reversed(one)


def _is_shape(name: str, value: Mapping[str, Any]) -> bool:
    """Return whether a key has a message's role or a part's type.

    Every message has these, so that a search for `user` or `text` would find all of them. In an
    object of another shape, such as a tool's arguments, both keys are content.
    """
    if name == "role":
        return not _MESSAGE_KEYS.isdisjoint(value)
    return name == "type" and str(value[name]) in PART_TYPES


def _around(text: str, begin: int, end: int) -> str:
    first, last = max(0, begin - _AROUND), min(len(text), end + _AROUND)
    before, after = "…" if first else "", "…" if last < len(text) else ""
    return before + " ".join(text[first:last].split()) + after
