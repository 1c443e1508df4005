"""Redaction: each secret in a text is replaced by `[redacted:kind]` where it stands."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, cast

from llmlog._redact_rules import PERSONAL, SECRETS, SENSITIVE_NAME, Rule

__all__ = ["PERSONAL", "SECRETS", "Custom", "Redactor"]

Custom: TypeAlias = str | re.Pattern[str] | Callable[[str], str]
"""A rule of the application's own: a pattern whose matches go, or text in, text out."""

_SHORTEST: Final = 6


class Redactor:
    """Applies rules, in order, to text and to all the text in a JSON structure."""

    def __init__(self, rules: Iterable[Rule], custom: Iterable[Custom] = ()) -> None:
        self._rules = tuple(rules)
        self._custom = tuple(_compiled(rule) for rule in custom)

    def text(self, text: str) -> str:
        """`text` without what the rules find."""
        if len(text) >= _SHORTEST:
            for rule in self._rules:
                text = _apply(rule, text)
        for custom in self._custom:
            text = custom(text)
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError("a rule of redaction takes text and returns text")
        return text

    def json(self, value: object) -> object:
        """A JSON structure without what the rules find in any of its strings."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            pairs = cast("Mapping[str, object]", value).items()
            return {self.text(name): self._named(name, item) for name, item in pairs}
        if isinstance(value, list):
            return [self.json(item) for item in cast("list[object]", value)]
        return value

    def _named(self, name: str, value: object) -> object:
        is_empty = not value or value is True
        if is_empty or not _compiled_once(_SENSITIVE).search(name):
            return self.json(value)
        if isinstance(value, str) or not _compiled_once(_COUNTED).search(name):
            return "[redacted:password]"
        if isinstance(value, list):
            return [self._named(name, item) for item in cast("list[object]", value)]
        return self.json(value)


_SENSITIVE: Final = rf"(?i:{SENSITIVE_NAME})\Z"
_COUNTED: Final = r"(?i:token|credentials?)\Z"
"""Names of secrets, if they are text: a number is a count or a price, a structure a schema."""


_compiled_once: Final = functools.cache(re.compile)
"""Rules are compiled when first used: an application that writes no content never pays for them."""


def _apply(rule: Rule, text: str) -> str:
    seen = text.lower() if rule.any_case else text
    if not any(literal in seen for literal in rule.gate) or len(seen) != len(text):
        return text
    pattern = _compiled_once(rule.pattern)
    group = "secret" if pattern.groupindex else 0
    kept: list[str] = []
    at = 0
    for match in pattern.finditer(seen):
        start, end = match.span(group)
        if rule.check is None or rule.check(text[start:end], start, text):
            kept += text[at:start], f"[redacted:{rule.kind}]"
            at = end
    return "".join((*kept, text[at:]))


def _compiled(rule: Custom) -> Callable[[str], str]:
    if callable(rule):
        return rule
    pattern = re.compile(rule)
    return lambda text: pattern.sub("[redacted:custom]", text)
