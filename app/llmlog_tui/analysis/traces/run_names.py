"""Names of runs: given ones, the first words of the user, or a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from llmlog_tui.analysis.traces.conversation import conversation
from llmlog_tui.log.schema import IS_CALL
from llmlog_tui.sanitize import encodable

_MAX_WORDS: Final = 60
"""Maximum characters of a name that is made of words."""

_READ_CHARACTERS: Final = 1_000


def first_words(record: Mapping[str, Any]) -> str | None:
    """Return how the user's first message in a call begins; None without content."""
    if not record.get("input"):
        return None
    texts = (each.text for each in conversation(record).messages if each.role == "user")
    words = " ".join(next(filter(None, texts), "")[:_READ_CHARACTERS].split())
    if len(words) > _MAX_WORDS:
        words = words[:_MAX_WORDS].rpartition(" ")[0] or words[:_MAX_WORDS]
        words += "…"
    return encodable(words) or None


def first_calls(frame: pl.DataFrame, traces: Iterable[str]) -> pl.DataFrame:
    """Return the first model call of each of these traces."""
    of_traces = pl.col("trace_id").is_in(list(traces))
    return frame.filter(IS_CALL & of_traces).unique("trace_id", keep="first", maintain_order=True)


def run_name(trace: Mapping[str, Any], words: Mapping[str, str | None]) -> str | None:
    """Return the name of a row of traces.traces(); `words` are the user's, by trace_id."""
    given: str | None = trace["trace_name"] or words.get(trace["trace_id"]) or trace["name"]
    return given


def compared_runs(traces: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return one row per name of runs, that of the most runs first.

    Columns: name, runs, failed, p50_steps, p50_time_ms, p95_time_ms, p50_tokens, p50_cost_usd,
    cost_usd (total, null if unknown).
    """
    known = pl.col("cost_usd").is_not_null().any()
    return (
        traces.group_by(pl.col(name).alias("name"), maintain_order=True)
        .agg(
            runs=pl.len(),
            failed=pl.col("failed").sum(),
            p50_steps=_median("steps"),
            p50_time_ms=_median("time_ms"),
            p95_time_ms=pl.col("time_ms").quantile(0.95, interpolation="linear"),
            p50_tokens=_median("tokens"),
            p50_cost_usd=_median("cost_usd"),
            cost_usd=pl.when(known).then(pl.col("cost_usd").sum()),
        )
        .sort("runs", descending=True, maintain_order=True)
    )


def _median(name: str) -> pl.Expr:
    return pl.col(name).quantile(0.5, interpolation="linear")
