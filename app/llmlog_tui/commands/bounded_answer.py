"""JSON answers for a model: redacted, of limited size, with a note on every cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from llmlog.redaction import redact
from llmlog_tui import humanize
from llmlog_tui.commands.output import to_json

MAX_CHARACTERS: Final = 20_000
"""Maximum characters of an answer."""

_TEXT_LIMITS: Final = (2_000, 400, 100)
"""Maximum characters of a text, tried in this order until the answer fits."""


def bounded(answer: Mapping[str, Any], totals: Mapping[str, int]) -> str:
    """Return an answer as JSON of at most MAX_CHARACTERS, without null fields in its lists.

    `totals` are the lengths of its lists before rows were left out. The key `cut` names
    rows left out here or before, and texts that were shortened.
    """
    # Redacted before texts are shortened: half a secret would not be recognised.
    found = redact(orjson.loads(to_json(answer)))
    assert isinstance(found, dict)  # noqa: S101 - an object stays one
    for limit in _TEXT_LIMITS:
        shortener = _Shortener(limit)
        short = shortener.value(found)
        text = _with_cuts(short, totals, shortener.cut, limit)
        if len(text) <= MAX_CHARACTERS:
            return text
    return _with_fewer_rows(short, totals, shortener.cut, limit)


class _Shortener:
    """Shortens the texts of a JSON structure, and counts them."""

    def __init__(self, limit: int) -> None:
        self.cut = 0
        self._limit = limit

    def value(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, str) and len(value) > self._limit:
            self.cut += 1
            return f"{value[: self._limit]}… (+{len(value) - self._limit:,} characters)"
        if isinstance(value, dict):
            return {self.value(name): self.value(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value


def _with_cuts(answer: dict[str, Any], totals: Mapping[str, int], texts: int, limit: int) -> str:
    cuts = [*_missing_rows(answer, totals)]
    if texts:
        cuts.append(f"{humanize.plural(texts, 'text')} shortened to {limit:,} characters")
    return orjson.dumps({**answer, "cut": cuts} if cuts else answer).decode()


def _missing_rows(answer: Mapping[str, Any], totals: Mapping[str, int]) -> Iterator[str]:
    for name, total in totals.items():
        if (there := len(answer[name])) < total:
            yield f"{name}: the first {there:,} of {total:,}"


def _with_fewer_rows(
    answer: dict[str, Any], totals: Mapping[str, int], texts: int, limit: int
) -> str:
    """Return the answer with rows left out of its longest list until it fits."""
    lists = {name: len(item) for name, item in answer.items() if isinstance(item, list)}
    totals = {**lists, **totals}
    while True:
        text = _with_cuts(answer, totals, texts, limit)
        if len(text) <= MAX_CHARACTERS:
            return text
        longest = max(totals, key=lambda name: len(orjson.dumps(answer[name])), default=None)
        if longest is None or not answer[longest]:
            return orjson.dumps({"cut": ["everything: no part of the answer fits"]}).decode()
        kept = len(answer[longest]) * MAX_CHARACTERS // (len(text) + 1)
        answer = {**answer, longest: answer[longest][:kept]}
