"""`llmlog stats` for people: the same figures, as text."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Stats, Written


def test_the_text_for_people_has_the_same_figures(llmlog: Run, written: Written) -> None:
    records: list[dict[str, Any]] = [
        {"model": "m", "session_id": "s", "trace_id": "t", "ts": "2026-11-23T09:00:00Z"},
        {"latency_ms": 1_234.4, "prompt_tokens": 28_849, "completion_tokens": 10},
        {"tool_name": "x", "error": "boom", "latency_ms": "five"},
    ]
    path = written(records)
    path.write_bytes(path.read_bytes() + b"\nbad\n")
    lines = llmlog("stats", path).out.splitlines()
    assert lines[1:9] == [
        "3 records, blank lines: 1",
        f"skipped: 1 not_json, first at {path}:5",
        "nulled: 1 value of latency_ms had a wrong type",
        "2 calls and 1 tool execution in 1 trace, 1 session; 1 call or tool failed",
        "from 23 Nov 2026 09:00:00 to 23 Nov 2026 09:00:00",
        "tokens: 28.8k in (– cached), 10 out (– reasoning)",
        "cost: –, 2 calls unpriced",
        "1 call took over 500 ms; 0 of them mostly reasoning",
    ]
    assert lines[-1].split() == [
        "–",
        "1",
        "0",
        "0",
        "1,234",
        "1,234",
        "1,234",
        "1,234",
        "8",
        "28.8k",
        "10",
        "–",
    ]


def titles_and_group(llmlog: Run, *words: str | Path) -> list[tuple[str, str]]:
    """Title and text of each column, of the only group."""
    titles, group = llmlog("stats", *words).out.splitlines()[-2:]
    return list(zip(re.split("  +", titles), re.split("  +", group), strict=True))


def test_the_text_has_the_ninetieth_percentile_and_the_first_token(
    llmlog: Run, written: Written
) -> None:
    # Of 100, 200, 300, 400 ms: 1.5, 2.7, 2.85 and 2.97 steps from the first.
    log = written(
        {
            "model": "m",
            "stream": True,
            "latency_ms": 100 * n,
            "ttft_ms": 10 * n,
            "ts": 1_795_424_400,
        }
        for n in (1, 2, 3, 4)
    )
    assert titles_and_group(llmlog, log)[4:10] == [
        ("p50 ms", "250"), ("p90 ms", "370"), ("p95 ms", "385"), ("p99 ms", "397"),
        ("ttft", "25"), ("ttft p95", "38"),
    ]  # fmt: skip


def test_a_group_of_which_some_calls_have_no_price_says_so(llmlog: Run, written: Written) -> None:
    call = {"provider": "api.openai.com", "model": "gpt-5", "prompt_tokens": 2_000}
    log = written([{**call, "completion_tokens": 100}, call])
    # 2,000 in at $1.25 and 100 out at $10 a million: $0.0035.
    assert titles_and_group(llmlog, log)[-1] == ("cost $", "0.0035+")


def test_hours_are_local_in_text_and_utc_on_demand(
    llmlog: Run, stats: Stats, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # 5:30 before UTC
    time.tzset()
    log = written([{"event": "response", "ts": "2026-11-23T19:45:00Z"}])
    assert titles_and_group(llmlog, log, "--by", "hour")[0] == ("hour", "2026-11-24 00:30")
    assert titles_and_group(llmlog, log, "--by", "hour", "--utc")[0] == (
        "hour UTC",
        "2026-11-23 19:00",
    )
    assert stats(log, "--by", "hour")["groups"][0]["key"] == "2026-11-23T19:00:00Z"


def test_values_of_a_log_are_shown_and_not_obeyed(llmlog: Run, written: Written) -> None:
    out = llmlog("stats", written([{"model": "\x1b[31mred\nrow"}])).out
    assert "\x1b" not in out
    assert "␛[31mred␊row" in out


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, llmlog: Run, path: Path, **env: str) -> str:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    return llmlog("stats", path).out


def test_a_terminal_gets_bars_and_sparklines_and_a_pipe_plain_text(
    monkeypatch: pytest.MonkeyPatch, llmlog: Run, sample: Path
) -> None:
    plain = llmlog("stats", sample).out
    drawn = on_a_terminal(monkeypatch, llmlog, sample, NO_COLOR="1", COLUMNS="200")
    assert not set("█▁\x1b") & set(plain)
    assert "████████████" in drawn
    assert "calls   " in drawn
    assert "\x1b" not in drawn
    assert [line[: len(old)] for old, line in zip(plain.splitlines(), drawn.splitlines())] == (  # noqa: B905
        plain.splitlines()
    )


@pytest.mark.parametrize("options", [("--last", "2"), ("--where", "step > 0")])
def test_of_a_part_of_the_log_the_text_has_both_numbers(
    llmlog: Run, written: Written, options: tuple[str, str]
) -> None:
    path = written([{"model": "m", "trace_id": "t", "step": n} for n in range(3)])
    lines = llmlog("stats", path, *options).out.splitlines()
    assert lines[1] == "3 records read, 2 of them counted, blank lines: 0"
    assert lines[2].startswith("2 calls and 0 tool executions")
    health = llmlog("health", path, *options).out.splitlines()
    assert health[0] == "3 lines: 3 records, 0 skipped, 0 blank; 2 records examined"
