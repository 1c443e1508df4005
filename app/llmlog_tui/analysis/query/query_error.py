"""The error of a statement that cannot be evaluated, with the nearest names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Final

import polars as pl

from llmlog_tui.analysis.query import statement
from llmlog_tui.errors import UserError

_LOST: Final = re.compile(r'find column "(?P<name>.*?)"; valid columns: \[(?P<names>.*)\]')
_DUPLICATE: Final = re.compile(r"duplicate output name '(.*?)'")
_QUOTED: Final = re.compile(r'"(.*?)"')
_NEAR, _SEVERAL = 0.6, 3


class QueryError(UserError):
    """SQL that cannot be evaluated; the message is one line."""


@contextmanager
def explained(
    what: str, columns: Sequence[str] = (), tables: Collection[str] = ()
) -> Iterator[None]:
    """Raise errors of polars and of the statement as a QueryError that begins with `what`.

    It suggests one of `columns`, or of `tables` where a query may name them.
    """
    try:
        yield
    except statement.StatementError as error:
        raise QueryError(f"{what}: {error}") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(" :")
        reason = reason.replace("sql parser error: ", "")
        if "relation" in reason and tables:
            reason += f"; there are {', '.join(tables)}"
        elif "relation" in reason:
            reason = "takes no subquery; compare with avg(latency_ms), or ask with llmlog sql"
        if lost := _LOST.search(reason):
            reason = no_column(lost["name"], columns or _QUOTED.findall(lost["names"]))
        raise QueryError(f"{what}: {_in_own_words(reason) or reason}") from None


def _in_own_words(reason: str) -> str:
    """Return a message that tells what to write; empty for most reasons of polars."""
    if found := _DUPLICATE.search(reason):
        return f"two columns are named {found[1]}; give one an alias: {found[1]} as other"
    if "to a string value" in reason:
        return (
            "a time is compared with a text that is none; "
            "write '2026-11-23 10:10:00' (UTC) or '2026-11-23T10:10:00+01:00'"
        )
    if "expected `String`, got `datetime" in reason:
        return "a function of texts is given a time; cast(ts as date) is its day"
    return ""


def no_column(name: str, names: Sequence[str]) -> str:
    """Return the message for an unknown column, with the nearest names."""
    part = name.lower()
    near = sorted((each for each in names if part in each), key=lambda each: each.find(part))
    near = near[:_SEVERAL] or get_close_matches(part, names, _SEVERAL, _NEAR)
    if not near:
        return f"no column {name}; there are {len(names)}, among them {', '.join(names[:_SEVERAL])}"
    return f"no column {name}; the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
