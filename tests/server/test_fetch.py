"""GET of an endpoint: whatever the server does, a body or one line, in bounded time and memory."""

from __future__ import annotations

import pytest
from tests.server.conftest import Exporter, Serve, ok

from llmlog_tui.server.endpoint import Endpoint, EndpointError
from llmlog_tui.server.fetch import MAX_BYTES, FetchError, fetch

SECONDS = 20.0
SHORT = 0.2
"""Timeout of servers that never give a complete answer."""


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://10.0.0.7:8000/metrics", "http://10.0.0.7:8000/metrics"),
        ("10.0.0.7:8000", "http://10.0.0.7:8000/metrics"),
        ("localhost:4000/metrics/", "http://localhost:4000/metrics/"),
        ("https://gpu.local/m?name[]=x", "https://gpu.local/m?name[]=x"),
        ("http://[::1]:8000", "http://[::1]:8000/metrics"),
        ("http://me:se%20cret@gpu:8000", "http://gpu:8000/metrics"),
    ],
)
def test_an_address_is_completed_and_shown_without_credentials(text: str, url: str) -> None:
    assert Endpoint.of(text).url == url


def test_credentials_are_sent_in_a_header() -> None:
    assert Endpoint.of("http://me:se%20cret@gpu").authorization == "Basic bWU6c2UgY3JldA=="


@pytest.mark.parametrize(
    "text",
    ["", "http://", "ftp://x/metrics", "file:///etc/passwd", "http://h:x", "http://h h", "é"],
)
def test_no_address_is_one_line(text: str) -> None:
    with pytest.raises(EndpointError):
        Endpoint.of(text)


def test_an_exporter_answers(exporter: Exporter) -> None:
    exporter(waiting=11)
    assert b"vllm:num_requests_waiting" in fetch(Endpoint.of(exporter.url), SECONDS)


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], "HTTP status 404"),
        ([b"HTTP/1.1 307 x\r\nLocation: /metrics/\r\n\r\n"], "HTTP status 307, see /metrics/"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"], "broke off"),
        ([b"\x00\x01\x02\r\n\r\n"], "."),
        ([b""], "."),
        ([b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"], "headers"),
        ([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 2**20] * (MAX_BYTES // 2**20 + 1)], "over 4 MB"),
    ],
    ids=["status", "redirect", "cut", "no http", "closed", "headers", "endless"],
)
def test_a_useless_answer_is_one_line(serve: Serve, pieces: list[bytes], why: str) -> None:
    with pytest.raises(FetchError, match=why) as caught:
        fetch(Endpoint.of(serve(*pieces)), SECONDS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200 OK\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\nvllm:num_requests_running 1\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nvllm"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nvllm:\r\n"],
    ],
    ids=["silent", "in headers", "unbounded", "in body", "in chunks"],
)
def test_a_server_that_stalls_is_given_up(serve: Serve, pieces: list[bytes]) -> None:
    with pytest.raises(FetchError, match=r"no answer within 0\.2 s"):
        fetch(Endpoint.of(serve(*pieces, hold=True)), SHORT)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["without a length", "of HTTP 1.0", "with a length", "in headers"],
)
def test_a_server_that_drips_bytes_for_ever_is_given_up(serve: Serve, head: bytes) -> None:
    with pytest.raises(FetchError, match=r"no answer within 0\.2 s"):
        fetch(Endpoint.of(serve(head, drip=b"a")), SHORT)


def test_nobody_there_is_one_line() -> None:
    with pytest.raises(FetchError, match="connection refused"):
        fetch(Endpoint.of("http://127.0.0.1:1"), SECONDS)


def test_a_complete_answer_is_its_body(serve: Serve) -> None:
    assert fetch(Endpoint.of(serve(ok(b"a 1\n"))), SECONDS) == b"a 1\n"
