"""Partition incoming rows by key, and hold back rare keys."""

from __future__ import annotations

from functools import partial

import polars as pl

Key = tuple[str | None, ...]


class KeyPartitioner:
    """Split rows by `keys`; a key's rows are held back until it has `min_rows`.

    A log may have many models with a call or two: too few to find anything.
    """

    def __init__(self, *keys: str, min_rows: int = 1) -> None:
        self._keys = keys
        self._min_rows = min_rows
        self._known: set[Key] = set()
        self._held: pl.DataFrame | None = None

    def split(self, rows: pl.DataFrame) -> dict[Key, pl.DataFrame]:
        """Return rows, new and held back, per key in order of appearance, without key columns."""
        parts: dict[Key, pl.DataFrame] = {}
        if self._known:
            by_key = self._parts(rows)
            parts = {key: part for key, part in by_key.items() if key in self._known}
            if len(parts) == len(by_key):
                return parts
            known = pl.DataFrame(list(parts), rows.select(self._keys).schema, orient="row")
            rows = rows.join(known, on=self._keys, how="anti", nulls_equal=True)
        if self._held is not None:
            rows = pl.concat([self._held, rows])
        sizes = rows.group_by(self._keys).len()
        frequent = sizes.filter(pl.col("len") >= self._min_rows)
        if frequent.height == sizes.height:
            self._held, released = rows.clear(), rows
        else:
            join = partial(rows.join, frequent, self._keys, nulls_equal=True, maintain_order="left")
            self._held, released = join(how="anti"), join(how="semi")
        found = self._parts(released)
        self._known.update(found)
        return parts | found

    def _parts(self, rows: pl.DataFrame) -> dict[Key, pl.DataFrame]:
        return rows.partition_by(self._keys, as_dict=True, include_key=False)
