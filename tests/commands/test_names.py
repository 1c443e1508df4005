"""`llmlog traces` and others with the names of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.commands.conftest import Run, Written

QUESTION = [{"role": "user", "content": "Where is my order?"}]


@pytest.fixture
def log(written: Written) -> Path:
    call = {"event": "chat_completion", "session_id": "s", "latency_ms": 100}
    return written(
        [
            {**call, "trace_id": "run-a", "trace_name": "refund-agent"},
            {**call, "trace_id": "run-b", "input": QUESTION},
            {**call, "trace_id": "run-c", "trace_name": "refund-agent", "status": "error"},
        ]
    )


def test_runs_are_listed_with_their_names(llmlog: Run, log: Path) -> None:
    out = llmlog("traces", log).out
    assert "refund-agent" in out
    assert "Where is my order?" in out
    found = [json.loads(line) for line in llmlog("traces", log, "--json").out.splitlines()]
    assert [run["name"] for run in found] == ["refund-agent", "Where is my order?", "refund-agent"]
    assert [run["trace_name"] for run in found] == ["refund-agent", None, "refund-agent"]


def test_runs_of_one_name_are_compared(llmlog: Run, log: Path) -> None:
    out = llmlog("traces", log, "--by", "trace_name", "--json").out
    first = json.loads(out.splitlines()[0])
    assert (first["name"], first["runs"], first["failed"]) == ("refund-agent", 2, 1)
    assert (first["p50_steps"], first["p50_time_ms"]) == (1, 100)
    assert "p50 steps" in llmlog("traces", log, "--by", "trace_name").out


def test_a_run_and_a_session_are_headed_by_names(llmlog: Run, log: Path) -> None:
    assert "trace run-a refund-agent, session s" in llmlog("trace", "run-a", log).out
    assert "trace run-b Where is my order?, " in llmlog("session", "s", log).out
    assert "A run-a refund-agent, 1 step" in llmlog("diff", "run-a", "run-b", log).out


def test_calls_are_grouped_and_filtered_by_name(llmlog: Run, log: Path) -> None:
    out = llmlog("stats", log, "--by", "trace_name", "--json").out
    assert [group["key"] for group in json.loads(out)["groups"]] == ["refund-agent", None]
    out = llmlog("stats", log, "--where", "trace_name = 'refund-agent'", "--json").out
    assert json.loads(out)["calls"] == 2
