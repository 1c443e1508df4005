"""--rules and --where, wherever a command takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.commands.conftest import Run, Written, is_refused

from llmlog_tui.cli import dashboard

CALLS = [
    {
        "event": "chat_completion",
        "session_id": "s",
        "trace_id": f"trace-{n}",
        "step": 0,
        "ts": f"2026-11-23T09:0{n}:00Z",
        "status": "ok",
        "latency_ms": 100 * (n + 1),
        "model": "ours",
        "provider": "example.com",
        "id": f"id-000{n}",
        "prompt_tokens": 1_000_000,
        "completion_tokens": 100_000,
        "cached_tokens": 100_000,
        "cache_write_tokens": 400_000,
    }
    for n in range(3)
]


@pytest.fixture
def log(written: Written) -> Path:
    return written(CALLS)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A call costs 2 * 0.5 + 2.5 * 0.4 + 10 * 0.1 = 3 dollars, and an hour may cost 5."""
    path = tmp_path / "rules.toml"
    path.write_text("""
        budget.usd_per_hour = 5
        [prices."example.com/ours"]
        input = 2
        cached = 0
        cache_write = 2.5
        output = 10
    """)
    return path


@pytest.mark.parametrize("is_archive", [False, True])
def test_prices_of_the_rules_are_those_of_every_command(
    llmlog: Run, log: Path, rules: Path, tmp_path: Path, *, is_archive: bool
) -> None:
    if is_archive:
        file, log = log, tmp_path / "archive"
        assert llmlog("archive", file, "--to", log).code == 0
    unpriced = json.loads(llmlog("stats", log, "--json").out)
    assert (unpriced["cost_usd"], unpriced["unpriced_calls"]) == (None, 3)
    stats = json.loads(llmlog("stats", log, "--json", "--rules", rules).out)
    assert (stats["cost_usd"], stats["unpriced_calls"]) == (pytest.approx(9), 0)
    assert stats["groups"][0]["cost_usd"] == pytest.approx(9)
    status = json.loads(llmlog("status", log, "--json", "--rules", rules).out)
    assert (status["cost_usd"], status["unpriced_calls"]) == (pytest.approx(9), 0)
    assert [alert["rule"] for alert in status["alerts"]] == ["budget"]
    report = tmp_path / "report.html"
    assert llmlog("report", log, "--to", report, "--rules", rules).code == 0
    assert "$9.00" in report.read_text()
    dear = ("--where", "cost_usd between 2.99 and 3.01")
    assert json.loads(llmlog("check", log, "--json", "--rules", rules, *dear).out)["calls"] == 3
    first = json.loads(llmlog("traces", log, "--json", "--rules", rules).out.splitlines()[0])
    assert first["cost_usd"] == pytest.approx(3)
    # 0.1 * $2 saved, 0.4 * $0.50 more
    assert first["saved_usd"] == pytest.approx(0)
    asked = llmlog("sql", "select sum(cost_usd) as usd from traces", log, "--rules", rules)
    assert "9" in asked.out
    diff = llmlog("diff", "trace-0", "trace-1", log, "--json", "--rules", rules)
    assert json.loads(diff.out)["delta"]["cost_usd"] == pytest.approx(0)
    out = tmp_path / "ticket.md"
    llmlog("bundle", "trace-0", log, "--to", out, "--rules", rules)
    assert "cost $3.00" in out.read_text()


@pytest.mark.parametrize("is_archive", [False, True])
def test_stats_name_the_prices_that_apply_to_no_call(
    llmlog: Run, log: Path, rules: Path, tmp_path: Path, *, is_archive: bool
) -> None:
    if is_archive:
        file, log = log, tmp_path / "archive"
        assert llmlog("archive", file, "--to", log).code == 0
    assert "unused" not in llmlog("stats", log, "--rules", rules).out
    with rules.open("a") as more:
        for name in ("ours", "example.com:8000/ours", "hours"):
            more.write(f'\n[prices."{name}"]\ninput = 1\noutput = 1\n')
    said = "unused [prices]: example.com:8000/ours, hours; no call has such a model"
    assert said in llmlog("stats", log, "--rules", rules).out


def test_an_hour_over_its_budget_fails_the_check_and_is_listed(
    llmlog: Run, log: Path, rules: Path
) -> None:
    assert llmlog("check", log).code == 0
    done = llmlog("check", log, "--rules", rules)
    assert done.code == 1
    assert "budget" in done.out
    assert "the budget is $5.00 an hour" in done.out
    found = json.loads(llmlog("alerts", log, "--json", "--rules", rules).out)["alerts"]
    assert [(alert["rule"], alert["calls"]) for alert in found] == [("budget", 2)]


def test_where_narrows_what_is_looked_at(llmlog: Run, log: Path, rules: Path) -> None:
    where = ("--where", "latency_ms < 300")
    last = llmlog("tail", log, "--json", "--no-follow", "--lines", "1", *where)
    assert json.loads(last.out)["step"] == 0
    assert json.loads(last.out)["latency_ms"] == 200
    found = json.loads(llmlog("alerts", log, "--json", "--rules", rules, *where).out)
    assert (found["calls"], found["alerts"][0]["calls"]) == (2, 1)
    assert llmlog("check", log, "--rules", rules, "--where", "latency_ms < 200").code == 0
    assert "| 0 |" in llmlog("bundle", "trace-0", log, *where).out
    assert is_refused(llmlog("bundle", "trace-2", log, *where), "trace-2")


def test_where_narrows_the_records_whose_health_is_looked_at(llmlog: Run, written: Written) -> None:
    log = written([{**CALLS[0], "session_id": None}, CALLS[1]])
    assert "without session_id" in llmlog("health", log).out
    done = llmlog("health", log, "--where", "session_id is not null")
    assert "no faults" in done.out


@pytest.mark.parametrize("command", ["tail", "health", "alerts", "check"])
def test_a_bad_predicate_is_refused(llmlog: Run, log: Path, command: str) -> None:
    assert is_refused(llmlog(command, log, "--where", "latncy > 3"), "latncy", "latency_ms")


def test_the_dashboard_refuses_a_bad_predicate_before_it_starts(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dashboard([str(log), "--where", "latncy > 3"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("llmlog-tui: --where: no column latncy; the nearest is latency_ms")
    assert said.count("\n") == 1
