"""Tags as columns: the members of `extra`, named extra.NAME, and fields that no record has."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import orjson
import polars as pl

from llmlog.record import FIELDS
from llmlog_tui.formats.json_text import load_repaired
from llmlog_tui.log.schema import COLUMNS, READ_SCHEMA

PREFIX: Final = "extra."

MAX_TAGS: Final = 100
"""Maximum tag columns of a log; further tags appear only in details."""

_MAX_NAME: Final = 100
"""Maximum characters of a tag's name."""

_MAX_TEXT: Final = 200
"""Maximum characters of an unknown field's value: longer text is content."""

_SAMPLED_LINES: Final = 16
"""Lines per block in which unknown fields are looked for."""

_OTHER_COLUMNS: Final = frozenset(
    {
        *("line", "block", "file", "row", "changed", "was_changed", "at", "position"),
        *("cost_usd", "saved_usd", "failed", "cut_off", "retried", "slow", "worst", "why", "flags"),
    }
)
"""Columns of frames that are no fields: an unknown field of that name becomes extra.NAME."""

_TEXT: Final = pl.Categorical()
_STRING: Final = pl.String()
_INTEGER, _NUMBER, _TRUTH = pl.Int64(), pl.Float64(), pl.Boolean()

LinesOf = Callable[[pl.Series], Sequence[bytes]]
"""Returns the lines of rows."""

Types = Mapping[str, pl.DataType]
"""Column -> dtype: Categorical, Int64, Float64 or Boolean."""

_KNOWN: Final = frozenset({*(each.name for each in FIELDS), *READ_SCHEMA})
_NOT_TAGS: Final = _KNOWN | _OTHER_COLUMNS


@dataclass(frozen=True)
class KnownTags:
    """Tags of a file's earlier blocks: unknown fields, and the members of `extra`.

    `fields` maps names to whether a value was a text: such a column is text, whatever is in it.
    """

    fields: Mapping[str, bool] = field(default_factory=dict)
    extra: Types = field(default_factory=dict)


NO_TAGS: Final = KnownTags()


class TagColumns(NamedTuple):
    """Tag `columns` of a block; `misfits` masks the rows whose `extra` is no object."""

    columns: list[pl.Series]
    known: KnownTags
    misfits: pl.Series


def tag_types(frame: pl.DataFrame) -> dict[str, pl.DataType]:
    """Return the tag columns of a frame with their dtypes."""
    # frame.schema would make a dtype of each of the other columns, too.
    names = [name for name in frame.columns if name not in _NOT_TAGS]
    return {name: frame.get_column(name).dtype for name in names}


def wants_tags(columns: Collection[str]) -> bool:
    """Return whether tags are among the requested columns: all, or an unknown name."""
    return columns is COLUMNS or any(name not in COLUMNS for name in columns)


# -- reading


def find_fields(block: bytes, known: KnownTags) -> KnownTags:
    """Return `known` with the unknown scalar fields in a sample of the lines."""
    found = dict(known.fields)
    for line in _sample(block):
        record = _object(line)
        if not record.keys() <= _KNOWN:
            for name in [name for name in record if name not in _KNOWN]:
                value = record[name]
                if (len(found) < MAX_TAGS or name in found) and _is_tag(name, value):
                    found[name] = found.get(name, False) or isinstance(value, str)
    return known if found == known.fields else replace(known, fields=found)


