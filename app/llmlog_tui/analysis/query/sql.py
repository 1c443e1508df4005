"""SQL over a log: a predicate that narrows it, a query that answers in a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final

import polars as pl

from llmlog_tui.analysis.alerts.fingerprints import with_changed
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import priced, rates
from llmlog_tui.analysis.traces.traces import traces
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.log.schema import COLUMNS, decategorize
from llmlog_tui.log.store import FRAME_SCHEMA

_OURS: Final = ("line", "block", "file", "row", "changed")
"""Columns of the frame that are no fields of the record."""

COSTS: Final = ("cost_usd", "saved_usd")
"""What a predicate may name beyond COLUMNS, where calls are priced; see cost.priced()."""

NO_RECORDS: Final = pl.DataFrame(schema={**FRAME_SCHEMA, **dict.fromkeys(COSTS, pl.Float64)})
"""A log without records, priced."""

_LOST: Final = re.compile(r'find column "(?P<name>.*?)"; valid columns: \[(?P<names>.*)\]')
_QUOTED: Final = re.compile(r'"(.*?)"')
_TS: Final = "%Y-%m-%d %H:%M:%S.%f"
_RANGE: Final = re.compile("ts >= '([^']*)' and ts <= '([^']*)'")
_RANGE_JOINED: Final = re.compile(f"^{_RANGE.pattern} and |( and )?{_RANGE.pattern}")
_NEAR, _SEVERAL = 0.6, 3

_BEFORE_BRACKET: Final = re.compile(r"(\w+\"?)\s*\(")
_BY_ROW: Final = frozenset(
    {
        *("and", "or", "not", "in", "when", "then", "else", "case", "between", "like", "ilike"),
        *("abs", "ceil", "floor", "round", "coalesce", "nullif", "ifnull", "greatest", "least"),
        *("lower", "upper", "length", "trim", "left", "right", "substr", "strpos", "concat"),
        *("starts_with", "ends_with", "regexp_like", "cast", "try_cast", "date_part", "extract"),
    }
)
"""What may stand before a bracket in a predicate that is about one record at a time."""


class QueryError(Exception):
    """SQL that has no answer; its text is one line that says why."""


def filter_records(frame: pl.DataFrame, predicate: str, rules: Rules = DEFAULT) -> pl.DataFrame:
    """The records of a frame for which an SQL predicate over the record's fields and COSTS holds.

    Costs are at the prices of `rules` where the frame has none. Times are compared with SQL
    timestamps, dates, and text that looks like one, all UTC. Raises QueryError.
    """
    with _explained("the predicate"):
        fields = dict.fromkeys(pl.sql_expr(predicate).meta.root_names())
        known = _with_costs(frame, rules) if fields.keys() & set(COSTS) else frame
        for name in fields:
            if name not in COLUMNS and name not in COSTS:
                raise QueryError(_no_column(name, [*COLUMNS, *COSTS]))
        records = _in_sql(known.select_seq("row", *fields))
        if not is_by_row(predicate) and _is_of_all(pl.sql_expr(predicate), records.clear()):
            raise QueryError(
                "the predicate: a condition has one answer for all records together; "
                "compare a field of each, as latency_ms > avg(latency_ms)"
            )
        asked = f"select row from records where {predicate}\n"  # noqa: S608 - one expression
        kept = pl.SQLContext(records=records, eager=True).execute(asked)["row"]
    return frame.filter(pl.col("row").is_in(kept.implode()))


def is_by_row(predicate: str) -> bool:
    """Whether a record alone says if the predicate holds for it: it compares with no average.

    Of functions, only those are known not to look at other records that are named here.
    """
    return {word.lower() for word in _BEFORE_BRACKET.findall(predicate)} <= _BY_ROW


def _is_of_all(condition: pl.Expr, none: pl.DataFrame) -> bool:
    """Whether a condition, or one that it joins, is made of aggregates alone, and so of no field.

    `none` are records without a row.
    """
    conditions = [condition]  # a list: long predicates are nested deeper than Python calls go
    while conditions:
        one = conditions.pop()
        parts = one.meta.pop()
        if any(one.meta.eq(joined) for joined in _joined(parts)):
            conditions += parts
        elif _has_one_value(one, none) and not _is_constant(one):
            return True
    return False


def _joined(parts: Sequence[pl.Expr]) -> Sequence[pl.Expr]:
    """What `and`, `or` and `not` make of conditions; the last of them is the first of `parts`."""
    match parts:
        case [part]:
            return ~part, part.cast(pl.Boolean)
        case [last, first]:
            return first & last, first | last
        case _:
            return ()


def _has_one_value(part: pl.Expr, none: pl.DataFrame) -> bool:
    """Whether an expression has a value even of no records, as aggregates and literals do."""
    try:
        return none.select(part).height > 0
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        parts = part.meta.pop()  # a time beside a text: only a query takes that for a time
        return bool(parts) and all(_has_one_value(each, none) for each in parts)


def _is_constant(expression: pl.Expr) -> bool:
    """Whether an expression is made of literals alone."""
    parts = [expression]
    while parts:
        part = parts.pop()
        if below := part.meta.pop():
            parts += below
        elif not part.meta.is_literal():
            return False
    return True


def first_match(calls: pl.DataFrame, predicates: Sequence[str]) -> list[int | None]:
    """For each call, the place of the first of the predicates that holds; None if none does.

    They are judged row by row, of these calls alone. Raises QueryError.
    """
    asked = ", ".join(f"({predicate}\n) as holds_{n}" for n, predicate in enumerate(predicates))
    with _explained("a predicate"):
        records = pl.SQLContext(records=_in_sql(calls), eager=True)
        found = records.execute(f"select {asked} from records")  # noqa: S608 - as in narrowed()
    return [next((n for n, holds in enumerate(row) if holds), None) for row in found.iter_rows()]


def predicate_of(field: str, value: object, *, holds: bool) -> str:
    """The predicate that a field has this value; or with not `holds`, that it has another one."""
    if value is None:
        return f"{field} is {'' if holds else 'not '}null"
    if isinstance(value, list | pl.Series):
        field, value = f"array_to_string({field}, ',')", ",".join(map(str, value))
    literal = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, datetime):
        literal = f"'{value:{_TS}}'"
    elif isinstance(value, str):
        literal = "'" + value.replace("'", "''") + "'"
    return f"{field} = {literal}" if holds else f"({field} <> {literal} or {field} is null)"


def all_of(one: str | None, other: str) -> str:
    """The predicate that both hold."""
    return other if one is None else f"{_grouped(one)} and {other}"


def time_range(predicate: str | None) -> tuple[datetime, datetime] | None:
    """The stretch of time that in_range() put into a predicate, UTC; None if there is none."""
    found = _RANGE.search(predicate or "")
    if found is None:
        return None
    try:
        begin, end = (datetime.strptime(ts, _TS).replace(tzinfo=UTC) for ts in found.groups())
    except ValueError:  # one that the user wrote
        return None
    return begin, end


def in_time_range(predicate: str | None, within: tuple[datetime, datetime] | None) -> str | None:
    """The predicate with this stretch of time in the place of the one it has; without, if None.

    None where nothing is left of it.
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


