"""sample_logs/: written by the demo, and holding everything the dashboard can show."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pytest

from llmlog_tui.analysis.live.overview import Overview, overview
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.demo.samples import write_samples
from llmlog_tui.log.load import load

Record: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def samples() -> Path:
    return Path(__file__).parents[2] / "sample_logs"


@pytest.fixture(scope="module")
def records(samples: Path) -> list[Record]:
    return [json.loads(line) for line in (samples / "calls.jsonl").read_bytes().splitlines()]


@pytest.fixture(scope="module")
def view(samples: Path) -> Overview:
    return overview(load([samples / "calls.jsonl"]), slow_ms=500)


@pytest.fixture(scope="module")
def traces(records: list[Record]) -> list[list[Record]]:
    found = defaultdict(list)
    for record in records:
        found[record["trace_id"]].append(record)
    return list(found.values())


def begin(record: Record) -> datetime:
    return datetime.fromisoformat(record["ts"])


def end(record: Record) -> datetime:
    return begin(record) + timedelta(milliseconds=record["latency_ms"])


def test_the_samples_are_what_the_demo_writes(samples: Path, tmp_path: Path) -> None:
    write_samples(tmp_path)
    names = sorted(path.name for path in samples.iterdir())
    assert names == ["calls.jsonl", "one_run.jsonl", "torn.jsonl"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (samples / name).read_bytes(), name


def test_samples_take_the_place_of_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text("old\n")
    write_samples(tmp_path)
    assert not (tmp_path / "calls.jsonl").read_bytes().startswith(b"old")


def test_the_sample_is_small(records: list[Record]) -> None:
    assert 300 <= len(records) <= 1_000


FEATURES: dict[str, Callable[[Record], object]] = {
    "a call that was retried": lambda r: r["status"] == "ok" and r.get("retries"),
    "a rate limit": lambda r: r.get("error_status") == 429,
    "an overloaded server": lambda r: r.get("error_status") == 503,
    "a refused request": lambda r: r.get("error_status") == 400,
    "an answer cut off": lambda r: r.get("finish_reason") == "length",
    "an answer cut off that does not say so": lambda r: (
        r.get("finish_reason") == "stop"
        and r["max_tokens"] is not None
        and r["completion_tokens"] == r["max_tokens"]
    ),
    "a stream with its first token": lambda r: (
        r.get("stream") and 0 < (r["ttft_ms"] or 0) < r["latency_ms"]
    ),
    "a tool that failed": lambda r: r["event"] == "tool_call" and r["status"] == "error",
    "arguments that are no JSON": lambda r: r.get("tool_args_ok") is False,
    "arguments that are JSON": lambda r: r.get("tool_args_ok") is True,
    "a span": lambda r: r["event"] == "span" and r["name"] == "research",
    "an embedding": lambda r: r["event"] == "embedding",
    "cached tokens": lambda r: r.get("cached_tokens"),
    "a model that does not reason": lambda r: (
        r.get("reasoning_tokens") is None and r.get("completion_tokens")
    ),
    "a hard prompt": lambda r: (r.get("reasoning_tokens") or 0) > 200,
    "an easy prompt": lambda r: r.get("reasoning_tokens") == 0,
    "rate limit headers": lambda r: r.get("ratelimit_remaining_tokens") is not None,
    "a tag": lambda r: r["extra"]["tier"] in ("free", "pro"),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_the_sample_has(records: list[Record], feature: str) -> None:
    assert any(map(FEATURES[feature], records))


def test_the_sample_has_a_tree_of_spans(traces: list[list[Record]]) -> None:
    def has_grandchild(trace: list[Record]) -> bool:
        parents = {r["span_id"]: r["parent_span_id"] for r in trace}
        return any(parents.get(parents.get(span)) is not None for span in parents)

    assert any(map(has_grandchild, traces))


def test_some_sessions_have_several_traces(traces: list[list[Record]]) -> None:
    sessions = Counter(trace[0]["session_id"] for trace in traces)
    assert sessions.most_common(1)[0][1] >= 3
    assert all(len({r["session_id"] for r in trace}) == 1 for trace in traces)


def test_an_alert_finds_the_changed_fingerprint(view: Overview) -> None:
    (alert,) = [alert for alert in view.alerts if alert.rule == "fingerprint"]
    assert (alert.subject, alert.state) == ("gpt-oss-120b", "ongoing")


def test_an_alert_finds_the_rise_of_truncation_behind_it(view: Overview) -> None:
    rows = {alert.rule: alert.row for alert in view.alerts}
    (alert,) = [alert for alert in view.alerts if alert.rule == "truncation"]
    assert (alert.subject, alert.state) == ("gpt-oss-120b", "ongoing")
    rise = pl.col("row").is_between(rows["fingerprint"], rows["truncation"], closed="left")
    between = view.calls.frame().filter(rise & (pl.col("model") == "gpt-oss-120b"))
    assert 0 < between.height < DEFAULT.truncation.window_calls, "within one window of the update"
    assert set(rows) == {"fingerprint", "truncation", "hidden cut"}


def test_chat_calls_take_as_long_as_they_do_in_life(view: Overview) -> None:
    chat = view.calls.frame().filter(pl.col("event") == "chat_completion")["latency_ms"]
    assert 500 < (chat.quantile(0.5, "linear") or 0) < 1_200
    assert 2_000 < (chat.quantile(0.95, "linear") or 0) < 5_000


def test_slow_calls_reason_more_and_some_are_slow_for_other_reasons(view: Overview) -> None:
    assert (view.slow_summary.correlation or 0) > 0.4
    reasons = "\n".join(row["why"] for row in view.call_rows(0, view.calls.height))
    for reason in ("reasoning", "1 retry", "2 retries", "rate limited", "failed", "usually take"):
        assert reason in reasons
    assert re.search(r"^\d+ tok/s, usual \d+$", reasons, re.MULTILINE)


def test_the_lessons_grep_returns_a_whole_run(samples: Path, traces: list[list[Record]]) -> None:
    trace = max(traces, key=len)
    pattern = f'"trace_id": "{trace[0]["trace_id"]}"'
    found = subprocess.check_output(["grep", pattern, samples / "calls.jsonl"])
    assert [json.loads(line) for line in found.splitlines()] == trace
    assert found == (samples / "one_run.jsonl").read_bytes()


def test_every_run_is_complete(traces: list[list[Record]]) -> None:
    for trace in traces:
        assert sorted(record["step"] for record in trace) == list(range(len(trace)))


def test_steps_of_a_run_stand_in_order_unless_they_overlap(traces: list[list[Record]]) -> None:
    swapped = [
        (first, second)
        for trace in traces
        for first, second in combinations(trace, 2)
        if first["step"] > second["step"]
    ]
    assert swapped  # what is nested ends, and is written, before what it is in
    assert all(begin(first) <= end(second) for first, second in swapped)
    assert all(begin(second) <= begin(first) for first, second in swapped)


def test_the_torn_sample_has_a_bad_line_of_each_kind(samples: Path) -> None:
    counts = load([samples / "torn.jsonl"]).counts
    assert (counts.blanks, counts.skipped) == (1, {"not_json": 3, "foreign": 2, "torn": 1})
    events = load([samples / "torn.jsonl"]).frame["event"].to_list()
    assert set(events) == {"chat_completion", "tool_call", "embedding", "span"}
