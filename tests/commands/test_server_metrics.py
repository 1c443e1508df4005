"""Metrics kept beside a log explain its calls in the commands, and are no log themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.commands.conftest import Run, is_refused
from tests.commands.test_base_install import base_install

from llmlog_tui.server.quantities import KINDS
from llmlog_tui.server.sample import QUANTITIES

CALL = {
    "ts": "2026-11-23T12:00:00Z", "trace_id": "trace-1", "session_id": "s", "step": 0,
    "event": "chat_completion", "model": "m", "provider": "10.0.0.7", "latency_ms": 4_000,
    "id": "chatcmpl-1", "status": "ok",
}  # fmt: skip
SAMPLE = {
    "ts": "2026-11-23T12:00:02Z", "url": "http://10.0.0.7:8000/metrics", "kind": "vLLM",
    "waiting": 11, "running": 8, "kv_cache": 0.97,
}  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps(CALL) + "\n")
    Path(f"{path}.metrics").write_text(json.dumps(SAMPLE) + "\n")
    return path


@pytest.mark.parametrize("words", [("slow",), ("trace", "trace-1"), ("find", "chatcmpl-1")])
def test_a_servers_queue_explains_a_slow_call(
    llmlog: Run, log: Path, words: tuple[str, ...]
) -> None:
    done = llmlog(*words, log)
    assert "server queue, 11 waiting" in done.out
    assert ("11 waiting, 8 running, cache 97%" in done.out) == (words[0] == "find")


def test_json_and_the_report_have_the_same_reason(llmlog: Run, log: Path, tmp_path: Path) -> None:
    assert json.loads(llmlog("slow", log, "--json").out)["why"] == "server queue, 11 waiting"
    page = tmp_path / "report.html"
    assert llmlog("report", log, "--to", page).code == 0
    assert "server queue, 11 waiting" in page.read_text()


def test_the_file_of_metrics_is_no_log_in_a_folder_or_by_name(llmlog: Run, log: Path) -> None:
    assert json.loads(llmlog("stats", log.parent, "--json").out)["files"] == [str(log)]
    assert json.loads(llmlog("stats", f"{log}*", "--json").out)["files"] == [str(log)]
    assert is_refused(llmlog("stats", f"{log}.metrics"), "is a metrics file, not a log")


def test_without_the_extra_one_line_names_it() -> None:
    done = base_install("dashboard", {"prometheus_client"}, "--metrics-url", "localhost:8000")
    assert is_refused(done, "llmlog-tui --metrics-url needs", "pip install 'llmlog[server]'")


def test_what_is_no_url_is_one_line(log: Path) -> None:
    done = base_install("dashboard", set(), str(log), "--metrics-url", "file:///etc/passwd")
    assert is_refused(done, "--metrics-url: file:///etc/passwd: not a URL such as")


def test_every_known_server_is_described(root: Path) -> None:
    page = (root / ".github" / "docs" / "server.md").read_text()
    assert all(kind.name in page for kind in KINDS)
    assert all(f"`{name}`" in page for name in QUANTITIES)
