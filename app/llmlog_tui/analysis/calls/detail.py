"""One record in detail: where its time went, why it was slow or cut off, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmlog.record import CALL_EVENTS
from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.hidden_truncation import why_empty
from llmlog_tui.analysis.calls.calls import Baseline
from llmlog_tui.analysis.calls.slow_reason import (
    LatencyBreakdown,
    latency_breakdown,
    retry_wait_ms,
    slow_reason,
)


@dataclass(frozen=True)
class Detail:
    """A record and what is to be said of it.

    `record` is its row of Overview.frame; `usual` what is usual for its model, None where nothing
    is known. `waited_ms` went by before its last attempt, `first_ms` until the answer began,
    `answer_ms` with the answer itself: the parts of latency_ms, None where it is not a call or has
    none. `why_slow` and `cut_off` are sentences, empty if it is neither.
    """

    record: Mapping[str, Any]
    is_call: bool
    usual: Baseline | None
    split: LatencyBreakdown
    waited_ms: float | None
    first_ms: float | None
    answer_ms: float | None
    why_slow: str
    cut_off: str


def detail(record: Mapping[str, Any], usual: Baseline | None, slow_ms: float) -> Detail:
    """The detail of a row of Overview.frame, a call being slow over `slow_ms`."""
    is_call = record["event"] in CALL_EVENTS
    call = {**record, "tokens_per_sec": _speed(record)} if is_call else record
    latency, waited = record["latency_ms"], retry_wait_ms(record) or 0.0
    ttft = record["ttft_ms"] if record["stream"] else None
    began = None if latency is None else min(latency, max(waited, ttft or 0.0))
    return Detail(
        record=call,
        is_call=is_call,
        usual=usual,
        split=latency_breakdown(record),
        waited_ms=None if latency is None else min(waited, latency),
        first_ms=None if began is None else began - min(waited, began),
        answer_ms=None if began is None or latency is None else latency - began,
        why_slow=slow_reason(call, usual, slow_ms) if is_call else "",
        cut_off=cut_off(record),
    )


def _speed(record: Mapping[str, Any]) -> float | None:
    """tokens_per_sec, filled in as calls.model_calls() does."""
    speed, tokens, latency = (
        record[name] for name in ("tokens_per_sec", "completion_tokens", "latency_ms")
    )
    if speed is None and tokens is not None and latency:
        speed = tokens / (latency / 1_000)
    return None if speed is None else float(speed)


def cut_off(call: Mapping[str, Any]) -> str:
    """Whether an answer was cut off, openly or hidden, and what became of it; empty if neither."""
    if call["event"] not in CALL_EVENTS:
        return ""
    output, limit, reasoning = (
        call[name] for name in ("completion_tokens", "max_tokens", "reasoning_tokens")
    )
    at_limit = bool(limit) and output is not None and output >= limit
    said = []
    if call["finish_reason"] == "length":
        said.append("finish_reason length" + (f", limit {humanize.count(limit)}" if limit else ""))
    elif at_limit:
        said.append(f"hidden: {humanize.count(output)} tokens are the limit")
    if call["tool_args_ok"] is False:
        said.append("broken tool arguments")
    if call["stream_end"] == "truncated":
        said.append("the stream broke off")
    empty = why_empty(call)
    if empty:
        said.append(empty)
    elif said and reasoning and output:
        said.append(f"{humanize.count(output - reasoning)} tokens were left for the answer")
    return "; ".join(said)
