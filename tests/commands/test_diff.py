"""`llmlog diff`: two runs side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Written


def call(trace: str, step: int, **fields: object) -> dict[str, Any]:
    return {"trace_id": trace, "step": step, "model": "m", "latency_ms": 100, **fields}


@pytest.fixture
def log(written: Written) -> Path:
    """B runs another tool in between, and its last answer is cut off."""
    return written(
        [
            call("run-a", 0, prompt_tokens=10, prefix_hashes=["x", "y"]),
            call("run-a", 1, finish_reason="stop"),
            call("run-b", 0, prompt_tokens=15, prefix_hashes=["x", "z"]),
            {"trace_id": "run-b", "step": 1, "tool_name": "t", "latency_ms": 50, "error": "x"},
            call("run-b", 2, finish_reason="length"),
        ]
    )


def test_the_keys_are_stable(llmlog: Run, log: Path) -> None:
    found = json.loads(llmlog("diff", "run-a", "run-b", log, "--json").out)
    assert list(found) == ["a", "b", "first", "delta", "pairs"]
    assert found["delta"] == {
        "steps": 1, "time_ms": 50.0, "errors": 1, "prompt_tokens": 5, "completion_tokens": None,
        "reasoning_tokens": None, "cost_usd": None,
    }  # fmt: skip
    assert found["first"] == 0
    assert [(pair["why"], pair["message"]) for pair in found["pairs"]] == [
        ("prefix_hashes", 1), ("only in B", None), ("finish_reason", None),
    ]  # fmt: skip
    assert found["pairs"][1] == {
        "a": None,
        "b": {"step": 1, "event": "tool_call", "name": "t", "latency_ms": 50.0, "failed": True},
        "why": "only in B",
        "message": None,
    }


def test_people_see_both_runs_and_where_they_part(llmlog: Run, log: Path) -> None:
    head, first, second, third, _, where, deltas = llmlog(
        "diff", "run-a", "run-b", log
    ).out.splitlines()
    assert head.split("   ")[0] == "A run-a, 2 steps"
    assert first.endswith("prompts differ from message 1 on")
    assert "◄" in first
    assert (second.split()[0], second.split()[-3:]) == ("–", ["only", "in", "B"])
    assert "≠" in third
    assert where == "first divergence at step 0: prompts differ from message 1 on"
    assert deltas == "B against A: steps +1, time +50 ms, in +5, errors +1"


def test_a_run_does_the_same_as_itself(llmlog: Run, log: Path) -> None:
    lines = llmlog("diff", "run-a", "run-a", log).out.splitlines()
    assert lines[-2] == "the two runs are the same"
