"""Correct fields of earlier records: spans of a trace come in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from llmlog_tui.formats import Key, Record
from llmlog_tui.log.chunked_frame import ChunkedFrame

Corrections = Mapping[Key, Record]

_FIELDS = ("step", "session_id")


def corrected(frame: pl.DataFrame, corrections: Corrections) -> pl.DataFrame:
    """Return a frame with corrected records; itself if it has none."""
    traces = pl.Series([trace for trace, _ in corrections], dtype=pl.String).unique()
    is_touched = frame["trace_id"].is_in(traces.implode())
    if not is_touched.any():
        return frame
    with_fields = frame.join(
        _table(corrections), on=["trace_id", "span_id"], how="left", maintain_order="left"
    )
    return with_fields.with_columns(
        pl.coalesce(f"new_{name}", name).alias(name) for name in _FIELDS
    ).drop(f"new_{name}" for name in _FIELDS)


def correct(parts: Iterable[ChunkedFrame], corrections: Corrections) -> bool:
    """Correct the records in place; return whether any was there."""
    has_changed = False
    for part in parts:
        for at, frame in enumerate(part.frames):
            found = corrected(frame, corrections)
            if found is not frame:
                part.replace_frame(at, found)
                has_changed = True
    return has_changed


def _table(corrections: Corrections) -> pl.DataFrame:
    """Return the corrections as rows, by trace_id and span_id."""
    return pl.DataFrame(
        {
            "trace_id": [trace for trace, _ in corrections],
            "span_id": [span for _, span in corrections],
            "new_step": [fields.get("step") for fields in corrections.values()],
            "new_session_id": [fields.get("session_id") for fields in corrections.values()],
        },
        schema={
            **dict.fromkeys(("trace_id", "span_id"), pl.String),
            "new_step": pl.Int64,
            "new_session_id": pl.String,
        },
    )
