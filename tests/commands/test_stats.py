"""`llmlog stats`: every figure as DuckDB has it, and as DESIGN defines it."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Stats, Written
from tests.commands.judge import judged

KEYS = [
    "files", "records", "blanks", "skipped", "nulled", "sessions", "traces", "calls", "tools",
    "errors", "first_ts", "last_ts", "prompt_tokens", "completion_tokens", "reasoning_tokens",
    "cached_tokens", "cache_write_tokens", "cost_usd", "unpriced_calls", "slow", "hidden_cut",
    "groups", "format",
]  # fmt: skip
GROUP_KEYS = [
    "key", "calls", "errors", "truncated", "hidden_cut", "p50_ms", "p95_ms", "p99_ms",
    "tokens_per_sec_p50", "prompt_tokens", "completion_tokens", "reasoning_tokens",
    "cached_tokens", "cost_usd",
]  # fmt: skip
CALL = {"event": "chat_completion"}
JUDGED = ["model", "session", "trace", "provider", "hour"]


def alike(found: object, expected: object) -> bool:
    """The same keys in the same order, and the same numbers but for rounding in the last place."""
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and list(found) == list(expected)
            and all(alike(found[key], value) for key, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(alike, found, expected))
        )
    if isinstance(expected, float) and isinstance(found, (int, float)):
        return math.isclose(found, expected, rel_tol=1e-12)
    return type(found) is type(expected) and found == expected


def strange_record(rng: random.Random) -> dict[str, Any]:
    """One of other people's records: anything may be missing."""
    ts = 1_795_424_400 + rng.randrange(20_000)
    record: dict[str, Any] = {
        "ts": rng.choice([ts, ts + 0.25, "2026-11-23T10:00:07.125Z", None]),
        "event": rng.choice(
            ["chat_completion"] * 4 + ["response", "embedding", "tool_call", "span", "deploy", None]
        ),
        "session_id": rng.choice(["s-1", "s-2", "s-3", None]),
        "trace_id": rng.choice([f"t-{rng.randrange(40)}", None]),
        "model": rng.choice(["gpt-5", "gpt-5-mini", "local", None]),
        "provider": rng.choice(["api.openai.com", "localhost", None]),
        "status": rng.choice(["ok", "error", None]),
        "latency_ms": rng.choice([rng.randrange(3_000), rng.random() * 900, 0, None]),
        "finish_reason": rng.choice(["stop", "length", "tool_calls", None]),
        "tool_name": rng.choice([None, None, "search"]),
        "error_status": rng.choice([None, None, None, 200, 429]),
        "error_type": rng.choice([None, None, None, "APIError"]),
    }
    if record["model"] != "local":  # of which nobody counted the tokens
        record["prompt_tokens"] = rng.choice([rng.randrange(9_000), None])
        record["completion_tokens"] = rng.choice([rng.randrange(1, 400), None])
        record["reasoning_tokens"] = rng.choice([rng.randrange(300), None])
        record["cached_tokens"] = rng.choice([128, None])
        record["tokens_per_sec"] = rng.choice([rng.random() * 200, None])
    kept = rng.random() < 0.5
    return {name: value for name, value in record.items() if kept or value is not None}


@pytest.fixture
def strange(written: Written) -> Path:
    rng = random.Random(20261123)  # noqa: S311 - the same log every time
    return written(strange_record(rng) for _ in range(600))


def good_lines(torn: Path, out: Path) -> Path:
    def is_record(line: bytes) -> bool:
        try:
            return isinstance(json.loads(line), dict)
        except ValueError:
            return False

    out.write_bytes(
        b"".join(line for line in torn.read_bytes().splitlines(keepends=True) if is_record(line))
    )
    return out


@pytest.mark.parametrize("by", JUDGED)
def test_every_figure_of_the_sample_is_duckdbs(stats: Stats, sample: Path, by: str) -> None:
    assert alike(stats(sample, "--by", by), judged(sample, by))


