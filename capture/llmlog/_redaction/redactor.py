"""Redaction: replace each secret in text or in a JSON structure by `[redacted:kind]` in place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

from llmlog._redaction.custom import Custom, custom_rule
from llmlog._redaction.inline_data import LEAST_VALUE, described, inline_data
from llmlog._redaction.names import Category, category, is_schema
from llmlog._redaction.personal import personal_kind
from llmlog._redaction.rules import PERSONAL, SECRETS
from llmlog._redaction.text import Found, Rule, Text, found_in_escapes, replaced
from llmlog._redaction.values import is_described, is_placeholder, is_random

__all__ = ["PERSONAL", "SECRETS", "Redactor"]

_SHORTEST: Final = 6
_LEAST_INT: Final = 10**11
"""Minimum integer that may be the number of a card."""

_LEAST_KEPT_DATA: Final = 16_384
"""Minimum characters of inline data that is passed over unread: no secret is as long."""


class Redactor:
    """Applies rules to text and to all text in a JSON structure.

    With `summarise_data` inline data is replaced by its type, size and hash; without, data of
    many kilobytes stays as it is.
    """

    def __init__(
        self, rules: Iterable[Rule], custom: Iterable[Custom] = (), *, summarise_data: bool = False
    ) -> None:
        self._rules = tuple(rules)
        self._custom = tuple(map(custom_rule, custom))
        self._summarise = summarise_data
        self._has_personal = not set(PERSONAL).isdisjoint(self._rules)

    def text(self, text: str) -> str:
        """Return `text` without what the rules find."""
        if len(text) >= _SHORTEST:
            text = self._without_secrets(text)
        for custom in self._custom:
            text = custom(text)
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError("a rule of redaction takes text and returns text")
        return text

    def json(self, value: object) -> object:
        """Return a JSON structure without what the rules find in its strings, names and numbers."""
        return _Walk(self.text, has_personal=self._has_personal).value(value)

    def _without_secrets(self, text: str) -> str:
        least = LEAST_VALUE if self._summarise else _LEAST_KEPT_DATA
        if len(text) < (_SHORTEST_DATA if self._summarise else _LEAST_KEPT_DATA):
            return self._replaced(Text(text))
        searched = Text(text)
        parts: list[str] = []
        at = 0
        for data in inline_data(searched, least):
            parts.append(self._replaced(Text(text[at : data.start])))
            parts.append(described(data) if self._summarise else text[data.start : data.end])
            at = data.end
        if not at:
            return self._replaced(searched)
        return "".join((*parts, self._replaced(Text(text[at:]))))

    def _replaced(self, text: Text) -> str:
        if len(text.text) < _SHORTEST:
            return text.text
        found = self._found(text)
        found += found_in_escapes(text.text, lambda decoded: self._found(Text(decoded)))
        return replaced(text.text, found)

    def _found(self, text: Text) -> list[Found]:
        return [found for rule in self._rules for found in rule(text)]


_SHORTEST_DATA: Final = 64
_KIND: Final[dict[Category, str]] = {"cookie": "cookie", "authorization": "authorization"}
_NAME_KEYS: Final = frozenset(
    [
        "name",
        "key",
        "header",
        "field",
        "variable",
        "k",
        "param",
        "parameter",
        "env",
        "id",
        "label",
        "selector",
        "element",
        "locator",
    ]
)
_VALUE_KEYS: Final = frozenset(["value", "val", "v", "default", "secret"])
_EXAMPLES: Final = frozenset(["default", "const", "example", "examples", "enum"])
_SECRETS_IN_TOKEN: Final = frozenset(["value", "token", "access", "refresh", "id", "data"])
_LONG_TOKEN: Final = 12
_LONGEST_KEPT: Final = 4096
"""Maximum characters of a text whose redaction is kept for its next occurrence."""


class _Walk:
    """One walk through a JSON structure; equal texts in it are redacted once."""

    def __init__(self, text: Callable[[str], str], *, has_personal: bool) -> None:
        self._text = text
        self._has_personal = has_personal
        self._known: dict[str, str] = {}

    def value(self, value: object) -> object:
        if isinstance(value, str):
            return self._redacted(value)
        if isinstance(value, Mapping):
            return self._object(cast("Mapping[str, object]", value))
        if isinstance(value, list):
            return self._list(cast("list[object]", value))
        if isinstance(value, int) and value >= _LEAST_INT:
            text = str(value)
            redacted = self._redacted(text)
            return value if redacted == text else redacted
        return value

    def _redacted(self, text: str) -> str:
        if len(text) > _LONGEST_KEPT:
            return self._text(text)
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._text(text)
        return known

    def _object(self, value: Mapping[str, object]) -> dict[str, object]:
        named = self._name_in(value)
        # Probabilities of output tokens: {"token": "Hi", "logprob": -0.1, ...}.
        has_logprobs = "logprob" in value
        redacted: dict[str, object] = {}
        for number, (name, item) in enumerate(value.items()):
            key = self._redacted(name)
            # Names that differ only in their secrets stay apart, or values would be lost.
            key = f"{key} {number}" if key in redacted else key
            if named and name.lower() in _VALUE_KEYS:
                redacted[key] = self._named(named, item)
            elif named and name.lower() == "text" and isinstance(item, str) and _is_typed(item):
                redacted[key] = "[redacted:password]"
            elif has_logprobs and name == "token":
                redacted[key] = self.value(item)
            else:
                redacted[key] = self._named(name, item)
        return redacted

    @staticmethod
    def _name_in(value: Mapping[str, object]) -> str | None:
        """Return the name in an object such as {"name": "X-Api-Key", "value": "..."}."""
        for key, name in value.items():
            if key.lower() in _NAME_KEYS and isinstance(name, str) and category(name):
                return name
        return None

    def _list(self, value: list[object]) -> list[object]:
        redacted: list[object] = []
        before: object = None
        for item in value:
            is_secret = isinstance(item, str) and isinstance(before, str) and _is_pair(before, item)
            redacted.append("[redacted:password]" if is_secret else self.value(item))
            before = item
        return redacted

    def _named(self, name: str, value: object) -> object:
        """Return `value`, which has this name, without secrets."""
        # Nothing under such a name is no secret, and a switch is none.
        known = category(name) if value and not isinstance(value, bool) else None
        if known is None:
            return self._without_personal(name, value)
        if is_schema(value):
            return self._schema(name, cast("Mapping[str, object]", value))
        match value:
            case str():
                return self._named_text(name, known, value)
            case Mapping():
                return self._named_object(name, known, cast("Mapping[str, object]", value))
            case list():
                return self._named_list(name, known, cast("list[object]", value))
            case _:
                return value if known in _COUNTED else "[redacted:password]"

    def _without_personal(self, name: str, value: object) -> object:
        if isinstance(value, str) and _VERSION.fullmatch(value) and _VERSION_NAME.search(name):
            return value
        kind = personal_kind(name, value) if self._has_personal else None
        return f"[redacted:{kind}]" if kind else self.value(value)

    def _named_text(self, name: str, known: Category, value: str) -> object:
        gone = f"[redacted:{_KIND.get(known, 'password')}]"
        if is_described(value):
            return self._redacted(value)
        if known == "cookie" and "=" not in value and (" " in value or not is_random(value)):
            return self._redacted(value)
        is_plural = known == "token" and name.lower().endswith("s")
        if is_plural and (len(value) < _LONG_TOKEN or not is_random(value)):
            return self._redacted(value)
        if known == "maybe" and (len(value) < _LONG_TOKEN or not is_random(value)):
            return self._redacted(value)
        is_path = name in {"PWD", "OLDPWD"} and value.startswith("/")
        return value if is_path else gone

    def _named_object(self, name: str, known: Category, value: Mapping[str, object]) -> object:
        if known == "cookie":
            return {key: self._named(name, _as_cookie(item)) for key, item in value.items()}
        if known not in {"token", "authorization", "maybe"}:
            return "[redacted:password]"
        return {
            self._redacted(key): "[redacted:password]"
            if key.lower() in _SECRETS_IN_TOKEN and isinstance(item, str) and is_random(item)
            else self._named(key, item)
            for key, item in value.items()
        }

    def _named_list(self, name: str, known: Category, value: list[object]) -> object:
        if known in _COUNTED:
            return [self._named(name, item) for item in value]
        if all(isinstance(item, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", item) for item in value):
            return value
        return "[redacted:password]"

    def _schema(self, name: str, value: Mapping[str, object]) -> object:
        """Return a redacted JSON schema of a secret: its examples may be secrets."""
        return {
            key: self._named(name, item) if key in _EXAMPLES else self.value(item)
            for key, item in value.items()
        }


_VERSION: Final = re.compile(r"v?\d+(?:\.\d+){1,5}")
_VERSION_NAME: Final = re.compile(
    r"(?i)version|release|build|firmware|driver|revision|section|chapter|oid|mask|number|tag"
)
_COUNTED: Final = frozenset(["token", "credentials", "cookie", "authorization", "maybe"])
"""Categories under which a number is a count or a price."""


def _as_cookie(value: object) -> object:
    """Return a cookie's value in a form that cannot be taken for a word."""
    return f"={value}" if isinstance(value, str) and "=" not in value else value


def _is_typed(value: str) -> bool:
    """Whether `value` is a secret typed into a field of a page."""
    return " " not in value and not is_described(value) and is_random(value)


_HEADER: Final = r"-{0,2}[A-Za-z][\w-]{1,63}"


def _is_pair(name: str, value: str) -> bool:
    """Whether `value` is a secret because the item before it is `name`.

    As in headers and flags.
    """
    if not re.fullmatch(_HEADER, name) or category(name) is None or is_placeholder(value):
        return False
    if "-" in name or name.lower() in {"authorization", "cookie"}:
        return len(value) >= _SHORTEST and category(value) is None and not value.startswith("-")
    return len(value) >= _SHORTEST and is_random(value)
