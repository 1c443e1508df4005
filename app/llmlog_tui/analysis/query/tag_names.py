"""Names of tags in SQL: extra.NAME is one column, `extra` the text of all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

import polars as pl

from llmlog_tui.analysis.query.statement import TOKEN
from llmlog_tui.log.tags import PREFIX, tag_types

EXTRA: Final = "extra"
_PLAIN: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_tag_name(name: str) -> bool:
    return name.startswith(PREFIX)


def sql_name(column: str) -> str:
    """Return the SQL name of a column, quoted where it must be: extra.user_tier, extra."a b"."""
    prefix, name = (PREFIX, column.removeprefix(PREFIX)) if is_tag_name(column) else ("", column)
    return prefix + (name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"')


def quote_tags(sql: str, columns: Collection[str] = ()) -> str:
    """Return SQL with each extra.NAME as the quoted name of its column.

    A field beside `extra` can be named so, too: if only NAME is in `columns`, it is meant.
    """
    result, done = "", 0
    for begin, end, name in _tag_names(sql):
        column = _column(name, columns).replace('"', '""')
        result += f'{sql[done:begin]}"{column}"'
        done = end
    return result + sql[done:]


def tags_in(sql: str, columns: Collection[str] = ()) -> list[str]:
    """Return the columns of the tags that SQL names, as quote_tags() does."""
    return [_column(name, columns) for _, _, name in _tag_names(sql)]


def names_extra(sql: str) -> bool:
    """Return whether SQL may name `extra` itself."""
    return EXTRA in re.split(r"\W+", quote_tags(sql).lower().replace(PREFIX, ""))


def _column(name: str, columns: Collection[str]) -> str:
    is_field = name in columns and PREFIX + name not in columns
    return name if is_field else PREFIX + name


def _tag_names(sql: str) -> Iterator[tuple[int, int, str]]:
    """Yield begin, end and NAME of each extra.NAME; the name may have further dots."""
    tokens = [match for match in TOKEN.finditer(sql) if match.lastgroup != "space"]
    at = 0
    while at < len(tokens):
        first, parts = tokens[at], list[str]()
        at += 1
        if first.lastgroup != "word" or first[0].lower() != EXTRA:
            continue
        while at + 1 < len(tokens) and tokens[at][0] == "." and _is_name(tokens[at + 1]):
            parts.append(_unquoted(tokens[at + 1]))
            at += 2
        if parts:
            yield first.start(), tokens[at - 1].end(), ".".join(parts)


def _is_name(token: re.Match[str]) -> bool:
    return token.lastgroup in ("word", "quoted")


def _unquoted(token: re.Match[str]) -> str:
    return token[0] if token.lastgroup == "word" else token[0][1:-1].replace('""', '"')


def with_extra(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with `extra`: a record's tags as JSON text, null without any."""
    members = [_member(name, dtype) for name, dtype in tag_types(frame).items()]
    if not members:
        return frame.with_columns(extra=pl.lit(None, pl.String))
    joined = pl.concat_str(members, separator=", ", ignore_nulls=True)
    return frame.with_columns(extra=pl.when(joined != "").then("{" + joined + "}"))


def _member(column: str, dtype: pl.DataType) -> pl.Expr:
    """Return `"name": value` of a tag that is not null."""
    value = pl.col(column).cast(pl.String)
    if not (dtype.is_numeric() or dtype == pl.Boolean()):
        escaped = value.str.replace_all(r'(["\\])', r"\$1").str.replace_all(
            "\n", r"\n", literal=True
        )
        value = '"' + escaped + '"'
    return pl.lit(f'"{column.removeprefix(PREFIX)}": ') + value
