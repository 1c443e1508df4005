"""Calls made again: curl and Python from a record, run against a server of our own."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from llmlog_tui.analysis.reports.reproduction import reproduction

HOSTILE = "it's $(touch owned) `x` \x1b[31m é 😀 \\ \"\nJSON"


class _Server(HTTPServer):
    taken: tuple[str, dict[str, Any]] | None = None


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.taken = (self.path, body)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def record(server: _Server | None = None, **fields: object) -> dict[str, Any]:
    host = "api.openai.com" if server is None else f"127.0.0.1:{server.server_address[1]}"
    return {
        "event": "chat_completion",
        "provider": host,
        "requested_model": "m",
        "input": [{"role": "user", "content": HOSTILE}],
        "max_tokens": 9,
        "temperature": 0.5,
        **fields,
    }


REQUEST = {
    "model": "m",
    "messages": [{"role": "user", "content": HOSTILE}],
    "max_completion_tokens": 9,
    "temperature": 0.5,
}


def test_curl_sends_the_logged_request(server: _Server, tmp_path: Path) -> None:
    text = reproduction(record(server), "curl")
    assert text is not None
    assert text.isascii()
    assert "\x1b" not in text
    subprocess.run(["/bin/sh", "-c", text], check=True, capture_output=True, cwd=tmp_path)
    assert server.taken == ("/v1/chat/completions", REQUEST)
    assert not list(tmp_path.iterdir()), "nothing in it is run by the shell"


def test_python_sends_the_logged_request(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    text = reproduction(record(server), "python")
    assert text is not None
    assert text.isascii()
    exec(compile(text, "reproduction", "exec"), {})  # noqa: S102 - that is what it is for
    assert server.taken == ("/v1/chat/completions", REQUEST)


def test_it_names_keys_by_their_variables_and_has_each_apis_fields() -> None:
    curl = reproduction(record(), "curl")
    assert curl is not None
    assert 'curl "https://api.openai.com/v1/chat/completions"' in curl
    assert "Bearer $OPENAI_API_KEY" in curl
    response = reproduction(record(event="response", reasoning_effort="low"), "python")
    assert response is not None
    assert "client.responses.create(" in response
    assert "'max_output_tokens': 9" in response
    assert "'reasoning': {'effort': 'low'}" in response
    said = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    claude = reproduction(record(provider="api.anthropic.com", input=said), "python")
    assert claude is not None
    assert "Anthropic()" in claude
    assert "'system': 's'" in claude
    assert "'max_tokens': 9" in claude


@pytest.mark.parametrize("provider", ["127.0.0.1", "localhost", "192.168.0.7", None])
def test_the_address_of_a_local_server_without_its_port_is_left_to_the_environment(
    provider: str | None,
) -> None:
    curl, python = (reproduction(record(provider=provider), way) for way in ("curl", "python"))
    assert curl is not None
    assert python is not None
    assert 'curl "$OPENAI_BASE_URL/chat/completions"' in curl
    assert "client = OpenAI()" in python, "the SDK reads OPENAI_BASE_URL itself"


@pytest.mark.parametrize(
    "fields", [{"input": None}, {"event": "tool_call"}, {"requested_model": None}]
)
def test_what_cannot_be_made_again_is_none(fields: dict[str, Any]) -> None:
    assert reproduction(record(**fields), "curl") is None


def test_an_odd_host_reaches_no_shell() -> None:
    text = reproduction(record(provider='x"; rm -rf ~; "'), "curl")
    assert text is not None
    assert "rm -rf" not in text
