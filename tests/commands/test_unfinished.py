"""Steps that have begun and have no record: shown with their run, counted in no figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Written, is_refused

from llmlog_tui.commands.agent_tools import AgentTools
from llmlog_tui.config.rules import DEFAULT

Line = dict[str, Any]
NAMES = {"session_id": "chat-one", "trace_name": "refund-agent"}


def record(trace: str, step: int, minutes_ago: float, **more: object) -> Line:
    ts = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat()
    known = {"trace_id": trace, "step": step, "span_id": f"{trace}-{step}", **NAMES}
    call = {"event": "chat_completion", "model": "gpt-5", "latency_ms": 400, "total_tokens": 7}
    return {"ts": ts, **known, **call, **more}


def start(trace: str, step: int, minutes_ago: float, **more: object) -> Line:
    call = {"event": "start", "requested_model": "gpt-5"}
    without = {"model": None, "latency_ms": None, "total_tokens": None}
    return record(trace, step, minutes_ago, **{**without, **call, **more})


@pytest.fixture
def log(written: Written) -> Path:
    """A run that failed, one that was killed in step 2, and one that ended later."""
    return written(
        [
            record("run-bad", 0, 120, status="error"),
            *(
                line
                for n in (0, 1)
                for line in (start("run-dead", n, 60), record("run-dead", n, 60))
            ),
            start("run-dead", 2, 59, requested_model=None, tool_name="look_up"),
            record("run-fine", 0, 30, session_id="chat-two"),
        ]
    )


def test_the_step_a_run_died_in_is_a_row_of_the_run(llmlog: Run, log: Path) -> None:
    head, totals, _, *steps = llmlog("trace", "run-dead", log).out.splitlines()
    assert head.startswith("trace run-dead refund-agent, session chat-one")
    assert totals == "2 steps, 14 tokens, cost –, 2 calls unpriced, 1 with no end in 10 min"
    assert len(steps) == 3
    assert steps[2].split()[:3] == ["2", "?", "look_up"]
    assert steps[2].endswith("–  no end in 10 min: its process is probably gone")


def test_a_step_in_flight_has_the_time_it_runs(llmlog: Run, written: Written) -> None:
    path = written([record("run-live", 0, 2), start("run-live", 1, 1)])
    *_, last = llmlog("trace", "latest", path).out.splitlines()
    assert last.split()[:3] == ["1", "►", "gpt-5"]
    assert "running for 1" in last or "running for 60" in last


def test_as_json_it_follows_with_event_start_and_the_columns_of_a_record(
    llmlog: Run, log: Path
) -> None:
    for words in (("trace", "run-dead"), ("session", "chat-one")):
        *records, begun = map(json.loads, llmlog(*words, log, "--json").out.splitlines())
        assert all(line["event"] == "chat_completion" for line in records)
        assert (begun["event"], begun["step"], begun["tool_name"]) == ("start", 2, "look_up")
        assert begun.keys() == records[0].keys()
        assert (begun["latency_ms"], begun["cost_usd"], begun["line"]) == (None, None, None)


def test_failed_is_the_newest_run_that_failed_or_never_ended(
    llmlog: Run, log: Path, written: Written
) -> None:
    assert llmlog("trace", "failed", log).out.startswith("trace run-dead ")
    assert llmlog("trace", "failed", log, "--where", "step >= 0").out.startswith("trace run-bad ")
    running = written([record("run-bad", 0, 120, status="error"), start("run-live", 0, 1)])
    assert llmlog("trace", "failed", running).out.startswith("trace run-bad ")
    running = written([start("run-live", 0, 1)])
    assert is_refused(
        llmlog("trace", "failed", running), "no run failed; 1 begun and not ended: see latest"
    )


def test_a_list_of_runs_flags_the_ones_that_have_not_ended(
    llmlog: Run, log: Path, written: Written
) -> None:
    _, bad, dead, fine = llmlog("traces", log).out.splitlines()
    assert ("  ✗ " in bad, "  ? " in dead, "  ? " in fine) == (True, True, False)
    runs = map(json.loads, llmlog("traces", log, "--json").out.splitlines())
    assert [(run["steps"], run["unfinished"]) for run in runs] == [(1, 0), (2, 1), (1, 0)]
    running = written([record("run-live", 0, 2), start("run-live", 1, 1), start("run-live", 2, 60)])
    assert "  ► " in llmlog("traces", running).out


def test_a_run_without_a_record_is_listed_at_its_time_with_unknown_figures(
    llmlog: Run, log: Path
) -> None:
    with log.open("a") as file:
        file.write(json.dumps(start("run-new", 0, 50, requested_model=None, tool_name="ls")) + "\n")
    ids = [line.split()[0] for line in llmlog("traces", log).out.splitlines()[1:]]
    assert ids == ["run-bad", "run-dead", "run-new", "run-fine"]
    _, dead, new, _ = map(json.loads, llmlog("traces", log, "--json").out.splitlines())
    assert [*new] == [*dead]
    assert (new["session_id"], new["trace_name"], new["name"]) == (
        "chat-one",
        *["refund-agent"] * 2,
    )
    assert (new["steps"], new["unfinished"], new["failed"]) == (0, 1, False)
    assert new["models"] == [], "its step is a tool's"
    assert dead["models"] == ["gpt-5"]
    assert (new["time_ms"], new["tokens"], new["cost_usd"]) == (None, None, None)
    for words in (("--where", "step >= 0"), ("--by", "trace_name")):
        assert "run-new" not in llmlog("traces", log, *words).out
    assert json.loads(llmlog("traces", log, "--by", "trace_name", "--json").out)["runs"] == 3


def test_a_log_of_starts_alone_has_a_list_of_runs(llmlog: Run, written: Written) -> None:
    (run,) = map(
        json.loads, llmlog("traces", written([start("r", 0, 50)]), "--json").out.splitlines()
    )
    assert (run["trace_id"], run["steps"], run["unfinished"]) == ("r", 0, 1)


def test_latest_is_the_run_that_began_after_the_last_record(llmlog: Run, written: Written) -> None:
    lines = [start("run-long", 0, 60), record("run-fine", 0, 30)]
    assert llmlog("trace", "latest", written(lines)).out.startswith("trace run-fine ")
    shown = llmlog("trace", "latest", written([*lines, start("run-new", 0, 1)])).out
    assert shown.startswith("trace run-new refund-agent, session chat-one, began ")
    assert "0 steps" in shown


def test_a_session_lists_its_runs_that_have_no_record(llmlog: Run, log: Path) -> None:
    with log.open("a") as file:
        file.write(json.dumps(start("run-new", 0, 50)) + "\n")
    shown = llmlog("session", "chat-one", log).out
    totals = shown.splitlines()[1]
    assert (
        totals
        == "3 steps, 21 tokens, cost –, 3 calls unpriced, 1 record failed, 2 with no end in 10 min"
    )
    assert shown.count("no end in 10 min: its process is probably gone") == 2
    assert "trace run-new" in shown
    assert shown.startswith("session chat-one: 3 runs, ")


def test_a_session_of_starts_alone_is_found(llmlog: Run, written: Written) -> None:
    path = written([record("run-fine", 0, 60, session_id="s"), start("run-new", 0, 50)])
    shown = llmlog("session", "chat-one", path)
    assert shown.code == 0
    assert "trace run-new" in shown.out
    assert len(llmlog("session", "chat-one", path, "--json").out.splitlines()) == 1
    assert is_refused(llmlog("session", "chat-none", path), "no session_id")


def in_markdown(llmlog: Run, log: Path, trace: str) -> str:
    return llmlog("bundle", trace, log).out


def as_page(llmlog: Run, log: Path, trace: str) -> str:
    page = log.with_name("run.html")
    assert llmlog("bundle", trace, log, "--to", page).code == 0
    return page.read_text()


@pytest.mark.parametrize("bundled", [in_markdown, as_page])
def test_a_bundle_lists_it_apart_without_secrets(
    llmlog: Run, log: Path, bundled: Callable[[Run, Path, str], str]
) -> None:
    key = "sk-proj-" + "a1B2" * 12
    with log.open("a") as file:
        file.write(json.dumps(start("run-dead", 3, 58, requested_model=key)) + "\n")
    text = bundled(llmlog, log, "run-dead")
    assert text.count("no end in 10 min: its process is probably gone") == 2
    assert "look_up" in text
    assert key not in text
    assert "Not ended" not in bundled(llmlog, log, "run-fine")
    log.write_text(json.dumps(record("run-old", 0, 9)) + "\n" + json.dumps(start("run-new", 0, 50)))
    assert "no end in 10 min" in bundled(llmlog, log, "run-new")


def test_a_bundle_of_starts_alone_has_single_blank_lines(llmlog: Run, written: Written) -> None:
    text = llmlog("bundle", "run-new", written([record("run-old", 0, 9), start("run-new", 0, 50)]))
    assert text.out.startswith("# Run `run-new`\n\n## Not ended\n\n| what |")


def test_a_diff_names_the_step_that_has_not_ended(llmlog: Run, written: Written) -> None:
    ended = [record(run, 0, 60) for run in ("run-one", "run-two")]
    path = written([*ended, start("run-two", 1, 50)])
    *_, same, begun, _ = llmlog("diff", "run-one", "run-two", path).out.splitlines()
    assert same == "the two runs are the same so far"
    assert begun == "B: step 1 gpt-5, no end in 10 min: its process is probably gone"
    with path.open("a") as file:
        file.write(json.dumps(start("run-new", 0, 40)) + "\n")
    head, *_ = llmlog("diff", "run-one", "run-new", path).out.splitlines()
    assert head.split("   ")[-1] == "B run-new refund-agent, 0 steps"
    found = json.loads(llmlog("diff", "run-one", "run-two", path, "--json").out)
    assert (found["first"], found["delta"]["steps"]) == (None, 0), "counted in no figure"
    assert found["unfinished"]["a"] == []
    assert found["unfinished"]["b"][0]["name"] == "gpt-5"
    found = json.loads(llmlog("diff", "run-one", "run-one", path, "--json").out)
    assert "unfinished" not in found


@pytest.mark.parametrize("wanted", ["run-new", "run-new-0", "chat-new"])
def test_the_only_step_of_a_run_is_found_by_its_ids(llmlog: Run, log: Path, wanted: str) -> None:
    with log.open("a") as file:
        file.write(json.dumps(start("run-new", 0, 50, session_id="chat-new")) + "\n")
    found = llmlog("find", wanted, log)
    fields = dict(line.split(maxsplit=1) for line in found.out.splitlines())
    assert (found.code, fields["event"], fields["span_id"]) == (0, "start", "run-new-0")
    assert fields["(state)"] == "no end in 10 min: its process is probably gone"
    (line,) = map(json.loads, llmlog("find", wanted, log, "--json").out.splitlines())
    assert (line["event"], line["trace_id"], line["format"]) == ("start", "run-new", None)
    with closing(AgentTools([str(log)], DEFAULT, content=False)) as tools:
        answer = json.loads(tools.find(wanted))
        assert [step["span_id"] for step in answer["unfinished"]] == ["run-new-0"]
        assert answer["records"] == []
    assert llmlog("find", wanted, log, "--where", "step = 0").code == 1, "records only"


def test_find_lists_the_steps_of_a_run_that_ended_and_then_the_others(
    llmlog: Run, log: Path
) -> None:
    _, *steps = llmlog("find", "run-dead", log).out.splitlines()
    assert len(steps) == 3
    assert "  2 ? look_up " in steps[2]
    assert steps[2].endswith("no end in 10 min: its process is probably gone")
    events = [
        json.loads(line)["event"]
        for line in llmlog("find", "run-dead", log, "--json").out.splitlines()
    ]
    assert events == ["chat_completion", "chat_completion", "start"]


def test_an_agent_is_told_of_it(log: Path) -> None:
    with closing(AgentTools([str(log)], DEFAULT, content=False)) as tools:
        found = json.loads(tools.trace("failed"))
        assert len(found["steps"]) == 2
        (step,) = found["unfinished"]
        assert (step["step"], step["name"]) == (2, "look_up")
        assert step["state"].startswith("no end in 10 min")
        assert "unfinished" not in json.loads(tools.trace("run-fine"))
        assert json.loads(tools.diff("run-fine", "failed"))["unfinished"]["b"] == [step]


def test_health_counts_starts_among_the_lines_and_not_among_the_examined_records(
    llmlog: Run, log: Path
) -> None:
    lines = "7 lines: 4 records, 0 skipped, 0 blank, 3 starts"
    assert llmlog("health", log).out.splitlines()[0] == lines
    examined = llmlog("health", log, "--where", "step = 0").out.splitlines()[0]
    assert examined == f"{lines}; 3 records examined"