@pytest.mark.parametrize("by", JUDGED)
def test_every_figure_of_a_strange_log_is_duckdbs(stats: Stats, strange: Path, by: str) -> None:
    found = stats(strange, "--by", by)
    assert alike(found, judged(strange, by))
    assert None in [group["key"] for group in found["groups"]]


@pytest.mark.parametrize("over_ms", [0.0, 120.5, 2_999.0])
def test_slow_is_what_the_user_says(stats: Stats, strange: Path, over_ms: float) -> None:
    found = stats(strange, "--slow-ms", str(over_ms))
    assert found["slow"] == judged(strange, over_ms=over_ms)["slow"]


def test_bad_lines_change_no_figure(stats: Stats, root: Path, tmp_path: Path) -> None:
    torn = root / "sample_logs" / "torn.jsonl"
    good = good_lines(torn, tmp_path / "good.jsonl")
    found = stats(torn)
    bad = {"files": [str(torn)], "blanks": 1, "skipped": {"not_json": 3, "torn": 1, "foreign": 2}}
    assert alike(found, {**judged(good), **bad})
    lines = len(torn.read_bytes().splitlines())
    assert found["records"] + sum(found["skipped"].values()) + found["blanks"] == lines


def test_the_keys_are_those_of_the_contract_in_its_order(stats: Stats, sample: Path) -> None:
    found = stats(sample)
    assert list(found) == KEYS
    assert list(found["slow"]) == ["over_ms", "calls", "mostly_reasoning"]
    assert {tuple(group) for group in found["groups"]} == {tuple(GROUP_KEYS)}


def test_records_are_the_lines_of_the_file(stats: Stats, sample: Path) -> None:
    assert stats(sample)["records"] == sample.read_bytes().count(b"\n")


def test_calls_are_model_calls_and_errors_those_of_calls_and_tools(
    stats: Stats,
    written: Written,
) -> None:
    events = ["chat_completion", "response", "embedding", "tool_call", "span", "deploy"]
    records = ({"event": event, "trace_id": "t", "status": "error"} for event in events)
    found = stats(written(records))
    assert (found["records"], found["calls"], found["tools"], found["errors"]) == (6, 3, 1, 4)


def test_slow_is_strictly_over_and_mostly_is_more_than_half(stats: Stats, written: Written) -> None:
    calls = [(500, 9), (500.5, 5), (501, 6), (None, 9), (900, None)]
    found = stats(
        written(
            {"latency_ms": ms, "reasoning_tokens": rsn, "completion_tokens": 10}
            for ms, rsn in calls
        )
    )
    assert found["slow"] == {"over_ms": 500.0, "calls": 3, "mostly_reasoning": 1}


def test_only_finish_reason_length_is_truncated_and_all_else_hidden(
    stats: Stats, llmlog: Run, written: Written
) -> None:
    hidden = {"finish_reason": "stop", "max_tokens": 9, "completion_tokens": 9}
    path = written(
        [
            {"finish_reason": "length", "event": "chat_completion"},
            {**hidden, "event": "response"},
            {"stream_end": "truncated", "event": "chat_completion"},
            {"stream_end": "truncated", "event": "chat_completion", "status": "error"},
            {"event": "embedding", "model": "e"},
        ]
    )
    found = stats(path)
    group = found["groups"][0]
    assert (group["truncated"], group["hidden_cut"], found["hidden_cut"]) == (1, 2, 2)
    # 3 of 4: an embedding cannot be cut off.
    text = "cut off: 3 answers, 75% of 4 chat calls; 2 of them hidden, without finish_reason length"
    assert text in llmlog("stats", path).out.splitlines()


