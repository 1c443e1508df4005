"""Model calls as row numbers of a frame: a copy would double its memory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final, TypeAlias

import polars as pl

from llmlog.record import CALL_EVENTS

# One division: by a constant, polars rounds the last digit of one row and of many differently.
_COMPUTED: Final = pl.col("completion_tokens").cast(pl.Float64) * 1_000 / pl.col("latency_ms")
SPEED: Final = pl.coalesce("tokens_per_sec", pl.when(pl.col("latency_ms") > 0).then(_COMPUTED))
"""tokens_per_sec of a call, computed where it is missing."""


class CallRows:
    """Model calls of `records`, in their order, with the columns of calls.model_calls().

    `index` has a row per call: `at`, UInt32, its index in `records`, and `row`, its key. Columns
    are copied when they are asked for, and not kept.
    """

    def __init__(self, records: pl.DataFrame, index: pl.DataFrame) -> None:
        self.records = records
        self.index = index

    @classmethod
    def of(cls, records: pl.DataFrame) -> CallRows:
        """Return all model calls of a frame."""
        return cls(records, call_index(records))

    @property
    def height(self) -> int:
        return self.index.height

    @property
    def columns(self) -> list[str]:
        return self.records.columns

    def lazy(self) -> pl.LazyFrame:
        """Return the calls as a query: columns it does not need are not copied."""
        rows = self.records.lazy()
        if self.height < self.records.height:
            rows = rows.filter(self._mask)
        return rows.with_columns(tokens_per_sec=SPEED)

    @cached_property
    def _mask(self) -> pl.Series:
        none = pl.Series([False]).new_from_index(0, self.records.height)
        return none.scatter(self.index["at"], values=True)

    def frame(self) -> pl.DataFrame:
        """Return all columns; of a slice the copy is small."""
        is_all = self.height == self.records.height
        return _with_speed(self.records if is_all else self.records[self.index["at"]])

    def select(
        self, *exprs: pl.Expr | str | Iterable[pl.Expr | str], **named: pl.Expr
    ) -> pl.DataFrame:
        """Return expressions over the calls, as DataFrame.select() does."""
        return self.lazy().select(*exprs, **named).collect()

    def __getitem__(self, name: str) -> pl.Series:
        return self.index["row"] if name == "row" else self.select(name).to_series()

    def slice(self, offset: int, length: int | None = None) -> CallRows:
        """Return calls from `offset` on, which is not negative."""
        index = self.index.slice(offset, length)
        if not index.height:
            return CallRows(self.records.clear(), index)
        first, last = index["at"][0], index["at"][-1]
        records = self.records.slice(first, last - first + 1)
        return CallRows(records, pl.DataFrame([index["at"] - first, index["row"]]))

    def tail(self, calls: int) -> CallRows:
        return self.slice(max(0, self.height - calls))

    def gather(self, positions: pl.Series) -> pl.DataFrame:
        """Return all columns of the calls at these positions, in their order."""
        return _with_speed(self.records[self.index["at"][positions]])

    def with_keys(self, keys: pl.Series) -> CallRows:
        """Return the calls with one of these keys."""
        return CallRows(self.records, self.index.filter(pl.col("row").is_in(keys.implode())))


def _with_speed(rows: pl.DataFrame) -> pl.DataFrame:
    # An expression wakes polars' threads, ten times a second.
    is_missing = rows["tokens_per_sec"].is_null() & rows["completion_tokens"].is_not_null()
    return rows.with_columns_seq(tokens_per_sec=SPEED) if is_missing.any() else rows


Calls: TypeAlias = pl.DataFrame | CallRows
"""Model calls: columns, or row numbers."""


def call_index(records: pl.DataFrame, first: int = 0) -> pl.DataFrame:
    """Return CallRows.index of the calls of records; `first` is the index of the first record."""
    at = pl.int_range(first, first + records.height, dtype=pl.UInt32, eager=True)
    index = pl.DataFrame([at.alias("at"), records["row"]])
    # Eager, and mostly all of them are calls: new records are few, ten times a second.
    is_call = records["event"].is_in(list(CALL_EVENTS))
    return index if is_call.all(ignore_nulls=False) else index.filter(is_call)
