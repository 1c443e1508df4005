"""An application's own rules of redaction, within limits of time.

A pattern that can take exponential time is refused when it is given. The others are measured: a
text that takes too long to search is replaced as a whole.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from llmlog._guard import Guard
from llmlog._redaction.ambiguity import TooLargeError, is_ambiguous

Custom: TypeAlias = str | re.Pattern[str] | Callable[[str], str]
"""An application's own rule: a pattern whose matches are replaced, or text in, text out."""

Warn: TypeAlias = Callable[[str, str], None]
"""Warns once per topic, of a topic and a message."""

_REPLACED: Final = "[redacted:custom]"
_UNSEARCHED: Final = "[redacted:unsearched]"

_SHORT: Final = 500
"""Maximum characters of a text that is searched without a budget: it takes milliseconds."""

_BUDGET_S: Final = 0.25
_BUDGET_S_PER_CHARACTER: Final = 5e-6
"""Seconds of processor time per character; the library's own rules take 0.3e-6."""

_MAX_OVERRUNS: Final = 3
"""Texts that may take too long before longer ones are no longer searched."""

_STARTS: Final = 64
"""Starts of a match between two looks at the clock."""


def custom_rule(
    rule: Custom, warn: Warn | None = None, clock: Callable[[], float] = time.thread_time
) -> Callable[[str], str]:
    """Return a rule as a function; raise ValueError for a pattern that may never end."""
    if callable(rule):
        return rule
    return PatternSearch(re.compile(rule), warn or Guard().warn, clock)


class PatternSearch:
    """Replaces the matches of a pattern, or a text that takes too long to search."""

    def __init__(
        self, pattern: re.Pattern[str], warn: Warn, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._name = repr(pattern.pattern[:_NAME_LENGTH])
        _check(pattern, self._name)
        self._pattern = pattern
        self._warn = warn
        self._clock = clock
        self._overruns = 0

    def __call__(self, text: str) -> str:
        """Return `text` without the pattern's matches."""
        if len(text) <= _SHORT:
            return self._pattern.sub(_REPLACED, text)
        if self._overruns < _MAX_OVERRUNS:
            searched = self._searched(text)
            if searched is not None:
                return searched
            self._overruns += 1
            self._warn(
                f"budget {self._name}",
                f"llmlog's redaction pattern {self._name} took too long for {len(text):,}"
                " characters: such texts are replaced by a placeholder",
            )
        return _UNSEARCHED

    def _searched(self, text: str) -> str | None:
        """Replace the matches; None if that takes more time than the text's budget."""
        # `sub` cannot be interrupted, and a search from one start to the next is quadratic. A
        # match from a single start is linear, as the pattern is not ambiguous.
        match, parts = self._pattern.match, list[str]()
        deadline = self._clock() + _BUDGET_S + _BUDGET_S_PER_CHARACTER * len(text)
        at = copied = 0
        for number in range(len(text)):
            if at >= len(text):
                break
            if number % _STARTS == 0 and self._clock() > deadline:
                return None
            found = match(text, at)
            if found and found.end() > at:
                parts += text[copied:at], _REPLACED
                at = copied = found.end()
            else:
                at += 1
        return "".join((*parts, text[copied:]))


_NAME_LENGTH: Final = 60


def _check(pattern: re.Pattern[str], name: str) -> None:
    try:
        has_many_ways = is_ambiguous(pattern)
    except TooLargeError as error:
        raise ValueError(
            f"redaction pattern {name} is too large to be checked: give several smaller ones"
        ) from error
    if has_many_ways:
        raise ValueError(
            f"redaction pattern {name} can take exponential time: its repeats can share the same"
            " text in many ways; separate them, or limit them, as in {1,64}"
        )
