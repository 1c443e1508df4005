"""--where: one meaning of a predicate for commands, logs of any kind, the filter and SQL."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.commands.conftest import Run, Written, is_refused

from llmlog_tui.analysis.live.overview import overview
from llmlog_tui.log.load import load

SLOW = "latency_ms > avg(latency_ms)"
IN_LONG_RUNS = "count(*) over (partition by trace_id) > 3"


@pytest.mark.parametrize(
    ("predicate", "in_sql"),
    [
        (SLOW, "latency_ms > avg(latency_ms) over ()"),
        (f"{SLOW} and model = 'gpt-5-mini'", "latency_ms > avg(latency_ms) over () and is_mini"),
        (IN_LONG_RUNS, IN_LONG_RUNS),
    ],
)
def test_calls_are_compared_with_the_calls_everywhere(
    llmlog: Run, sample: Path, tmp_path: Path, predicate: str, in_sql: str
) -> None:
    folder, part = tmp_path / "archive", tmp_path / "first.jsonl"
    lines = sample.read_bytes().splitlines(keepends=True)
    llmlog("archive", sample, "--to", folder)
    part.write_bytes(b"".join(lines[:300]))
    llmlog("archive", part, "--to", tmp_path / "half")
    rest = tmp_path / "rest.jsonl"
    rest.write_bytes(b"".join(lines[300:]))
    text = (
        f"select count(*) as calls from (select {in_sql} as holds "  # noqa: S608 - a test's own
        "from (select *, model = 'gpt-5-mini' as is_mini from calls)) where holds"
    )
    wanted = json.loads(llmlog("sql", text, sample, "--json").out)["calls"]
    assert 0 < wanted < 564
    assert overview(load([sample]), 5_000, where=predicate).calls.height == wanted
    for log in ([sample], [folder], [tmp_path / "half", rest]):
        done = llmlog("stats", *log, "--where", predicate, "--json")
        assert json.loads(done.out)["calls"] == wanted, log


def test_other_records_are_compared_with_their_kind(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    log = written(
        [{"event": "chat_completion", "step": n, "latency_ms": n * 100} for n in (1, 2, 6)]
        + [{"event": "embedding", "step": 4, "latency_ms": 400}]
        + [{"tool_name": "search", "step": n, "latency_ms": n} for n in (5, 6)]
        + [{"event": "span", "name": "plan", "step": 7, "latency_ms": 9_000}]
    )
    llmlog("export", log, "--to", out, "--where", SLOW)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [each["latency_ms"] for each in found] == [600, 400, 6]
    done = llmlog("stats", log, "--by", "tool", "--where", SLOW, "--json")
    assert [group["calls"] for group in json.loads(done.out)["groups"]] == [1]


def test_the_present_is_utc_in_any_time_zone(process: Run, written: Written) -> None:
    now = datetime.now(UTC)
    log = written(
        {"model": "m", "ts": (now - timedelta(hours=hours)).isoformat()} for hours in (1, 3, 30)
    )
    recent = "ts > now() - interval '2 hours' and ts > current_timestamp - interval '2 hours'"
    recent += " and ts < localtimestamp"
    asked = f"select count(*) as calls from calls where {recent}"  # noqa: S608 - a test's own
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        env = {**os.environ, "TZ": zone}
        done = process("stats", log, "--where", recent, "--json", env=env)
        assert json.loads(done.out)["calls"] == 1, zone
        assert json.loads(process("sql", asked, log, "--json", env=env).out)["calls"] == 1, zone


@pytest.mark.parametrize("command", ["stats", "slow", "traces", "check", "tail"])
def test_a_time_is_compared_with_no_number(llmlog: Run, sample: Path, command: str) -> None:
    options = ["--no-follow"] if command == "tail" else []
    done = llmlog(command, sample, "--where", "ts > 1900000000", *options)
    assert is_refused(done, "a time is compared with the number 1900000000", "(UTC)")


def test_shares_in_sql_are_numbers(llmlog: Run, written: Written) -> None:
    log = written({"model": "m", "retries": retries} for retries in (1, 0, 0))
    text = "select 1.0 * sum(retries) / count(*) as share from calls"
    assert json.loads(llmlog("sql", text, log, "--json").out) == {"share": 1 / 3}
    assert llmlog("sql", text, log, "--format", "csv").out == "share\n0.3333333333333333\n"


def test_a_column_that_is_written_twice_has_two_names(llmlog: Run, written: Written) -> None:
    log = written({"model": "m"} for _ in range(3))
    done = llmlog("sql", "select count(*), count(*), count(*) from calls", log, "--json")
    assert json.loads(done.out) == {"count(*)": 3, "count(*)_1": 3, "count(*)_2": 3}
    done = llmlog("sql", "select model, model from calls", log)
    assert is_refused(done, "two columns are named model; give one an alias")


def test_aggregates_are_refused_where_new_records_would_change_them(
    llmlog: Run, written: Written
) -> None:
    log = written({"model": "m", "step": n, "latency_ms": n} for n in range(4))
    assert is_refused(llmlog("tail", log, "--where", SLOW), "no aggregates", "--no-follow")
    done = llmlog("tail", log, "--where", SLOW, "--no-follow", "--json")
    assert [json.loads(line)["step"] for line in done.out.splitlines()] == [2, 3]
    done = llmlog("find", "--text", "refund", log, "--where", "ts > now() - interval '1 hour'")
    assert (done.code, done.out) == (1, "")