def _sample(block: bytes) -> Iterator[bytes]:
    """Yield evenly spaced lines of a block, including the first and last."""
    step = max(1, len(block) // _SAMPLED_LINES)
    end = -1
    for place in (*range(0, len(block), step), len(block) - 2):  # before the last newline
        if place > end:
            begin = block.rfind(b"\n", 0, place) + 1
            end = block.find(b"\n", place)
            end = len(block) if end < 0 else end
            yield block[begin:end]


def _is_tag(name: str, value: object) -> bool:
    is_short = not isinstance(value, str) or len(value) <= _MAX_TEXT
    return is_short and isinstance(value, bool | int | float | str) and _is_name(name)


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME and "\0" not in name and "\n" not in name


def read_schema(known: KnownTags) -> dict[str, pl.DataType]:
    """Return the schema for pl.read_ndjson in addition to schema.READ_SCHEMA."""
    return {"extra": pl.String(), **dict.fromkeys(known.fields, pl.String())}


def take_tags(read: pl.DataFrame, known: KnownTags, lines_of: LinesOf) -> TagColumns:
    """Return the tags of a frame that was read with read_schema()."""
    extra = read["extra"]
    if extra.null_count() == len(extra):
        return TagColumns(_of_fields(read, known), known, extra.is_not_null())
    if (of_few := _of_few(extra)) is not None:
        tags, is_object = of_few, extra.is_not_null()
    else:
        extra = _escaped(extra, lines_of)
        tags, is_object = pl.DataFrame(), extra.str.starts_with("{")
        if is_object.any():
            tags = _members(extra.set(~is_object, None), known.extra, lines_of)
    tags = tags.cast({_STRING: _TEXT})
    types = {**known.extra, **tags.schema}
    tags = tags.rename(lambda name: PREFIX + name)
    others = _of_fields(read, known, tags.columns)
    misfits = extra.is_not_null() & ~is_object
    return TagColumns([*tags, *others], replace(known, extra=types), misfits)


def _of_few(extra: pl.Series) -> pl.DataFrame | None:
    """Return the members of plain JSON objects of which few are distinct, else None."""
    rows = extra.arg_unique().sort()
    if len(rows) * _MIN_REPEATS > len(extra):
        return None
    distinct = extra.gather(rows).drop_nulls()
    texts = distinct.to_list()
    # With backslashes, different objects may have the same text (see _escaped).
    if any("\\" in text or not text.startswith("{") for text in texts):
        return None
    tags = _inferred("\n".join(texts).encode(), len(texts))
    if tags is None:
        return None
    index = extra.cast(pl.Enum(distinct)).to_physical()
    return pl.DataFrame([each.gather(index) for each in _without_empty(tags)])


_MIN_REPEATS: Final = 4
"""Minimum rows per distinct object from which each is decoded once."""


def _of_fields(
    read: pl.DataFrame, known: KnownTags, taken: Collection[str] = ()
) -> list[pl.Series]:
    """Return the columns of unknown fields, but those whose names are `taken`."""
    columns = {f"{PREFIX}{name}" if name in _OTHER_COLUMNS else name: name for name in known.fields}
    return [
        _typed(read[name], is_text=known.fields[name]).alias(column)
        for column, name in columns.items()
        if column not in taken and read[name].null_count() < read.height
    ]


def _escaped(extra: pl.Series, lines_of: LinesOf) -> pl.Series:
    """Return objects as JSON: polars leaves backslashes in them unescaped."""
    rows = extra.str.contains("\\", literal=True).arg_true()
    if not len(rows):
        return extra
    texts = [json.dumps(tags, ensure_ascii=False) for tags in map(_extra_of, lines_of(rows))]
    return extra.scatter(rows, texts)


def _extra_of(line: bytes) -> dict[str, Any]:
    """Return the tags in a line; none where orjson rejects what polars accepted."""
    extra = _object(line).get("extra")
    return extra if isinstance(extra, dict) else {}


def _object(line: bytes) -> dict[str, Any]:
    """Return the object of a line; {} if it has none."""
    with contextlib.suppress(orjson.JSONDecodeError):
        record = load_repaired(line)
        return record if isinstance(record, dict) else {}
    return {}


def _members(texts: pl.Series, known: Types, lines_of: LinesOf) -> pl.DataFrame:
    """Return the members of JSON objects as columns, at most MAX_TAGS of them."""
    lines = texts.fill_null("{}").str.join("\n").item()
    tags = _decoded(lines, len(texts), known) if known else None
    if tags is None:
        tags = _inferred(lines.encode(), len(texts))
    if tags is None:
        records = [_extra_of(line) for line in lines_of(pl.int_range(len(texts), eager=True))]
        tags = _by_line(lines, records)
    return _without_empty(tags)


def _decoded(lines: str, count: int, known: Types) -> pl.DataFrame | None:
    """Return the members in known types; None for objects with other members or types.

    Text is String. Any value is text where text is known, as in the column of all blocks.
    """
    schema = {name: _STRING if dtype == _TEXT else dtype for name, dtype in known.items()}
    with contextlib.suppress(pl.exceptions.PolarsError):
        # Unlike str.json_decode(), which makes 1 of 1.5, this rejects what does not fit.
        tags = pl.read_ndjson(lines.encode(), schema=schema)
        # Each member with a value has one `": `, its text may have more: equality means that all
        # were known. That is twice as fast as finding their names.
        members = sum(tags.height - each.null_count() for each in tags)
        found = _values_in(lines)
        if members < found:
            texts = (tags[name] for name, dtype in schema.items() if dtype == _STRING)
            members += sum(_values_in(text.str.join("\n").item()) for text in texts)
        if tags.height == count and members == found:
            return tags
    return None


def _values_in(lines: str) -> int:
    """Return how many members in JSON have a value."""
    return lines.count('": ') - lines.count('": null')


def _inferred(lines: bytes, count: int) -> pl.DataFrame | None:
    """Return the members with the types that polars infers; None for objects that it rejects."""
    with contextlib.suppress(pl.exceptions.PolarsError):
        tags = pl.read_ndjson(lines, infer_schema_length=None)
        if tags.height == count:
            names = [name for name in tags.columns if _is_name(name)][:MAX_TAGS]
            types = {name: _kept_as(tags.schema[name]) for name in names}
            if any(tags.schema[name].is_nested() for name in names):
                as_json = {name: _STRING if of == _TEXT else of for name, of in types.items()}
                tags = pl.read_ndjson(lines, schema=as_json)
            return pl.DataFrame([tags[name].cast(dtype) for name, dtype in types.items()])
    return None


def _by_line(lines: str, records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the members of objects that polars infers no types from, typed as unknown fields."""
    names = list(dict.fromkeys(name for record in records for name in record if _is_name(name)))
    del names[MAX_TAGS:]
    tags = _decoded(lines, len(records), dict.fromkeys(names, _TEXT))
    if tags is None:  # polars leaves control characters unescaped, too
        tags = pl.DataFrame(
            pl.Series(name, [_as_text(record.get(name)) for record in records], _STRING)
            for name in names
        )
    return pl.DataFrame(
        _typed(each, is_text=any(isinstance(record.get(each.name), str) for record in records))
        for each in tags
    )


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)  # in polars' form


def _kept_as(dtype: pl.DataType) -> pl.DataType:
    if dtype.is_integer():
        return _INTEGER
    return _NUMBER if dtype.is_float() else _TRUTH if dtype == _TRUTH else _TEXT


def _without_empty(tags: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame([each for each in tags if each.null_count() < tags.height])


def _typed(text: pl.Series, *, is_text: bool) -> pl.Series:
    """Return JSON scalars, read as text, in their common type, else as text."""
    if not is_text:
        truth = {"true": True, "false": False}
        for found in (
            text.replace_strict(truth, default=None, return_dtype=_TRUTH),
            text.cast(_INTEGER, strict=False),
            text.cast(_NUMBER, strict=False),
        ):
            if found.null_count() == text.null_count():
                return found
    return text.cast(_TEXT)


# -- one schema for all blocks


def merged_types(one: Types, other: Types) -> dict[str, pl.DataType]:
    """Return the dtypes that hold the tags of both; numbers with texts are text."""
    found = dict(one)
    for name, dtype in other.items():
        if name in found:
            found[name] = _common(found[name], dtype)
        elif len(found) < MAX_TAGS:
            found[name] = dtype
    return found


def _common(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    if one == other:
        return one
    return _NUMBER if {one, other} == {_INTEGER, _NUMBER} else _TEXT


def with_same_tags(frames: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Return frames that have other columns in common, with all tags of all of them."""
    types: dict[str, pl.DataType] = {}
    for frame in frames:
        types = merged_types(types, tag_types(frame))
    return [conform(frame, types) for frame in frames]


def conform(frame: pl.DataFrame, tags: Types) -> pl.DataFrame:
    """Return a frame with `tags`, in these dtypes, as its last columns."""
    found = tag_types(frame)
    if not tags and not found:
        return frame
    others = [column for column in frame if column.name not in found]
    return pl.DataFrame([*others, *(_cast(frame, name, dtype) for name, dtype in tags.items())])


def _cast(frame: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [None], dtype).new_from_index(0, frame.height)
    column = frame[name]
    if column.dtype == dtype:
        return column
    return column.cast(dtype) if dtype != _TEXT else column.cast(pl.String).cast(dtype)


# -- as an object again


def with_tags_apart(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a frame with its tags under `extra`, as in a line."""
    fields = {name: value for name, value in record.items() if name in _NOT_TAGS}
    tags = tags_of(record)
    return {**fields, "extra": tags} if tags else fields


def tags_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `extra` of a row: its tags by name, without nulls."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in record.items()
        if value is not None and name not in _NOT_TAGS
    }
