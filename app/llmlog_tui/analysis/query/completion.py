"""Completion: what is missing of the word that somebody types in SQL over a log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from llmlog_tui.analysis.query.sql import COSTS, NO_RECORDS, TABLES
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log.schema import COLUMNS

_LAST_WORD: Final = re.compile(r"(?P<before>\w*)(?P<space>\W*)\b(?P<word>[A-Za-z_]\w*)$")

KEYWORDS: Final = (
    *("select", "distinct", "from", "join", "where", "group by", "having", "order by", "limit"),
    *("as", "and", "or", "not", "in", "is null", "like", "between", "asc", "desc"),
    *("case", "when", "then", "else", "end", "union all", "with"),
    *("count(", "sum(", "avg(", "min(", "max(", "median(", "round(", "coalesce(", "quantile_cont("),
)


def complete_predicate(text: str) -> str:
    """What is missing of the name of a column with which a predicate ends; empty if nothing is."""
    return _missing(text, (*COLUMNS, *COSTS))


def complete_query(text: str) -> str:
    """What is missing of the name or the SQL word with which a query ends; empty if nothing is.

    Behind `from` and `join` these are the TABLES.
    """
    begun = _LAST_WORD.search(text)
    if begun is not None and begun["before"].lower() in {"from", "join"}:
        return _missing(text, TABLES)
    return _missing(text, (*_names(), *TABLES, *KEYWORDS))


def _missing(text: str, names: Iterable[str]) -> str:
    begun = _LAST_WORD.search(text)
    if begun is None or text.count("'") % 2:  # within a text of SQL's own
        return ""
    word = begun["word"]
    name = next((name for name in names if name.startswith(word.lower())), word)
    return name[len(word) :].upper() if word.isupper() else name[len(word) :]


@cache
def _names() -> tuple[str, ...]:
    """The columns of all TABLES, those of calls first."""
    tables = (table(NO_RECORDS, DEFAULT) for table in TABLES.values())
    return tuple(dict.fromkeys(name for table in tables for name in table.columns))
