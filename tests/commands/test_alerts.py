"""`llmlog alerts` and `llmlog check`: what somebody should look at."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Written, is_refused

QUIET: list[dict[str, Any]] = [{"model": "m", "trace_id": "t", "finish_reason": "stop"}] * 60
CHANGE = [
    {"model": "m", "system_fingerprint": f"fp_{n // 20}", "ts": f"2026-11-23T09:00:{n:02}Z"}
    for n in range(40)
]
CLEARED = [*QUIET, *[{**QUIET[0], "status": "error"}] * 25, *QUIET, *QUIET]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def test_check_of_a_quiet_log_exits_0(llmlog: Run, written: Written) -> None:
    done = llmlog("check", written(QUIET))
    assert (done.code, done.out) == (0, "No alerts from 7 rules over 60 calls.\n")


def test_check_exits_1_where_a_rule_fired_even_if_it_cleared(llmlog: Run, written: Written) -> None:
    done = llmlog("check", written(CLEARED))
    assert (done.code, done.err) == (1, "")
    assert "error rate" in done.out
    assert "cleared" in done.out


def test_check_of_the_sample_exits_1(process: Run, sample: Path) -> None:
    done = process("check", sample)
    assert (done.code, done.err) == (1, "")
    assert "fp_a1c93e → fp_b7e204" in done.out
    assert "\x1b" not in done.out


@pytest.mark.parametrize("command", ["check", "alerts"])
def test_nothing_readable_is_refused(llmlog: Run, tmp_path: Path, command: str) -> None:
    assert is_refused(llmlog(command, tmp_path / "no.jsonl"), "no.jsonl", "no such file")
    noise = tmp_path / "noise.log"
    noise.write_text("hello\nworld\n")
    assert is_refused(llmlog(command, noise), "noise.log", "no line is a record")
    assert is_refused(llmlog(command), "calls.jsonl", "--help")


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_check_of_a_log_without_records_is_no_pass(llmlog: Run, tmp_path: Path, text: str) -> None:
    log = tmp_path / "empty.jsonl"
    log.write_text(text)
    for options in ((), ("--json",), ("--at-least", "1"), ("--where", "step > 1")):
        assert is_refused(llmlog("check", log, *options), "no records in", "empty.jsonl")
    assert llmlog("alerts", log).code == 0, "a question, no verdict"


def test_check_of_records_that_do_not_match_is_no_pass(llmlog: Run, written: Written) -> None:
    log, where = written(QUIET), ("--where", "model = 'misspelled'")
    for options in ((), ("--json",), ("--at-least", "1")):
        assert is_refused(llmlog("check", log, *where, *options), "no record of 60 matches --where")
    assert llmlog("check", log, "--where", "model = 'm'").code == 0
    assert llmlog("alerts", log, *where).code == 0, "a question, no verdict"


def test_check_of_records_without_calls_is_no_pass(llmlog: Run, written: Written) -> None:
    log, where = written([*QUIET, {"event": "tool_call"}]), ("--where", "event = 'tool_call'")
    for options in ((), ("--json",)):
        why = "no model call in 1 record that --where event = 'tool_call' keeps"
        assert is_refused(llmlog("check", log, *where, *options), why)
    assert llmlog("alerts", log, *where).code == 0, "a question, no verdict"
    assert is_refused(llmlog("check", written([{"event": "tool_call"}])), "no model call in ")


def test_check_exits_1_where_calls_are_missing_if_some_are_asked_for(
    llmlog: Run, written: Written
) -> None:
    done = llmlog("check", written([{"event": "tool_call"}]), "--at-least", "1")
    assert done.code == 1
    assert "Fewer calls than the 1 of --at-least." in done.out
    assert llmlog("check", written(QUIET), "--at-least", "60").code == 0
    assert llmlog("check", written(QUIET), "--at-least", "61").code == 1


def test_alerts_are_listed_for_people(llmlog: Run, written: Written) -> None:
    done = llmlog("alerts", written(CHANGE))
    assert done.code == 0
    assert done.out == (
        "▲ 2026-11-23 09:00:20 – 09:00:39  fingerprint  m                              20  "
        "ongoing  fp_0 → fp_1; p95 – → – ms, cut off 0% → 0%\n"
        "    p50 ms – → –, p95 ms – → –, tok/s – → –, cut off 0% → 0%, failed 0% → 0%\n"
        "    ▲ more than noise, by Mann-Whitney's test (p50, p95, tok/s) or Fisher's (cut off, "
        "failed)\n"
    )


def test_figures_that_changed_by_more_than_noise_are_marked(llmlog: Run, written: Written) -> None:
    # All 20 latencies after are higher than all 20 before, and 20 of 20 instead of 0 were cut off.
    log = written(
        {**record, "latency_ms": 100 + n if n < 20 else 1_000 + n,
         "finish_reason": "stop" if n < 20 else "length"}
        for n, record in enumerate(CHANGE)
    )  # fmt: skip
    figures = llmlog("alerts", log).out.splitlines()[-2].strip().split(", ")
    assert figures == [
        "▲ p50 ms 110 → 1,030", "▲ p95 ms 118 → 1,038", "tok/s – → –", "▲ cut off 0% → 100%",
        "failed 0% → 0%",
    ]  # fmt: skip
    assert "p50 ms" not in llmlog("check", log).out


def test_alerts_as_json_have_stable_keys(llmlog: Run, written: Written) -> None:
    found = json.loads(llmlog("alerts", written(CHANGE), "--json").out)
    assert list(found) == ["calls", "alerts", "limits", "format"]
    (alert,) = found["alerts"]
    assert alert["table"][4] == {
        "name": "failed", "before": 0.0, "after": 0.0, "p": 1.0, "is_chance": True,
    }  # fmt: skip
    assert {name: value for name, value in alert.items() if name != "table"} == {
        "rule": "fingerprint",
        "subject": "m",
        "provider": None,
        "state": "ongoing",
        "first_ts": "2026-11-23T09:00:20.000000Z",
        "last_ts": "2026-11-23T09:00:39.000000Z",
        "what": "fp_0 → fp_1",
        "evidence": "p95 – → – ms, cut off 0% → 0%",
        "calls": 20,
    }


def test_an_alert_over_midnight_has_both_days_and_utc_on_demand(
    llmlog: Run, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # 5:30 before UTC: midnight is at 18:30
    time.tzset()
    log = written({**record, "ts": f"2026-11-23T18:29:{n + 10:02}Z"}
                  for n, record in enumerate(CHANGE[:-1]))  # fmt: skip
    last = {**CHANGE[-1], "ts": "2026-11-23T18:30:09Z"}
    log.write_text(log.read_text() + json.dumps(last) + "\n")
    assert llmlog("alerts", log).out.startswith("▲ 2026-11-23 23:59:30 – 2026-11-24 00:00:09  ")
    utc = llmlog("alerts", log, "--utc").out
    assert utc.startswith("▲ 2026-11-23 18:29:30 – 18:30:09 UTC  ")


LIMITED = [
    {
        "provider": "p", "model": "m", "ts": f"2026-11-23T09:00:{second:02}Z",
        "ratelimit_limit_tokens": 1_000, "ratelimit_remaining_tokens": left,
    }
    for second, left in ((2, 900), (7, 700), (12, 600))
]  # fmt: skip


def test_alerts_say_what_is_left_of_rate_limits(llmlog: Run, written: Written) -> None:
    # From 900 to 600 within 10 s: 30 a second, and 600 more take 20 s.
    log = written(LIMITED)
    titles, limit = llmlog("alerts", log).out.splitlines()[-2:]
    assert re.split("  +", titles) == [
        "rate limit", "provider", "model", "left", "of", "share", "a second", "429 in",
    ]  # fmt: skip
    assert re.split("  +", limit) == ["tokens", "p", "m", "600", "1,000", "60%", "30", "20.0 s"]
    assert json.loads(llmlog("alerts", log, "--json").out)["limits"] == [
        {
            "provider": "p", "model": "m", "kind": "tokens", "limit": 1_000, "remaining": 600,
            "share": 0.6, "burn_per_s": 30.0, "seconds_left": 20.0,
            "ts": "2026-11-23T09:00:12.000000Z",
        }
    ]  # fmt: skip
    assert "rate limit" not in llmlog("check", log).out


def test_of_many_rate_limits_the_shortest_are_shown(llmlog: Run, written: Written) -> None:
    log = written({**LIMITED[0], "model": f"m{n}"} for n in range(13))
    assert llmlog("alerts", log).out.splitlines()[-1] == "and 3 others with more left"


def test_rules_change_what_fires(llmlog: Run, written: Written, rules: Path) -> None:
    rules.write_text("[fingerprint]\nenabled = false\n")
    done = llmlog("check", written(CHANGE), "--rules", rules)
    assert (done.code, done.out) == (0, "No alerts from 6 rules over 40 calls.\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[errors]\nlevel = 2", ("rules.toml", "errors.level", "from 0 to 1")),
        (b"[\xff]", ("rules.toml", "not UTF-8")),
        (b"[", ("rules.toml", "not TOML")),
        (b"#" * (2**20 + 1), ("rules.toml", "too big")),
    ],
)
def test_rules_that_cannot_be_used_are_one_line(
    llmlog: Run, sample: Path, rules: Path, content: bytes, words: tuple[str, ...]
) -> None:
    rules.write_bytes(content)
    assert is_refused(llmlog("check", sample, "--rules", rules), *words)


def test_rules_that_are_not_there_are_one_line(llmlog: Run, sample: Path, rules: Path) -> None:
    assert is_refused(llmlog("alerts", sample, "--rules", rules), "rules.toml", "--help")


def test_what_a_log_says_is_shown_and_not_obeyed(llmlog: Run, written: Written) -> None:
    hostile = [{**record, "model": "m\x1b[31m\nx"} for record in CHANGE]
    done = llmlog("alerts", written(hostile))
    assert "\x1b" not in done.out
    assert done.out.count("\n") == 3


def test_a_copy_that_a_glob_matches_too_is_counted_once(llmlog: Run, written: Written) -> None:
    log = written(QUIET)
    log.with_name(f"{log.name}.1").write_bytes(log.read_bytes())
    done = llmlog("check", f"{log}*")
    assert (done.code, done.out) == (0, "No alerts from 7 rules over 60 calls.\n")
