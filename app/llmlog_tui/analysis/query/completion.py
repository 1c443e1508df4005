"""Complete the last word of SQL over a log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from llmlog_tui.analysis.query.columns import COSTS, NO_RECORDS
from llmlog_tui.analysis.query.sql import TABLES
from llmlog_tui.analysis.query.tag_names import sql_name
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log.schema import COLUMNS

_LAST_WORD: Final = re.compile(r"(?P<before>\w*)(?P<space>\W*)\b(?P<word>[A-Za-z_]\w*)$")
_LAST_TAG: Final = re.compile(r"\b(?P<word>extra\.[\w.]*)$", re.IGNORECASE)

KEYWORDS: Final = (
    *("select", "distinct", "from", "join", "where", "group by", "having", "order by", "limit"),
    *("as", "and", "or", "not", "in", "is null", "like", "between", "asc", "desc"),
    *("case", "when", "then", "else", "end", "union all", "with"),
    *("count(", "sum(", "avg(", "min(", "max(", "median(", "round(", "coalesce(", "quantile_cont("),
)


def complete_predicate(text: str, tags: Iterable[str] = ()) -> str:
    """Return the missing part of the column that ends a predicate; `tags` are the log's."""
    return _missing(text, (*COLUMNS, *COSTS, *map(sql_name, tags)))


def complete_query(text: str, tags: Iterable[str] = ()) -> str:
    """Return the missing part of the name or keyword that ends a query.

    After `from` and `join` only TABLES match. `tags` are columns of the log.
    """
    match = _LAST_WORD.search(text)
    if match is not None and match["before"].lower() in {"from", "join"}:
        return _missing(text, TABLES)
    return _missing(text, (*_names(), *map(sql_name, tags), *TABLES, *KEYWORDS))


def _missing(text: str, names: Iterable[str]) -> str:
    match = _LAST_TAG.search(text) or _LAST_WORD.search(text)
    if match is None or text.count("'") % 2:  # inside a string literal
        return ""
    word = match["word"]
    start = word.lower()
    name = next((name for name in names if name.lower().startswith(start)), word)
    return name[len(word) :].upper() if word.isupper() else name[len(word) :]


@cache
def _names() -> tuple[str, ...]:
    tables = (table(NO_RECORDS, DEFAULT) for table in TABLES.values())
    return tuple(dict.fromkeys(name for table in tables for name in table.columns))
