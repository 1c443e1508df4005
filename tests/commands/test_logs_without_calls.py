"""Commands on logs of other tools that hold no calls: one line, and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, is_refused
from tests.formats.otlp import ROOT, envelope, span
from tests.formats.test_claude_code import prompt

COMMANDS = ["stats", "traces", "slow", "alerts", "check", "health", "status", "export", "find"]
TRAJECTORY = {"trajectory": [{"action": "ls"}], "info": {"model_stats": {"tokens_sent": 9}}}
HTTP_SERVER = envelope(span({"http.request.method": "GET"}, spanId=ROOT))
LOGS: dict[str, tuple[Any, str]] = {
    "SWE-agent trajectory": (TRAJECTORY, "run the agent with an OpenTelemetry exporter"),
    "OTLP traces": (HTTP_SERVER, "no model calls in 1 object: instrument the client of the model"),
    "OTLP metrics": ({"resourceMetrics": [{"scopeMetrics": []}]}, "open the traces or logs"),
    "Claude Code": (prompt("u-1", 0), "no model calls in 1 object"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("kind", "log"), LOGS.items())
def test_a_log_without_calls_is_refused_with_its_format_and_an_alternative(
    llmlog: Run, tmp_path: Path, command: str, kind: str, log: tuple[Any, str]
) -> None:
    item, alternative = log
    file = tmp_path / "app.jsonl"
    file.write_text(json.dumps(item) + "\n")
    out = tmp_path / "out.jsonl"
    more = {"find": ["7c1d4e8a"], "check": ["--at-least", "0"], "export": ["--to", str(out)]}
    done = llmlog(command, *more.get(command, []), file)
    assert is_refused(done, str(file), kind, alternative)
    assert not out.exists()
