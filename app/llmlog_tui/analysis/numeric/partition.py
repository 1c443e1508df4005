"""Rows in parts by what they are about, as they come in."""

from __future__ import annotations

from functools import partial

import polars as pl

Key = tuple[str | None, ...]


class KeyPartitioner:
    """Splits rows by `keys`; those of a key with `few` rows or less are held back for now.

    Of the many models that have a call or two nothing is ever found: they are not worth a look.
    """

    def __init__(self, *keys: str, few: int = 0) -> None:
        self._keys = keys
        self._few = few
        self._known: set[Key] = set()
        self._held: pl.DataFrame | None = None

    def split(self, rows: pl.DataFrame) -> dict[Key, pl.DataFrame]:
        """The parts of rows and of what was held back, without their keys, in order of sight."""
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
        long = sizes.filter(pl.col("len") > self._few)
        if long.height == sizes.height:
            self._held, due = rows.clear(), rows
        else:
            join = partial(rows.join, long, self._keys, nulls_equal=True, maintain_order="left")
            self._held, due = join(how="anti"), join(how="semi")
        found = self._parts(due)
        self._known.update(found)
        return parts | found

    def _parts(self, rows: pl.DataFrame) -> dict[Key, pl.DataFrame]:
        return rows.partition_by(self._keys, as_dict=True, include_key=False)
