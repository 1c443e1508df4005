"""Name the columns of an SQL result as the query has them: `avg(latency_ms)`, `count(*)`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from llmlog_tui.analysis.query.polars_sql import PRESENT

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*"|`[^`]*`)
  | (?P<word>[^\W\d]\w*)
  | (?P<open>\() | (?P<close>\)) | (?P<comma>,) | (?P<dot>\.)
  | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS: Final = frozenset({"from", "union", "intersect", "except", "order", "limit", "where"})
"""Keywords after the columns of a `select`."""
_OPERATORS: Final = frozenset({"is", "not", "and", "or", "like", "ilike"})
"""Keywords before an operand: a word after them is no alias."""
_NO_COLUMN: Final = frozenset({"distinct", "all"})
"""Keywords between `select` and its first column."""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def with_aliases(sql: str) -> str:
    """Return the query with an alias for each unnamed expression of its outermost `select`.

    One that is written twice is named `count(*)` and `count(*)_1`, as in DuckDB.
    """
    result, done = "", 0
    written = Counter[str]()
    for column in _columns(sql):
        if _is_unnamed(column):
            alias = " ".join(sql[column[0].start : column[-1].end].split()).replace('"', '""')
            before = written[alias]
            written[alias] += 1
            alias += f"_{before}" if before else ""
            result += f'{sql[done : column[-1].end]} as "{alias}"'
            done = column[-1].end
    return result + sql[done:]


def _columns(sql: str) -> Iterator[list[_Token]]:
    """Yield the tokens of each column of the outermost `select`."""
    depth, column, in_columns = 0, list[_Token](), False
    for token in _tokens(sql):
        depth += (token.kind == "open") - (token.kind == "close")
        word = token.text.lower() if token.kind == "word" and depth == 0 else ""
        if not in_columns:
            in_columns = word == "select"
        elif word in _ENDS or (depth == 0 and token.text == ";"):
            break
        elif token.kind == "comma" and depth == 0:
            yield column
            column = []
        elif word not in _NO_COLUMN or column:
            column.append(token)
    if column:
        yield column


def _tokens(sql: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(sql):
        if match.lastgroup is not None and match.lastgroup != "space":
            yield _Token(match.lastgroup, match.group(), *match.span())


def _is_unnamed(column: list[_Token]) -> bool:
    """Return whether a column is an expression without an alias."""
    if not column:
        return False
    if len(column) < 2 or column[-1].text == "*":  # noqa: PLR2004 - one token is a name
        is_value = column[-1].kind in {"text", "other"} or column[-1].text.lower() in PRESENT
        return is_value and column[-1].text != "*"
    before, last = column[-2], column[-1]
    if last.kind in {"word", "name"} and last.text.lower() != "end":
        # `expression name`, `expression as name` and `table.name` have a name already.
        is_operator = before.kind == "other" and not before.text[0].isdigit()
        return is_operator or before.text.lower() in _OPERATORS
    return True
