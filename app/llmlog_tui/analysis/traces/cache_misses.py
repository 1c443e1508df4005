"""Explain prompt cache misses by comparing prefix_hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from llmlog_tui.analysis.traces.conversation import decode
from llmlog_tui.log.schema import IS_CALL

Hashes = Mapping[int, Sequence[str]]
"""prefix_hashes by record key: per message, a hash of it and all messages before.

They are not in the frame; the caller reads them from the raw lines.
"""

_HALF: Final = 0.5


def hashes_in(line: bytes) -> list[str]:
    """Return prefix_hashes of a raw line; empty without any."""
    if b'"prefix_hashes"' not in line:
        return []
    found = (decode(line) or {}).get("prefix_hashes")
    return [str(each) for each in found] if isinstance(found, list) else []


def first_change(before: Sequence[object], after: Sequence[object]) -> int | None:
    """Return the first message, from 0, that differs; None if one prompt extends the other."""
    pairs = zip(before, after, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), None)


def cache_misses(frame: pl.DataFrame, hashes: Hashes) -> dict[int, str]:
    """Return, by `row`, why less than half of a reusable prompt was cached.

    A call is compared with the previous call of the same model and trace, in order of steps:
    `prefix changed at message 3` (from 0), or `prefix unchanged, not cached` (too short for the
    provider, too long ago, or another server). Calls whose cached_tokens, prompt_tokens or
    prefix_hashes are unknown, and first calls, are left out.
    """
    calls = frame.filter(IS_CALL & pl.col("row").is_in(list(hashes)))
    found: dict[int, str] = {}
    last: dict[tuple[object, object], Sequence[str]] = {}
    for call in _in_order(calls).iter_rows(named=True):
        key, now = (call["trace_id"], call["model"]), hashes[call["row"]]
        before = last.get(key)
        last[key] = now
        if before is not None and _is_miss(call["cached_tokens"], call["prompt_tokens"]):
            changed = first_change(before, now)
            found[call["row"]] = (
                "prefix unchanged, not cached"
                if changed is None
                else f"prefix changed at message {changed}"
            )
    return found


def _in_order(calls: pl.DataFrame) -> pl.DataFrame:
    needed = ("row", "trace_id", "model", "step", "cached_tokens", "prompt_tokens")
    return calls.select(needed).sort("step", maintain_order=True, nulls_last=True)


def _is_miss(cached: int | None, prompt: int | None) -> bool:
    return cached is not None and prompt is not None and cached < prompt * _HALF
