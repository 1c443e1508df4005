"""SQL predicates that filter records: evaluated, composed, and their time range."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import polars as pl

from llmlog.record import CALL_EVENTS
from llmlog_tui.analysis.calls.call_model import quoted
from llmlog_tui.analysis.calls.call_rows import CallRows, Calls
from llmlog_tui.analysis.query import statement
from llmlog_tui.analysis.query.columns import COSTS, NO_RECORDS, in_sql, with_costs
from llmlog_tui.analysis.query.polars_sql import PRESENT, polars_sql
from llmlog_tui.analysis.query.query_error import QueryError, explained, no_column
from llmlog_tui.analysis.query.tag_names import (
    EXTRA,
    is_tag_name,
    names_extra,
    sql_name,
    tags_in,
    with_extra,
)
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.tags import Types, conform, tag_types

_TS: Final = "%Y-%m-%d %H:%M:%S.%f"
_RANGE: Final = re.compile("ts >= '([^']*)' and ts <= '([^']*)'")
_RANGE_JOINED: Final = re.compile(f"^{_RANGE.pattern} and |( and )?{_RANGE.pattern}")

_PRESENT: Final = re.compile(
    rf"\bnow\s*\(\s*\)|\b(?:{'|'.join(sorted(PRESENT))})\b(?:\s*\(\s*\))?", re.IGNORECASE
)
_BEFORE_BRACKET: Final = re.compile(r"(\w+\"?)\s*\(")
_BY_ROW: Final = frozenset(
    {
        *("and", "or", "not", "in", "when", "then", "else", "case", "between", "like", "ilike"),
        *("abs", "ceil", "floor", "round", "coalesce", "nullif", "ifnull", "greatest", "least"),
        *("lower", "upper", "length", "trim", "left", "right", "substr", "strpos", "concat"),
        *("starts_with", "ends_with", "regexp_like", "cast", "try_cast", "date_part", "extract"),
        *("date", "timestamp", "datetime", "date_trunc", "strftime", "replace", "substring"),
        *("array_to_string", "array_contains", "array_length"),
    }
)
"""Words that may precede a bracket in a predicate that is evaluated record by record."""


def filter_records(
    frame: pl.DataFrame, predicate: str, rules: Rules = DEFAULT, *, may_lack_tags: bool = False
) -> pl.DataFrame:
    """Return the records that match an SQL predicate over the record's fields, tags and COSTS.

    Options and errors as of matching().
    """
    keys = matching(frame, predicate, rules, may_lack_tags=may_lack_tags)
    return frame.filter(pl.col("row").is_in(keys.implode()))


def matching(
    frame: Calls, predicate: str, rules: Rules = DEFAULT, *, may_lack_tags: bool = False
) -> pl.Series:
    """Return the keys of records that match an SQL predicate (fields, tags and COSTS).

    Costs are computed with the prices of `rules` if the frame has none. Times compare with SQL
    timestamps, dates, and text in the form of one, all UTC. An aggregate is over the records of the
    same kind: model calls, tool executions, spans. With `may_lack_tags` a tag that no record has is
    null, as in a log that is still to grow. Raises QueryError.
    """
    with explained("the predicate"):
        statement.check_predicate(predicate)
        tags = tag_types(frame.records if isinstance(frame, CallRows) else frame)
        predicate = polars_sql(predicate, tags)
        fields = dict.fromkeys(pl.sql_expr(predicate).meta.root_names())
        if isinstance(frame, CallRows):
            named = {"row", *fields, *(tags if EXTRA in fields else ())}
            frame = frame.select(name for name in frame.columns if name in named)
        known = with_costs(frame, rules) if fields.keys() & set(COSTS) else frame
        known = with_extra(known) if EXTRA in fields else known
        lacking = _lacking(fields, tags, may_lack_tags=may_lack_tags)
        records = in_sql(known.select_seq("row", *(f for f in fields if f not in lacking)))
        empty = records.clear().with_columns(pl.lit(None).alias(name) for name in lacking)
        selecting = f"select row from records where {predicate}\n"  # noqa: S608 - one expression
        if is_by_row(predicate):
            return _select(selecting, records, lacking)["row"]
        if _is_of_all(pl.sql_expr(predicate), empty):
            raise QueryError(
                "the predicate: a condition has one answer for all records together; "
                "compare a field of each, as latency_ms > avg(latency_ms)"
            )
        return pl.concat(
            _select(selecting, alike, lacking)["row"] for alike in _by_kind(records, known)
        ).sort()


def fields_of(predicate: str, tags: Types) -> frozenset[str]:
    """Return the fields, tags and COSTS that a predicate names. Raises QueryError."""
    with explained("the predicate"):
        statement.check_predicate(predicate)
        return frozenset(pl.sql_expr(polars_sql(predicate, tags)).meta.root_names())


def _select(sql: str, records: pl.DataFrame, lacking: Iterable[str]) -> pl.DataFrame:
    """Return the result of a query of `records`, which lack some columns: those are null."""
    nulls = [pl.lit(None).alias(name) for name in lacking]
    given = records.with_columns(nulls)
    try:
        return pl.SQLContext(records=given, eager=True).execute(sql)
    except pl.exceptions.PolarsError:
        if not nulls:
            raise
        # A null compares with anything, but functions of text want a text.
        given = records.with_columns(each.cast(pl.String) for each in nulls)
        return pl.SQLContext(records=given, eager=True).execute(sql)


def _by_kind(records: pl.DataFrame, known: Calls) -> list[pl.DataFrame]:
    """Return the records by kind: model calls, or an event; `known` has their events."""
    if isinstance(known, CallRows) or "event" not in known.columns:
        return [records]
    event = known["event"].cast(pl.String)
    kinds = dict.fromkeys(CALL_EVENTS, "call")
    # Named as no field can be: `records` may have the event, too.
    kind = event.replace(kinds).alias(":kind")
    return records.hstack([kind]).partition_by(":kind", include_key=False) or [records]


def _lacking(fields: Iterable[str], tags: Types, *, may_lack_tags: bool) -> list[str]:
    """Return the fields that are no columns, if those may be lacking. Raises QueryError."""
    names = [*tags, *COLUMNS, *COSTS]
    lacking = [name for name in fields if name not in names and name != EXTRA]
    for name in lacking:
        if not (may_lack_tags and is_tag_name(name)):
            raise QueryError(no_column(name, names))
    return lacking


def is_by_row(predicate: str) -> bool:
    """Return whether the predicate has one answer per record: no aggregates, and no present.

    Functions other than those of _BY_ROW are assumed to read other records.
    """
    if _PRESENT.search(predicate):
        return False
    return {word.lower() for word in _BEFORE_BRACKET.findall(predicate)} <= _BY_ROW


def reads_several(predicate: str) -> bool:
    """Return whether a predicate compares a record with others, unlike with the present."""
    return not is_by_row(_PRESENT.sub("", predicate))


def _is_of_all(condition: pl.Expr, none: pl.DataFrame) -> bool:
    """Return whether a condition, or a part of it, consists of aggregates alone.

    `none` is an empty frame of the records.
    """
    conditions = [condition]  # a stack: long predicates nest deeper than the recursion limit
    while conditions:
        one = conditions.pop()
        parts = one.meta.pop()
        if any(one.meta.eq(joined) for joined in _joined(parts)):
            conditions += parts
        elif _has_one_value(one, none) and not _is_constant(one):
            return True
    return False


def _joined(parts: Sequence[pl.Expr]) -> Sequence[pl.Expr]:
    """Return the conditions that `and`, `or` and `not` build from `parts`, the last one first."""
    match parts:
        case [part]:
            return ~part, part.cast(pl.Boolean)
        case [last, first]:
            return first & last, first | last
        case _:
            return ()


def _has_one_value(part: pl.Expr, none: pl.DataFrame) -> bool:
    """Return whether an expression has a value without records, as aggregates and literals do."""
    try:
        return none.select(part).height > 0
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        parts = part.meta.pop()  # a time compared with text, which only a query converts
        return bool(parts) and all(_has_one_value(each, none) for each in parts)


def _is_constant(expression: pl.Expr) -> bool:
    parts = [expression]
    while parts:
        part = parts.pop()
        if below := part.meta.pop():
            parts += below
        elif not part.meta.is_literal():
            return False
    return True


def first_match(calls: pl.DataFrame, predicates: Sequence[str]) -> list[int | None]:
    """Return, per call, the index of the first matching predicate; None without a match.

    Aggregates are over these calls alone. Raises QueryError.
    """
    columns = ", ".join(f"({predicate}\n) as holds_{n}" for n, predicate in enumerate(predicates))
    with explained("a predicate"):
        for predicate in predicates:
            statement.check_predicate(predicate)
        tags = tag_types(calls)
        lacking = {name for name in tags_in(columns, tags) if name not in tags}
        given = with_extra(calls) if names_extra(columns) else calls
        selecting = f"select {polars_sql(columns, tags)} from records"  # noqa: S608 - as in filter_records()
        found = _select(selecting, in_sql(given), lacking)
    return [next((n for n, holds in enumerate(row) if holds), None) for row in found.iter_rows()]


def predicate_of(field: str, value: object, *, holds: bool) -> str:
    """Return the predicate that a field has this value; without `holds`, that it has not."""
    field = sql_name(field)
    if value is None:
        return f"{field} is {'' if holds else 'not '}null"
    if isinstance(value, list | pl.Series):
        field, value = f"array_to_string({field}, ',')", ",".join(map(str, value))
    literal = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, datetime):
        literal = f"'{value:{_TS}}'"
    elif isinstance(value, str):
        literal = quoted(value)
    return f"{field} = {literal}" if holds else f"({field} <> {literal} or {field} is null)"


def all_of(one: str | None, other: str) -> str:
    """Return a predicate for both; one that ends with the other has it already."""
    if one is None or one == other:
        return other
    grouped = _grouped(one)
    if grouped == one and one.endswith(f" and {other}"):
        return one
    return f"{grouped} and {other}"


def time_range(predicate: str | None) -> tuple[datetime, datetime] | None:
    """Return the range that in_time_range() put into a predicate, UTC; None without one."""
    found = _RANGE.search(predicate or "")
    if found is None:
        return None
    try:
        begin, end = (datetime.strptime(ts, _TS).replace(tzinfo=UTC) for ts in found.groups())
    except ValueError:  # written by the user
        return None
    return begin, end


def in_time_range(predicate: str | None, within: tuple[datetime, datetime] | None) -> str | None:
    """Return the predicate with its time range replaced by `within`, None removes it.

    None if nothing is left.
    """
    wanted = ""
    if within is not None:
        begin, end = (ts.astimezone(UTC).strftime(_TS) for ts in within)
        wanted = f"ts >= '{begin}' and ts <= '{end}'"
    if predicate is None or time_range(predicate) is None:
        return all_of(predicate, wanted) if wanted else predicate
    if wanted:
        return _RANGE.sub(lambda _: wanted, predicate, count=1)
    return _RANGE_JOINED.sub("", predicate, count=1) or None


def _grouped(predicate: str) -> str:
    return f"({predicate})" if re.search(r"\bor\b", predicate, re.IGNORECASE) else predicate


def predicate_problem(predicate: str, tags: Types | None = None) -> str:
    """Return the error of a predicate over priced calls; empty if it is valid.

    `tags` are those of the log; None if it is not known yet.
    """
    try:
        filter_records(conform(NO_RECORDS, tags or {}), predicate, may_lack_tags=tags is None)
    except QueryError as error:
        return str(error)
    return ""


def row_problem(predicate: str) -> str:
    """Return the error of a predicate of one call; empty if it is valid.

    Aggregates are refused: first_match() has the calls of a screen alone.
    """
    if why := predicate_problem(predicate):
        return why
    is_of_one = not reads_several(predicate)
    return "" if is_of_one else "the predicate: takes fields of one call, no aggregates"