def predicate_problem(predicate: str) -> str:
    """What is wrong with a predicate over calls that have costs; empty if nothing is."""
    try:
        filter_records(NO_RECORDS, predicate)
    except QueryError as error:
        return str(error)
    return ""


def _no_column(name: str, names: Sequence[str]) -> str:
    """That there is none, and which ones the user may have meant."""
    part = name.lower()
    near = sorted((each for each in names if part in each), key=lambda each: each.find(part))
    near = near[:_SEVERAL] or get_close_matches(part, names, _SEVERAL, _NEAR)
    if not near:
        return f"no column {name}; there are {len(names)}, among them {', '.join(names[:_SEVERAL])}"
    return f"no column {name}; the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"


def _with_costs(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return frame if COSTS[0] in frame.columns else priced(frame, rates(rules))


def _calls(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return _public(model_calls(_with_costs(frame, rules)))


def _traces(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return traces(_with_costs(with_changed(frame), rules)).drop("row", "at")


def _records(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return _public(_with_costs(frame, rules))


def _public(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop(_OURS, strict=False)


TABLES: Final[dict[str, Callable[[pl.DataFrame, Rules], pl.DataFrame]]] = {
    "calls": _calls,
    "traces": _traces,
    "records": _records,
}
"""calls: the model calls, with the record's fields and COSTS; traces: one row a run, see
traces.traces(); records: everything, tool executions, spans and foreign events too."""


def query(frame: pl.DataFrame, sql: str, rules: Rules = DEFAULT) -> pl.DataFrame:
    """The answer to one SQL statement over TABLES, whose timestamps are UTC without a zone.

    Costs are at the prices of `rules`, before those that are listed. Raises QueryError.
    """
    named = sql.lower()
    is_listing = named.replace(";", " ").split()[:2] == ["show", "tables"]
    tables = {
        name: _in_sql(table(frame, rules))
        for name, table in TABLES.items()
        if name in named or is_listing
    }
    with _explained("the query"):
        return decategorize(pl.SQLContext(tables, eager=True).execute(sql))


def _in_sql(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as SQL takes it: no categoricals, and times that compare with timestamps."""
    return decategorize(frame).with_columns(pl.col(pl.Datetime).dt.replace_time_zone(None))


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(" :")
        reason = reason.replace("sql parser error: ", "")
        if "relation" in reason and what == "the query":
            reason += f"; there are {', '.join(TABLES)}"
        elif "relation" in reason:
            reason = "takes no subquery; compare with avg(latency_ms), or ask with llmlog sql"
        if lost := _LOST.search(reason):
            reason = _no_column(lost["name"], _QUOTED.findall(lost["names"]))
        raise QueryError(f"{what}: {reason}") from None
