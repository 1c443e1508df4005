"""The model of a call: the one that answered, else the one that was requested."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.call_rows import Calls

MODEL_COLUMNS: Final = ("model", "requested_model")

MODEL: Final = pl.coalesce(*MODEL_COLUMNS)
"""Model of a call. One that failed has no answer, hence only a requested model."""

_MODEL_SQL: Final = f"coalesce({', '.join(MODEL_COLUMNS)})"

REQUESTED: Final = pl.coalesce("requested_model", "model")
"""Requested model of a call, where successes and failures must have the same name."""

REQUESTED_SQL: Final = "coalesce(requested_model, model)"

UNANSWERED: Final = pl.col("model").is_null() & pl.col("requested_model").is_not_null()
"""Predicate: no model answered the call, and it is known which one was requested."""


def models(calls: Calls) -> list[str]:
    """Return the models of calls, sorted; without the aliases of one model that answered."""
    pairs = _pairs(calls)
    aliases = _aliases(pairs)
    answered = pairs["model"].drop_nulls().to_list()
    requested = pairs.filter(UNANSWERED)["requested_model"].to_list()
    return sorted({*answered, *(name for name in requested if name not in aliases)})


def requested_as(calls: Calls, model: str) -> list[str]:
    """Return the names under which a model was requested, sorted, with its own.

    A router's name (`openai/gpt-oss-120b`) is known from the calls that the model answered. A name
    that several models answered (`openrouter/auto`) belongs to none of them.
    """
    aliases = _aliases(_pairs(calls))
    return sorted({model, *(name for name, only in aliases.items() if only == model)})


def _aliases(pairs: pl.DataFrame) -> dict[str, str]:
    """Return the requested names that exactly one model answered, with it; models are none."""
    by_name = dict[str, set[str]]()
    for model, name in pairs.drop_nulls().iter_rows():
        by_name.setdefault(name, set()).add(model)
    known = set(pairs["model"])
    return {
        name: next(iter(found))
        for name, found in by_name.items()
        if len(found) == 1 and name not in known
    }


def is_of_model(model: str, names: Iterable[str]) -> pl.Expr:
    """Return a predicate: the model answered, or none did and one of `names` was requested."""
    answered, requested = (pl.col(name).cast(pl.String) for name in MODEL_COLUMNS)
    return answered.eq_missing(pl.lit(model)) | (answered.is_null() & requested.is_in(list(names)))


def of_model_sql(model: str | None, names: Iterable[str]) -> str:
    """Return is_of_model() in SQL; None: no model is known."""
    if model is None:
        return f"{_MODEL_SQL} is null"
    listed = [quoted(name) for name in names]
    if listed in ([], [quoted(model)]):
        return f"{_MODEL_SQL} = {quoted(model)}"
    requested = f"requested_model in ({', '.join(listed)})"
    return f"(model = {quoted(model)} or model is null and {requested})"


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _pairs(calls: Calls) -> pl.DataFrame:
    """Return the pairs of answering and requested model, as text."""
    return calls.lazy().select(MODEL_COLUMNS).unique().collect().cast(pl.String)
