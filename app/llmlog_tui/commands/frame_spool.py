"""Keep frames of a stream on disk until the columns of all are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from llmlog_tui.log.schema import COLUMNS, integer_columns
from llmlog_tui.log.tags import merged_types, tag_types

_PLACE: Final[dict[str, pl.DataType]] = {"file": pl.String(), "line": pl.Int64()}
_TEXT: Final = pl.String()
_EMPTY: Final = pl.DataFrame(schema={**COLUMNS, **_PLACE})


class FrameSpool:
    """Frames of records with `file` and `line`; a single one stays in memory."""

    def __init__(self, folder: Path) -> None:
        self.rows = 0
        """Number of records so far."""
        self._folder = folder
        self._only: pl.DataFrame | None = None
        self._files: list[Path] = []
        self._tags: dict[str, pl.DataType] = {}
        self._integers: frozenset[str] | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Append a frame; it may have tags that others lack."""
        self._tags = merged_types(self._tags, tag_types(frame))
        integers = integer_columns(frame)
        self._integers = integers if self._integers is None else self._integers & integers
        self.rows += frame.height
        if self._only is None and not self._files:
            self._only = frame
            return
        if self._only is not None:
            self._write(self._only)
            self._only = None
        self._write(frame)

    @property
    def integers(self) -> frozenset[str]:
        """The latencies without a fraction of a ms in any record."""
        return self._integers or frozenset()

    def frames(self) -> Sequence[pl.LazyFrame]:
        """Return all frames with the same columns and plain types: fields, tags, place."""
        if self._files:
            return [self._plain(pl.scan_parquet(file, glob=False)) for file in self._files]
        return [self._plain((_EMPTY if self._only is None else self._only).lazy())]

    def _write(self, frame: pl.DataFrame) -> None:
        path = self._folder / f"{len(self._files)}.parquet"
        with path.open("xb") as file:
            frame.write_parquet(file, compression="lz4", statistics=False)
        self._files.append(path)

    def _plain(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        known = frame.collect_schema()
        types = {**COLUMNS, **self._tags, **_PLACE}
        plain = {name: _TEXT if of == pl.Categorical() else of for name, of in types.items()}
        return frame.select(
            pl.col(name).cast(dtype) if name in known else pl.lit(None, dtype).alias(name)
            for name, dtype in plain.items()
        )