def test_a_failure_is_counted_for_the_model_that_was_asked(stats: Stats, written: Written) -> None:
    failed = {"requested_model": "gpt-5", "status": "error"}
    found = stats(written([{"model": "gpt-5", "requested_model": "gpt"}, failed]))
    assert [(group["key"], group["calls"], group["errors"]) for group in found["groups"]] == [
        ("gpt-5", 2, 1)
    ]


def test_tools_and_failures_are_groups_too(stats: Stats, written: Written) -> None:
    path = written(
        [
            {"event": "tool_call", "tool_name": "search", "latency_ms": 100},
            {"event": "tool_call", "tool_name": "search", "status": "error", "error_type": "E"},
            {"event": "chat_completion", "model": "m", "status": "error", "error_status": 429},
            {"event": "chat_completion", "model": "m", "latency_ms": 5},
        ]
    )
    (tool,) = stats(path, "--by", "tool")["groups"]
    assert (tool["key"], tool["calls"], tool["errors"], tool["p50_ms"]) == ("search", 2, 1, 100)
    failures = stats(path, "--by", "error")["groups"]
    assert {group["key"]: group["calls"] for group in failures} == {"429": 1, "E": 1}


def test_tokens_written_to_the_cache_are_summed(stats: Stats, written: Written) -> None:
    calls = [{"event": "chat_completion", "cache_write_tokens": tokens} for tokens in (5, None, 7)]
    assert stats(written(calls))["cache_write_tokens"] == 12


