"""Logs of made-up calls: quiet ones, and ones with something planted at a known call."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.log.store import FRAME_SCHEMA

Row = dict[str, Any]
MODELS = ("m-large", "m-small", "m-reason")
_START = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Traffic:
    """How a quiet log is: each log has its own, and keeps it from its first call to its last."""

    models: int
    truncated: float
    failed: float
    retried: float
    fingerprints: int

    @classmethod
    def drawn(cls, rng: random.Random) -> Traffic:
        return cls(
            models=rng.randint(1, 3),
            truncated=rng.choice((0.0, 0.01, 0.04, 0.1)),
            failed=rng.choice((0.0, 0.01, 0.03)),
            retried=rng.choice((0.0, 0.03, 0.1)),
            fingerprints=rng.choice((1, 1, 2, 3)),
        )


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same log every time


def quiet(rng: random.Random, calls: int, traffic: Traffic | None = None) -> list[Row]:
    """Calls in traces of 2 to 8; the calls of a trace are alike in how long they take."""
    traffic = traffic or Traffic.drawn(rng)
    rows: list[Row] = []
    trace, left, pace = 0, 0, 0.0
    while len(rows) < calls:
        if not left:
            trace, left, pace = trace + 1, rng.randint(2, 8), rng.gauss(0, 0.4)
        left -= 1
        rows.append(_call(rng, traffic, len(rows), trace, pace))
    return rows


def _call(rng: random.Random, traffic: Traffic, row: int, trace: int, pace: float) -> Row:
    model = MODELS[rng.randrange(traffic.models)]
    failed = rng.random() < traffic.failed
    truncated = not failed and rng.random() < traffic.truncated
    output = 400 if truncated else rng.randint(20, 399)
    latency = 600 * 2.718 ** (pace + rng.gauss(0, 0.5))
    return {
        "row": row,
        "ts": _START + timedelta(seconds=row),
        "event": "chat_completion",
        "session_id": "s",
        "trace_id": f"t{trace}",
        "status": "error" if failed else "ok",
        "provider": "api.openai.com",
        "requested_model": model,
        "model": None if failed else model,
        "latency_ms": latency,
        "finish_reason": None if failed else "length" if truncated else "stop",
        "max_tokens": 400,
        "completion_tokens": None if failed else output,
        "tokens_per_sec": None if failed else output / latency * 1_000,
        "system_fingerprint": None if failed else f"fp_{rng.randrange(traffic.fingerprints)}",
        "retries": 1 if rng.random() < traffic.retried else 0,
        "ratelimit_limit_tokens": 100_000,
        "ratelimit_remaining_tokens": rng.randint(40_000, 100_000),
    }


def frame(rows: list[Row]) -> pl.DataFrame:
    """The model calls, as analysis has them."""
    return model_calls(pl.DataFrame(rows, schema=FRAME_SCHEMA))


def from_call(
    rows: list[Row], start: int, stop: int, change: Callable[[Row, random.Random], None]
) -> list[Row]:
    """The rows; `change` is applied to each from call `start` up to `stop`."""
    rng = seeded(start)
    for row in rows[start:stop]:
        change(row, rng)
    return rows
