"""Check SQL text before it is run: it reads the log's tables and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

TOKEN: Final = re.compile(
    r"""
    (?P<space>   \s+ | --[^\n]* | /\*.*?\*/ )
  | (?P<text>    '(?:[^']|'')*' | (?P<tag>\$\w*\$).*?(?P=tag) )
  | (?P<quoted>  "(?:[^"]|"")*" | `[^`]*` )
  | (?P<word>    [^\W\d]\w* )
  | (?P<number>  (?: \d+(?:\.\d*)? | (?<![\w"`\])])\.\d+ ) (?: [eE][+-]?\d+ )? )
  | (?P<sign>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
Kind = Literal["text", "quoted", "word", "number", "sign"]

# Looked for in the text itself, whatever is a string or a comment there: a reader of files that
# slips through because this module and polars split the text differently must not exist.
_READS_FILES: Final = re.compile(
    r"\b((?:read|scan)_\w+)[\"`]?(?:\s|/\*.*?\*/|--[^\n]*\n)*\(", re.IGNORECASE | re.DOTALL
)

_STATEMENTS: Final = frozenset(
    {"select", "with", "from", "values", "show", "describe", "desc", "(", ";"}
)
_FROM: Final = frozenset({"from", "join", "lateral"})
_END_OF_FROM: Final = frozenset(
    {
        *("where", "group", "having", "order", "limit", "offset", "select", "union", "except"),
        *("intersect", "qualify", "window", "fetch", "on"),
    }
)
_IN_SUBQUERY: Final = frozenset({"select", "values", "with"})
_UNBOUNDED: Final = frozenset(
    {
        *("join", "with", "union", "intersect", "except", "exists", "recursive", "values"),
        *("lpad", "rpad", "repeat", "generate_series", "unnest", "explain"),
    }
)
"""Words of a query whose work or memory may grow faster than the log."""


_OPERATORS: Final = frozenset({"and", "or", "not", "case", "when", "+", "-", "*", "/", "|", "("})
_MAX_OPERATORS: Final = 1_000
"""Maximum operators of a statement: each nests an expression, and polars' stack is finite."""


class StatementError(ValueError):
    """SQL that is not run; the message is one line."""


@dataclass(frozen=True)
class Token:
    """A token; `text` in lower case, a quoted name without its quotes."""

    kind: Kind
    text: str

    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")


def tokens(sql: str) -> list[Token]:
    """Return the tokens of a statement without its comments. Raises StatementError."""
    try:
        sql.encode()
    except UnicodeEncodeError:
        raise StatementError("not text: half of a surrogate pair") from None
    found = list(_tokens(sql))
    operators = sum(token.kind in ("word", "sign") and token.text in _OPERATORS for token in found)
    if operators > _MAX_OPERATORS:
        raise StatementError(f"more than {_MAX_OPERATORS:,} operators")
    return found


def check_query(sql: str) -> None:
    """Raise StatementError unless `sql` is a query of tables."""
    _check_files(sql)
    found = tokens(sql)
    words = [token.text for token in found if token.kind in ("word", "number", "sign")]
    first = [word for word in words[:3] if word not in ("explain", "analyze")]
    if first and first[0] not in _STATEMENTS:
        raise StatementError(
            f"{first[0]} is not supported: a log is only read; begin with select or with"
        )
    for name, after in _in_from(found):
        if after == "(" and name != "(":
            raise StatementError(f"{name}(…) is no table of the log")


def check_predicate(sql: str) -> None:
    """Raise StatementError for a condition with a subquery."""
    _check_files(sql)
    found = tokens(sql)
    for before, token in zip([None, *found], found, strict=False):
        is_from = token == Token("word", "from") and before == Token("sign", "(")
        if is_from or (token.kind == "word" and token.text in _IN_SUBQUERY):
            raise StatementError(
                "takes no subquery; compare with avg(latency_ms), or ask with llmlog sql"
            )


def is_linear(sql: str) -> bool:
    """Return whether a query is one pass over one table, and sure to end."""
    found = tokens(sql)
    words = [token.text for token in found if token.is_name()]
    is_simple = not _UNBOUNDED & set(words) and words.count("select") <= 1
    return is_simple and sum(1 for _ in _in_from(found)) <= 1


def names_in(sql: str) -> set[str] | None:
    """Return a query's names in lower case; None if it needs all columns."""
    found = tokens(sql)
    signs = [token.text for token in found]
    for at, sign in enumerate(signs):
        if sign == "*" and signs[max(0, at - 2) : at + 2] != ["count", "(", "*", ")"]:
            return None
    names = {token.text for token in found if token.is_name()}
    # Without a select list, and where columns are compared by name, all are asked for.
    return None if names & {"natural", "columns"} or "select" not in names else names


def _check_files(sql: str) -> None:
    if found := _READS_FILES.search(sql):
        raise StatementError(f"{found[1].lower()}(…) reads files; only the log is read")


def _tokens(sql: str) -> Iterator[Token]:
    for match in TOKEN.finditer(sql):
        kind, text = match.lastgroup, match[0]
        if kind == "space":
            if "/*" in text[2:] and text.startswith("/*"):
                raise StatementError("a comment inside a comment")
        elif kind == "quoted":
            yield Token("quoted", text[1:-1].lower())
        elif text in ("'", '"', "`"):
            raise StatementError(f"a {text} without its end")
        elif kind in ("word", "sign"):
            yield Token("word" if kind == "word" else "sign", text.lower())
        elif kind == "number":
            yield Token("number", text)
        else:
            yield Token("text", text)


def _in_from(found: list[Token]) -> Iterator[tuple[str, str]]:
    """Yield the first token of each table of a `from`, and the token after it."""
    is_from = [False]  # by depth of brackets
    due = False  # a table comes next
    for at, token in enumerate(found):
        text = token.text if token.kind in ("word", "sign") else ""
        if due and text not in _FROM:
            due = False
            yield token.text, found[at + 1].text if at + 1 < len(found) else ""
        if text in ("(", "["):
            is_from.append(False)
        elif text in (")", "]") and len(is_from) > 1:
            is_from.pop()
        elif text in _FROM:
            is_from[-1] = due = not _is_operator(found, at)
        elif text in _END_OF_FROM:
            is_from[-1] = False
        elif text == "," and is_from[-1]:
            due = True


def _is_operator(found: list[Token], at: int) -> bool:
    """Return whether a `from` belongs to extract() or its like, or to `is distinct from`."""
    if found[at - 1].text == "distinct" and at > 1 and found[at - 2].text in ("is", "not"):
        return True
    depth = 0
    for number in range(at - 1, 0, -1):
        text = found[number].text
        depth += (text == ")") - (text == "(")
        if depth < 0:
            return found[number - 1].text in ("extract", "trim", "substring", "overlay")
    return False
