"""Translate the predicate of --where for ClickHouse, where both mean the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from llmlog_tui.clickhouse.url import quoted
from llmlog_tui.log.schema import COLUMNS

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
    | (?P<number>-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?![0-9]))
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign><=|>=|!=|<>|=|<|>|[(),])
    )""",
    re.VERBOSE,
)
_KEYWORDS: Final = frozenset({"and", "or", "not", "in", "between", "true", "false"})
_NULL: Final = re.compile(r"\s*is(\s+not)?\s+null\b", re.IGNORECASE)
_FIELDS: Final = frozenset(
    name for name, dtype in COLUMNS.items() if name != "ts" and not isinstance(dtype, pl.List)
)
"""Columns whose values compare alike; times are text in one and not in the other."""


@dataclass(frozen=True)
class TablePredicate:
    """A predicate in ClickHouse's SQL, whose values are parameters."""

    sql: str = "1"
    values: dict[str, str | int | float] = field(default_factory=dict)


def table_predicate(where: str) -> TablePredicate | None:
    """Return a predicate for ClickHouse; None for more than comparisons of fields with values.

    That is =, !=, <, <=, >, >=, in, between, is null, and, or, not, and brackets.
    """
    parts: list[str] = []
    values: dict[str, str | int | float] = {}
    for kind, token in _tokens(where):
        if kind == "null":
            parts.append(token)
        elif kind in {"text", "number"}:
            name = f"where_{len(values)}"
            value, dtype = _value(kind, token)
            values[name] = value
            parts.append(f"{{{name}:{dtype}}}")
        elif kind == "sign" or (kind == "word" and token.lower() in _KEYWORDS):
            parts.append(token)
        elif kind == "word" and token in _FIELDS:
            parts.append(quoted(token))
        else:
            return None
    return TablePredicate(" ".join(parts), values) if parts else None


def _tokens(where: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each token; anything else has an empty kind."""
    at = 0
    while at < len(where) and where[at:].strip():
        if found := _NULL.match(where, at):
            yield "null", "is not null" if found[1] else "is null"
        elif found := _TOKEN.match(where, at):
            kind = found.lastgroup or ""
            yield kind, found[kind]
        else:
            yield "", where[at:]
            return
        at = found.end()


def _value(kind: str, token: str) -> tuple[str | int | float, str]:
    if kind == "text":
        return token[1:-1].replace("''", "'"), "String"
    return (float(token), "Float64") if "." in token else (int(token), "Int64")
