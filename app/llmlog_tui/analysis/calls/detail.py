"""One record in detail: latency breakdown, slow and truncation reasons, baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmlog.record import CALL_EVENTS
from llmlog_tui import humanize
from llmlog_tui.analysis.calls.calls import Baseline
from llmlog_tui.analysis.calls.server_load import server_load
from llmlog_tui.analysis.calls.slow_reason import (
    LatencyBreakdown,
    latency_breakdown,
    retry_wait_ms,
    slow_reason,
)
from llmlog_tui.analysis.calls.truncation import empty_reason
from llmlog_tui.server.metrics import ServerMoment


@dataclass(frozen=True)
class Detail:
    """A record with its derived figures.

    `record` is its row of Overview.frame; `baseline` that of its model, None if unknown. The parts
    of latency_ms are `waited_ms` until the last attempt, `first_ms` until the answer began, and
    `answer_ms` of the answer itself; None without a latency. `why_slow` and `cut_off` are
    sentences, empty if the record is neither. `server_load` is what its server did at that time.
    `most_tokens` are the most that went in or out in one call of its trace; None if unknown.
    """

    record: Mapping[str, Any]
    is_call: bool
    baseline: Baseline | None
    split: LatencyBreakdown
    waited_ms: float | None
    first_ms: float | None
    answer_ms: float | None
    why_slow: str
    cut_off: str
    server_load: str = ""
    most_tokens: int | None = None


def detail(
    record: Mapping[str, Any],
    baseline: Baseline | None,
    slow_ms: float,
    server: ServerMoment | None = None,
    most_tokens: int | None = None,
) -> Detail:
    """Return the detail of a row of Overview.frame; a call is slow over `slow_ms`."""
    is_call = record["event"] in CALL_EVENTS
    call = {**record, "tokens_per_sec": _speed(record)} if is_call else record
    latency, waited = record["latency_ms"], retry_wait_ms(record) or 0.0
    ttft = record["ttft_ms"] if record["stream"] else None
    began = None if latency is None else min(latency, max(waited, ttft or 0.0))
    return Detail(
        record=call,
        is_call=is_call,
        baseline=baseline,
        split=latency_breakdown(record),
        waited_ms=None if latency is None else min(waited, latency),
        first_ms=None if began is None else began - min(waited, began),
        answer_ms=None if began is None or latency is None else latency - began,
        why_slow=slow_reason(call, baseline, slow_ms, server) if is_call else "",
        cut_off=cut_off(record),
        server_load=server_load(server) if is_call else "",
        most_tokens=most_tokens,
    )


def _speed(record: Mapping[str, Any]) -> float | None:
    """Return tokens_per_sec, computed as in calls.model_calls() if it is missing."""
    speed, tokens, latency = (
        record[name] for name in ("tokens_per_sec", "completion_tokens", "latency_ms")
    )
    if speed is None and tokens is not None and latency:
        speed = tokens / (latency / 1_000)
    return None if speed is None else float(speed)


def cut_off(call: Mapping[str, Any]) -> str:
    """Return how an answer was cut off or why it has no text, if so."""
    if call["event"] not in CALL_EVENTS:
        return ""
    output, limit, reasoning = (
        call[name] for name in ("completion_tokens", "max_tokens", "reasoning_tokens")
    )
    at_limit = bool(limit) and output is not None and output >= limit
    notes = []
    if call["finish_reason"] == "length":
        notes.append("finish_reason length" + (f", limit {humanize.count(limit)}" if limit else ""))
    elif at_limit:
        notes.append(f"hidden: {humanize.count(output)} tokens are the limit")
    if call["tool_args_ok"] is False:
        notes.append("broken tool arguments")
    if call["stream_end"] == "truncated":
        notes.append("the stream broke off")
    empty = empty_reason(call)
    if empty:
        notes.append(empty)
    elif notes and reasoning and output:
        notes.append(f"{humanize.count(output - reasoning)} tokens were left for the answer")
    return "; ".join(notes)
