"""Mark the steps whose system_fingerprint differs from that of the step before."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.call_model import MODEL
from llmlog_tui.log.schema import IS_STEP

_NAME: Final = pl.col("system_fingerprint")


def with_changed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with `changed`: the fingerprint differs from that of the step before.

    The step before is the last one in the same trace with a fingerprint and the same model
    (requested, if none answered).
    """
    # As codes: numbers sort many times faster than text.
    runs = ("trace_id", "model")
    codes = (_code(pl.col("trace_id")), _code(MODEL).alias("model"))
    coded = frame.select_seq("row", "step", "event", _NAME, *codes)
    known = coded.filter(IS_STEP & _NAME.is_not_null() & pl.col("trace_id").is_not_null())
    in_order = known.sort(*runs, "step", maintain_order=True, nulls_last=True)
    same_run = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in runs)
    rows = in_order.filter(same_run & (_NAME.shift(1) != _NAME))["row"]
    return frame.with_columns_seq(changed=pl.col("row").is_in(rows.implode()))


def _code(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.Categorical).to_physical()