def test_a_model_without_a_price_is_named_with_the_way_to_give_one(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    call = {"event": "chat_completion", "prompt_tokens": 1_000_000, "completion_tokens": 0}
    path = written([{**call, "model": "ours"}, {"event": "chat_completion", "model": "no-tokens"}])
    out = llmlog("stats", path).out
    assert "no price for ours: add it to a file for --rules, in $ per million tokens:\n" in out
    assert '  [prices."ours"] with input = … and output = …\n' in out
    rules = tmp_path / "rules.toml"
    rules.write_text('[prices."ours"]\ninput = 0.15\noutput = 0.6\n')
    priced = llmlog("stats", path, "--rules", rules).out
    assert "cost: $0.15, 1 call unpriced\n" in priced
    assert "no price for" not in priced


def test_percentiles_are_linear_between_latencies(stats: Stats, written: Written) -> None:
    found = stats(written({**CALL, "latency_ms": ms} for ms in (100, None, 400, 200, 300)))
    (group,) = found["groups"]
    # Of 100, 200, 300, 400: 1.5 steps from the first, 2.85 and 2.97.
    assert (group["p50_ms"], group["p95_ms"]) == (250, pytest.approx(385))
    assert (group["calls"], group["p99_ms"]) == (5, pytest.approx(397))


def test_speeds_are_computed_where_a_record_has_none(stats: Stats, written: Written) -> None:
    # 50 / 0.5 s = 100, as given 40, none in no time: the median of 40 and 100
    records = [
        {"completion_tokens": 50, "latency_ms": 500},
        {"completion_tokens": 50, "latency_ms": 500, "tokens_per_sec": 40},
        {"completion_tokens": 50, "latency_ms": 0},
    ]
    assert stats(written(records))["groups"][0]["tokens_per_sec_p50"] == 70


def test_what_no_call_has_is_null_and_not_zero(stats: Stats, written: Written) -> None:
    found = stats(written([{"prompt_tokens": 0}, {"event": "tool_call", "cached_tokens": 5}]))
    unknown = {"completion_tokens": None, "reasoning_tokens": None, "cached_tokens": None}
    for figures in (found, found["groups"][0]):
        assert {name: figures[name] for name in unknown} == unknown
        assert figures["prompt_tokens"] == 0
    assert found["first_ts"] is found["last_ts"] is found["cost_usd"] is None


def test_groups_stand_by_calls_then_as_they_came(stats: Stats, written: Written) -> None:
    models = ["b", None, "c", "a", None, "c", "a", "c"]
    found = stats(written({**CALL, "model": model} for model in models))
    assert [(group["key"], group["calls"]) for group in found["groups"]] == [
        ("c", 3), (None, 2), ("a", 2), ("b", 1),
    ]  # fmt: skip


def test_several_files_are_one_log(stats: Stats, sample: Path, written: Written) -> None:
    other = written([{**CALL, "session_id": "s", "trace_id": "t", "ts": 0}])
    found, alone = stats(sample, str(other)), stats(sample)
    assert found["files"] == [str(sample), str(other)]
    assert found["records"] == alone["records"] + 1
    assert found["first_ts"] == "1970-01-01T00:00:00.000000Z"


def test_an_empty_file_has_no_figures(stats: Stats, written: Written) -> None:
    found = stats(written([]))
    assert list(found) == KEYS
    assert (found["records"], found["calls"], found["groups"]) == (0, 0, [])
    assert found["format"] is None


def test_garbage_is_counted(stats: Stats, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\xff\xfe\n\x00\nhello\n\n[1]\n{}{}")
    found = stats(garbage)
    assert (found["records"], found["blanks"]) == (0, 1)
    kinds = ["invalid_utf8", "nul", "not_json", "not_object", "two_objects"]
    assert found["skipped"] == dict.fromkeys(kinds, 1)


def test_a_file_name_may_be_any_bytes(process: Run, tmp_path: Path) -> None:
    path = bytes(tmp_path) + b"/\xff.jsonl"
    Path(path.decode(errors="surrogateescape")).write_bytes(b"{}\nbad\n")
    done = process("stats", path, "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["files"] == [f"{tmp_path}/\N{REPLACEMENT CHARACTER}.jsonl"]
    assert process("stats", path).code == 0


def test_the_cost_is_that_of_a_hand_calculation(stats: Stats, written: Written) -> None:
    call = {"provider": "api.openai.com", "prompt_tokens": 1_000_000, "completion_tokens": 100_000}
    records = [
        {**call, "model": "gpt-5", "cached_tokens": 400_000, "reasoning_tokens": 90_000},
        {**call, "model": "gpt-5-mini"},
        {**call, "model": "gpt-5", "provider": None},
    ]
    found = stats(written({"ts": "2026-11-23T09:00:00Z", **record} for record in records))
    # gpt-5: 0.6 * $1.25 + 0.4 * $0.125 + 0.1 * $10 = $1.80; mini: $0.25 + 0.1 * $2 = $0.45
    assert (found["cost_usd"], found["unpriced_calls"]) == (pytest.approx(2.25), 1)
    groups = {group["key"]: group["cost_usd"] for group in found["groups"]}
    assert groups == pytest.approx({"gpt-5": 1.80, "gpt-5-mini": 0.45})


def test_cache_writes_cost_their_own_price(llmlog: Run, stats: Stats, written: Written) -> None:
    call = {"provider": "api.anthropic.com", "model": "claude-sonnet-4-5", "prompt_tokens": 12_100}
    tokens = {"cached_tokens": 2_000, "cache_write_tokens": 10_000, "completion_tokens": 50}
    log = written([{"ts": "2026-11-23T09:00:00Z", **call, **tokens}])
    # 100 * $3 + 2,000 * $0.30 + 10,000 * $3.75 + 50 * $15, per million
    assert stats(log)["cost_usd"] == pytest.approx(0.03915)
    text = llmlog("stats", log).out
    assert "tokens: 12.1k in (2,000 cached, 10.0k cache-written), 50 out" in text
    assert "cost: $0.0391, caching cost $0.0021 more\n" in text


def test_without_a_price_the_cost_is_null_and_not_zero(stats: Stats, written: Written) -> None:
    found = stats(written([{"model": "local", "prompt_tokens": 5, "completion_tokens": 5}]))
    assert (found["cost_usd"], found["unpriced_calls"]) == (None, 1)
    assert found["groups"][0]["cost_usd"] is None
