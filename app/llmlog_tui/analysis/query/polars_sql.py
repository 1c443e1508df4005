"""Translate SQL for polars: tags are quoted, times UTC, numbers with a point floats."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.query.statement import TOKEN, StatementError
from llmlog_tui.analysis.query.tag_names import is_tag_name, quote_tags
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.tags import Types

_TIME: Final = re.compile(
    r"'\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*([+-]\d\d(?::?\d\d)?|Z)\s*'",
    re.IGNORECASE,
)
"""A time with an offset; polars would leave out the offset."""

_NOW: Final = {
    "now": "timestamp '{:%Y-%m-%d %H:%M:%S.%f}'",
    "current_timestamp": "timestamp '{:%Y-%m-%d %H:%M:%S.%f}'",
    "localtimestamp": "timestamp '{:%Y-%m-%d %H:%M:%S.%f}'",
    "current_date": "date '{:%Y-%m-%d}'",
    "current_time": "time '{:%H:%M:%S.%f}'",
    "localtime": "time '{:%H:%M:%S.%f}'",
}
"""Literals for functions of the present, which polars answers in the local time zone."""

PRESENT: Final = frozenset(_NOW) - {"now"}
"""Functions of the present that need no brackets."""

_TIME_TYPES: Final = frozenset({"timestamp", "datetime"})
_TEMPORAL_TYPES: Final = frozenset({*_TIME_TYPES, "date"})
_COMPARISONS: Final = frozenset("<>=!")
"""Signs of which comparisons consist."""
_BEFORE_LITERAL: Final = frozenset({*_TIME_TYPES, "(", "-", "cast", "try_cast"})
_SAME_TYPE: Final = frozenset({"min", "max", "first", "last", "median", "any_value"})
"""Aggregates whose result has the type of their argument."""

_KEYWORDS: Final = frozenset(
    {"where", "and", "or", "not", "when", "then", "having", "on", "select"}
)
"""Words in front of a bracket that are no function."""


def _texts(columns: Types) -> set[str]:
    is_text = (pl.String, pl.Categorical, pl.Enum)
    return {name.lower() for name, dtype in columns.items() if isinstance(dtype, is_text)}


_TEXT_FIELDS: Final = _texts(COLUMNS)


def polars_sql(sql: str, columns: Types) -> str:
    """Return SQL for polars, over tables with the fields and these columns.

    A tag is quoted; see quote_tags(). A time with an offset, the present and a date of `ts` are
    UTC, as `ts` is; a text that is compared with a column of texts stays as it is. A number with a
    point is a float: polars would compute with decimals, and cut the digits that do not fit.
    Raises StatementError for a time compared with a number, or one with an impossible offset.
    """
    sql = quote_tags(sql, columns)
    texts = _TEXT_FIELDS | _texts(columns)
    result, done = "", 0
    for begin, end, text in _Statement(sql, texts).edits():
        result += sql[done:begin] + text
        done = end
    return result + sql[done:]


class _Statement:
    """The tokens of a statement, without spaces; keywords in lower case."""

    def __init__(self, sql: str, texts: Collection[str]) -> None:
        self._texts = texts
        self._tokens = [found for found in TOKEN.finditer(sql) if found.lastgroup != "space"]
        self._words = [
            token[0].lower() if token.lastgroup == "word" else token[0] for token in self._tokens
        ]
        self._opened = list(self._brackets())

    def _brackets(self) -> Iterator[int]:
        """Yield, per token, the index of the bracket that it is in; -1 in none."""
        opened = [-1]
        for at, word in enumerate(self._words):
            yield opened[-1]
            if word == "(":
                opened.append(at)
            elif word == ")" and len(opened) > 1:
                opened.pop()

    def edits(self) -> Iterator[tuple[int, int, str]]:
        """Yield begin, end and the new text of what polars would read otherwise."""
        now = datetime.now(UTC)  # one for the statement, as SQL has it
        for at, token in enumerate(self._tokens):
            word, last, text = self._words[at], at, ""
            if token.lastgroup == "number":
                self._check_number(at)
                text = f"{word}e0" if "." in word and "e" not in word.lower() else ""
            elif token.lastgroup == "text":
                text = self._in_utc(at)
            elif self._is_present(at):
                text = _NOW[word].format(now)
                last = at + 2 if self._word(at + 1) == "(" else at
            elif word == "date" and self._words[at + 1 : at + 4] == ["(", "ts", ")"]:
                text, last = "cast(ts as date)", at + 3
            if text:
                yield token.start(), self._tokens[last].end(), text

    def _word(self, at: int) -> str:
        """Return a token; empty in front of the first and after the last one."""
        return self._words[at] if 0 <= at < len(self._words) else ""

    def _is_present(self, at: int) -> bool:
        word = self._words[at]
        if word not in _NOW or self._word(at - 1) in {".", "as"} or self._word(at + 1) == ".":
            return False
        has_bracket = self._word(at + 1) == "("
        return self._word(at + 2) == ")" if has_bracket else word != "now"

    def _check_number(self, at: int) -> None:
        """Raise StatementError for a number that is compared with a time."""
        if self._is_temporal(self._operand(at)):
            raise StatementError(
                f"a time is compared with the number {self._words[at]}; "
                "write '2026-11-23 10:10:00' (UTC) or interval '2 hours'"
            )

    def _in_utc(self, at: int) -> str:
        """Return a time with an offset as one in UTC; empty for any other text."""
        if (found := _TIME.fullmatch(self._words[at])) is None:
            return ""
        operand = self._operand(at)
        if not self._is_typed(at) and (not self._word(operand) or self._is_of_texts(operand)):
            return ""
        try:
            time = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].upper()}")
            return f"'{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
        except (ValueError, OverflowError):
            raise StatementError(f"{self._words[at]} is no time") from None

    def _is_typed(self, at: int) -> bool:
        """Return whether a text is made a time: timestamp '…', cast('…' as timestamp)."""
        before = at - 1 - (self._word(at - 1) == "(")
        after = at + 1 + (self._word(at + 1) == ":")
        is_cast = self._word(after) in {"as", ":"} and self._word(after + 1) in _TIME_TYPES
        return is_cast or self._word(before) in _TIME_TYPES

    def _operand(self, at: int) -> int:
        """Return the index of the operand that a literal is compared with; -1 without one.

        Of the operand's tokens it is one that tells its type: before a literal the last.
        """
        after = self._past_comparison(at + 1, 1)
        if after > at + 1:
            while self._word(after + 1) == ".":
                after += 2
            is_aggregate = self._word(after) in _SAME_TYPE and self._word(after + 1) == "("
            return after + 3 if is_aggregate else after
        return self._operand_before(at)

    def _operand_before(self, at: int) -> int:
        opened = self._opened[at]
        if self._word(opened - 1) == "in":
            return self._before_keyword(opened - 1)
        before = at - 1
        while self._word(before) in _BEFORE_LITERAL:
            before -= 1
        if (between := self._between(before)) >= 0:
            return self._before_keyword(between)
        operand = self._past_comparison(before, -1)
        if operand < before:
            return operand
        is_text = self._tokens[at].lastgroup == "text"
        return at - 2 if is_text and self._word(at - 1) == "-" else -1  # ts - '2026-11-23T…'

    def _past_comparison(self, at: int, step: int) -> int:
        """Return the index past the signs of a comparison; `at` if there is none."""
        while self._word(at) in _COMPARISONS:
            at += step
        return at

    def _before_keyword(self, at: int) -> int:
        return at - 1 - (self._word(at - 1) == "not")

    def _between(self, at: int) -> int:
        """Return the index of a `between`, or of that of its `and`; else -1."""
        if self._word(at) != "and":
            return at if self._word(at) == "between" else -1
        for before in range(at - 1, -1, -1):
            word = self._words[before]
            if word == "between":
                return before
            if word in _COMPARISONS or word in {"and", "or", "where", "in"}:
                break
        return -1

    def _is_temporal(self, at: int) -> bool:
        """Return whether an operand is a time, a date, or a difference of times."""
        while True:  # a statement may nest deeper than the recursion limit
            word = self._word(at)
            if word == ")":
                function = self._word(self._opened[at] - 1)
                if self._word(at - 1) in _TEMPORAL_TYPES or function in _NOW:
                    return True
                if function.isidentifier() and function not in _SAME_TYPE | _KEYWORDS:
                    return False
                at -= 1
            elif word.startswith("'"):  # ts - '2026-11-23'
                before = at - 1 - (self._word(at - 1) in _TEMPORAL_TYPES)
                if self._word(before) != "-":
                    return False
                at = before - 1
            else:
                return _name(word) == "ts" or word in _TEMPORAL_TYPES or word in _NOW

    def _is_of_texts(self, at: int) -> bool:
        name = _name(self._word(at))
        return name in self._texts or is_tag_name(name)


def _name(word: str) -> str:
    return word[1:-1].lower() if word[:1] in ('"', "`") else word
