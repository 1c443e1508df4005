"""Logs of all kinds of records that grow, and whether two Overviews say the same."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest

from llmlog_tui.analysis.live.overview import Overview
from llmlog_tui.config.rules import Rules, parse_rules
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.store import Snapshot

Row = dict[str, Any]

RULES: Final[Rules] = parse_rules(
    """
    fingerprint.settled_calls = 4
    truncation = {window_calls = 5, level = 0.9, least_rise = 0.02}
    latency = {window_calls = 5, level = 0.9, least_rise = 0.02}
    errors = {window_calls = 5, level = 0.9, least_rise = 0.02}
    retries = {window_calls = 5, level = 0.9, least_rise = 0.02}
    hidden_truncation.clear_calls = 3
    budget.usd_per_hour = 0.05
    prices.m = {input = 10.0, output = 30.0, cached = 1.0, cache_write = 12.5}
    prices.n = {input = 1.0, output = 3.0}
    """
)
"""Rules by which small logs have alerts of every kind."""

_BEGIN_S: Final = 1_780_000_000


def rows(rng: random.Random, records: int) -> list[Row]:
    """Records of traces that run side by side, some over the whole log, in eras that differ."""
    made: list[Row] = []
    for number in range(records):
        era = number * 6 // records
        made.append(_row(rng, number, era))
    return made


def _row(rng: random.Random, number: int, era: int) -> Row:
    oldest = max(0, number // 8 - rng.choice((0, 1, 2, 2, number)))
    trace = rng.choice((None, *[f"trace-{rng.randint(oldest, number // 8)}"] * 9))
    late = rng.choice((0, 0, 0, rng.randint(0, 5_000)))
    row = {
        "trace_id": trace,
        "session_id": rng.choice((None, f"s-{number // 40}")),
        "step": rng.choice((None, number, number, number, number - rng.randint(0, 30))),
        "ts": rng.choice((None, *[_BEGIN_S + number * 40 - late] * 9)),
        "event": rng.choice(("chat_completion",) * 6 + ("tool_call", "span", "deploy")),
        "latency_ms": rng.choice((None, *[rng.randint(50, 900) * (1 + era % 2)] * 9)),
    }
    is_tool = row["event"] == "tool_call"
    return {**row, "tool_name": "search"} if is_tool else {**row, **_call(rng, era)}


def _call(rng: random.Random, era: int) -> Row:
    model, failed = rng.choice("mmmnn"), rng.random() < (0.02, 0.3)[era % 3 == 1]
    call = {
        "provider": rng.choice(("p", "p", "p", "q", None)),
        "requested_model": rng.choice((model, None)),
        "retries": int(rng.random() < (0.05, 0.6)[era % 3 == 2]),
        "ratelimit_limit_tokens": 1_000,
        "ratelimit_remaining_tokens": rng.choice((None, rng.randint(0, 1_000))),
    }
    if failed:
        return {**call, "status": "error", "error_status": 429}
    output = rng.randint(0, 900)
    return {
        **call,
        "model": rng.choice((model, model, model, None)),
        "system_fingerprint": rng.choice((None, *[f"fp_{era // 2}"] * 30, "fp_rare")),
        "finish_reason": "length" if rng.random() < (0.03, 0.4)[era % 3 == 0] else "stop",
        "prompt_tokens": rng.choice((None, rng.randint(1, 4_000))),
        "completion_tokens": output,
        "max_tokens": 880,
        "reasoning_tokens": rng.choice((None, output // 2, output)),
        "cached_tokens": rng.choice((None, 0, 100)),
        "cache_write_tokens": output if output % 3 else None,
        "ttft_ms": rng.choice((None, 40)),
        "tool_args_ok": rng.choice((None, True, True, False)),
    }


class Growing:
    """A file that is written to, and the reader that follows it."""

    def __init__(self, path: Path, window: Retention = EVERYTHING) -> None:
        self._file = path.open("ab", buffering=0)
        self.reader = Reader([path], newest_first=True, window=window)

    def write(self, records: list[Row]) -> Snapshot:
        """Append records; all that was read then."""
        self.append(records)
        return self.read()

    def append(self, records: list[Row]) -> None:
        """Write records that are not read yet."""
        self._file.write("".join(json.dumps(record) + "\n" for record in records).encode())

    def read(self) -> Snapshot:
        """All there is to read."""
        while self.reader.step():
            pass
        return self.reader.snapshot()

    def close(self) -> None:
        """Write and read no more."""
        self._file.close()
        self.reader.close()


def assert_same(one: Overview, other: Overview) -> None:
    """Every answer is the same; sums of floats but for the order in which they were added."""
    assert one.frame.equals(other.frame)
    assert one.calls.frame().equals(other.calls.frame())
    assert one.traces.equals(other.traces)
    assert list(one.alerts) == list(other.alerts)
    assert (one.newest, one.all_calls, one.where) == (other.newest, other.all_calls, other.where)
    assert one.worst_ms == pytest.approx(other.worst_ms)
    assert one.baselines.keys() == other.baselines.keys()
    for model, usual in one.baselines.items():
        assert asdict(usual) == pytest.approx(asdict(other.baselines[model])), model
    assert asdict(one.slow_summary) == pytest.approx(asdict(other.slow_summary))
    assert asdict(one.cost) == pytest.approx(asdict(other.cost))
    for mine, theirs in zip(one.kpis, other.kpis, strict=True):
        assert mine.value == pytest.approx(theirs.value), mine.name
        assert list(mine.series) == pytest.approx(list(theirs.series)), mine.name
