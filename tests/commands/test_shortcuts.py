"""What one types at 2 a.m.: no ids, no file names, one line, and the reason of a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.commands.conftest import Run, Written, is_refused

CALL = {"event": "chat_completion", "session_id": "s", "model": "m", "step": 0}
LATER = {**CALL, "ts": "2026-11-23T09:01:00Z", "latency_ms": 900}
REASON = {"error_type": "RateLimitError", "error_message": "slow down, please"}


@pytest.fixture
def log(written: Written) -> Path:
    """Three runs: one failed, a later one failed too, the last did not."""
    return written(
        [
            {**CALL, "ts": "2026-11-23T09:00:00Z", "trace_id": "run-one", "status": "error"},
            {**LATER, "trace_id": "run-two", "status": "error", **REASON},
            {**LATER, "trace_id": "run-three", "latency_ms": 400, "finish_reason": "stop"},
        ]
    )


@pytest.mark.parametrize(("word", "trace"), [("latest", "run-three"), ("failed", "run-two")])
def test_words_name_the_newest_run_and_the_newest_that_failed(
    llmlog: Run, log: Path, word: str, trace: str
) -> None:
    shown = llmlog("trace", word, log, "--json")
    assert [json.loads(line)["trace_id"] for line in shown.out.splitlines()] == [trace]
    assert llmlog("bundle", word, log).out.startswith(f"# Run `{trace}`\n")
    diff = json.loads(llmlog("diff", "run-one", word, log, "--json").out)
    assert (diff["a"], diff["b"]) == ("run-one", trace)


def test_a_word_without_a_run_is_one_line(llmlog: Run, written: Written) -> None:
    assert is_refused(
        llmlog("trace", "failed", written([{**LATER, "trace_id": "t"}])), "no run failed"
    )
    assert is_refused(llmlog("trace", "latest", written([LATER])), "no record has a trace_id")


@pytest.mark.parametrize(
    "words", [["stats"], ["find", "run-one"], ["trace", "latest"], ["sql", "select 1 from calls"]]
)
def test_without_a_log_it_is_calls_jsonl_here(
    llmlog: Run, log: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(log.parent)
    assert is_refused(llmlog(*words), "no LOG is named, and there is no calls.jsonl here. See")
    log.rename("calls.jsonl")
    assert llmlog(*words).out == llmlog(*words, "calls.jsonl").out != ""


@pytest.mark.parametrize(
    "words", [["trace", "failed"], ["session", "s"], ["find", "s"], ["tail", "--no-follow"]]
)
def test_a_failure_is_shown_with_its_message(llmlog: Run, log: Path, words: list[str]) -> None:
    assert "slow down, please" in llmlog(*words, log).out


@pytest.mark.parametrize("latency_ms", [90, 9_000], ids=["quick", "slow"])
@pytest.mark.parametrize(
    "words", [["trace", "failed"], ["session", "s"], ["find", "s"], ["tail", "--no-follow"]]
)
def test_a_failure_is_shown_with_its_status_and_code(
    llmlog: Run, written: Written, words: list[str], latency_ms: int
) -> None:
    known = {"error_status": 503, "error_code": "overloaded", "latency_ms": latency_ms}
    failed = {**LATER, **REASON, **known, "trace_id": "t", "session_id": "s", "status": "error"}
    out = llmlog(*words, written([failed])).out
    assert "RateLimitError" in out
    assert "503" in out
    assert "overloaded" in out


def test_a_diff_has_the_message_of_the_run_that_failed(llmlog: Run, log: Path) -> None:
    out = llmlog("diff", "latest", "failed", log).out
    assert "B failed: RateLimitError: slow down, please\n" in out


def test_a_session_begins_with_its_totals(llmlog: Run, written: Written) -> None:
    tokens = {"provider": "api.openai.com", "prompt_tokens": 1_000_000, "completion_tokens": 0}
    path = written(
        [
            {**LATER, **tokens, "trace_id": "a", "model": "gpt-5"},
            {**LATER, "trace_id": "b", "status": "error"},
        ]
    )
    head, totals, *_ = llmlog("session", "s", path).out.splitlines()
    assert head == "session s: 2 runs, took 900 ms"
    assert totals == "2 steps, 1,000,000 tokens, cost $1.25, 1 call unpriced, 1 record failed"
    costs = [
        json.loads(line)["cost_usd"]
        for line in llmlog("session", "s", path, "--json").out.splitlines()
    ]
    assert costs == [1.25, None]


def test_a_check_as_json_has_its_result_and_its_alerts(llmlog: Run, log: Path) -> None:
    passed = llmlog("check", log, "--json")
    assert passed.code == 0
    assert json.loads(passed.out) == {
        "passed": True,
        "calls": 3,
        "at_least": 0,
        "alerts": [],
        "format": "llmlog",
    }
    few = llmlog("check", log, "--json", "--at-least", "4")
    assert few.code == 1
    assert json.loads(few.out) == {
        "passed": False,
        "calls": 3,
        "at_least": 4,
        "alerts": [],
        "format": "llmlog",
    }


def test_the_alerts_of_a_check_are_those_of_alerts(llmlog: Run, sample: Path) -> None:
    done = llmlog("check", sample, "--json")
    found = json.loads(done.out)
    assert (done.code, found["passed"]) == (1, False)
    assert found["alerts"] == json.loads(llmlog("alerts", sample, "--json").out)["alerts"]


def test_the_status_is_one_line(llmlog: Run, log: Path, sample: Path, written: Written) -> None:
    assert llmlog("status", log).out == "3 calls  ✗ 2 calls failed  p50 650 ms\n"
    assert llmlog("status", sample).out == (
        "564 calls  ✗ 14 calls failed  p50 642 ms  $0.10+  ▲ truncation gpt-oss-120b and 3 more\n"
    )
    assert llmlog("status", written([])).out == "0 calls\n"


def test_a_dry_run_of_prune_changes_nothing(llmlog: Run, log: Path) -> None:
    before = log.read_bytes()
    done = llmlog("prune", log, "--older-than", "0s", "--dry-run")
    assert is_refused(done, "0s")
    log.write_bytes(before.replace(b"2026", b"2020"))
    done = llmlog("prune", log, "--older-than", "1d", "--dry-run")
    assert (done.code, done.err) == (0, f"{log}: 3 lines would be removed\n")
    assert log.read_bytes() == before.replace(b"2026", b"2020")
    assert llmlog("prune", log, "--older-than", "1d").err == f"{log}: 3 lines removed\n"


NAMED = [
    ("avg(latency_ms)", "avg(latency_ms)"),
    ("count(*)", "count(*)"),
    ("max(latency_ms) - min(latency_ms)", "max(latency_ms) - min(latency_ms)"),
    ("avg(latency_ms) as mean", "mean"),
    ("avg(latency_ms) mean", "mean"),
    ("count(*) filter (where model = 'm, from')", "count(*) filter (where model = 'm, from')"),
    ("sum(latency_ms) /* all */", "sum(latency_ms)"),
    ("max(model) is null", "max(model) is null"),
]


@pytest.mark.parametrize(("column", "name"), NAMED)
def test_a_column_without_an_alias_is_named_as_written(
    llmlog: Run, log: Path, column: str, name: str
) -> None:
    done = llmlog("sql", f"select {column} from calls", log, "--format", "json")  # noqa: S608
    assert list(json.loads(done.out)) == [name]


def test_columns_that_have_a_name_keep_it(llmlog: Run, log: Path) -> None:
    columns = "c.model, step, count(*), max(c.step)"
    text = f"select {columns} from calls c group by model, step order by count(*)"  # noqa: S608
    found = json.loads(llmlog("sql", text, log, "--format", "json").out)
    assert found == {"model": "m", "step": 0, "count(*)": 3, "max(c.step)": 0}


def test_integers_stay_integers_unless_the_log_has_fractions(
    llmlog: Run, log: Path, written: Written
) -> None:
    text = "select max(latency_ms) as ms, max(step) as step from calls"
    assert llmlog("sql", text, log, "--format", "json").out == '{"ms":900,"step":0}\n'
    assert llmlog("sql", text, log, "--format", "csv").out == "ms,step\n900,0\n"
    assert '"latency_ms":900,' in llmlog("slow", log, "--json").out
    fractions = written([LATER, {**LATER, "latency_ms": 1.5}])
    assert llmlog("sql", text, fractions, "--format", "json").out == '{"ms":900.0,"step":0}\n'


def test_a_latency_beyond_all_integers_stays_as_it_is(llmlog: Run, written: Written) -> None:
    text = "select latency_ms from calls"
    done = llmlog("sql", text, written([{**LATER, "latency_ms": 1e300}]), "--format", "json")
    assert (done.code, done.out) == (0, '{"latency_ms":1e+300}\n')


def test_columns_are_listed_without_a_log_and_by_a_query(llmlog: Run, log: Path) -> None:
    listed = llmlog("sql", "--columns").out.splitlines()
    assert listed[0].split() == ["table", "column", "type"]
    rows = {tuple(line.split()) for line in listed[1:] if "list of text" not in line}
    assert {("calls", "latency_ms", "integer"), ("traces", "trace_id", "text")} <= rows
    described = llmlog("sql", "DESCRIBE traces;", log, "--format", "json").out.splitlines()
    assert json.loads(described[0]) == {"table": "traces", "column": "trace_id", "type": "text"}
    for query in ("describe", "describe moon"):
        assert is_refused(
            llmlog("sql", query, log), "describe takes a table: calls, traces, records"
        )
