"""A stream that is left early prints nothing more than with a plain client, and is recorded once.

The server is real, as is the process that leaves the stream: only at the end of its event loop are
abandoned generators closed, and only there is it told of errors that nobody awaits.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import forked
from tests.capture.conftest import chunk, events
from tests.capture.messages_api import blocks_of, start, text

if TYPE_CHECKING:
    from collections.abc import Iterator

RESPONSE = {"id": "resp_1", "object": "response", "model": "m", "status": "in_progress"}
CREATED = {"type": "response.created", "sequence_number": 0, "response": RESPONSE}
DELTA = {"type": "response.output_text.delta", "sequence_number": 1, "delta": "a", "item_id": "i"}
BODIES = {
    "/chat/completions": b"".join(events(chunk("a"), chunk("b"))[:2]),
    "/responses": b"".join(events(CREATED, DELTA)[:2]),
    "/v1/messages": b"".join(blocks_of(start(), *text(0, "a"))),
}


class Server(BaseHTTPRequestHandler):
    """Answers with the beginning of a stream, whose end never comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        body = BODIES[self.path]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        self.wfile.flush()
        self.rfile.read(1)  # until the client has gone
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Write nothing to the tests' output."""


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


PROGRAM = """
import asyncio, gc, sys
import anthropic, httpx2, openai, llmlog

QUESTION = [{{"role": "user", "content": "Say hi."}}]
session = llmlog.session({path!r})
options = {{"base_url": {base_url!r}, "api_key": "k", "max_retries": 0}}

def client(name):
    http = httpx2.AsyncClient if name.startswith("Async") else httpx2.Client
    module = anthropic if name.endswith("Anthropic") else openai
    # Without certificates, whose reading takes longer than all else.
    plain = getattr(module, name)(http_client=http(verify=False), **options)
    return session.wrap(plain) if {is_recorded} else plain

def chat(prefix):
    completions = client(prefix + "OpenAI").chat.completions
    return completions.create(model="m", messages=QUESTION, stream=True)

def raw(prefix):
    completions = client(prefix + "OpenAI").chat.completions.with_raw_response
    return completions.create(model="m", messages=QUESTION, stream=True)

def responses(prefix):
    return client(prefix + "OpenAI").responses.create(model="m", input="Hi.", stream=True)

def messages(prefix):
    create = client(prefix + "Anthropic").messages.create
    return create(model="m", messages=QUESTION, max_tokens=9, stream=True)

async def leave(way):
    stream = await way("Async")
    async for _ in stream.parse() if way is raw else stream:
        break

async def leave_and_collect(way):
    await leave(way)
    gc.collect()
    await asyncio.sleep(0)

async def leave_bytes():
    streaming = client("AsyncOpenAI").chat.completions.with_streaming_response
    async with streaming.create(model="m", messages=QUESTION, stream=True) as response:
        async for _ in response.iter_bytes():
            break

def leave_sync(way):
    stream = way("")
    for _ in stream.parse() if way is raw else stream:
        break

class Generators(list):
    # A loop closes its generators in the order of their addresses, and whether the SDK's own meet
    # each other depends on that. Here it is from the outermost to the innermost, or the reverse.
    add = list.append

    def discard(self, generator):
        if generator in self:
            self.remove(generator)

    def __iter__(self):
        return reversed(self) if is_reversed else super().__iter__()

def run(coroutine):
    with asyncio.Runner() as runner:
        runner.get_loop()._asyncgens = Generators()
        runner.run(coroutine)

for is_reversed in (False, True):
    for way in (chat, raw, responses, messages):
        run(leave(way))
        run(leave_and_collect(way))
        leave_sync(way)
    run(leave_bytes())
    print("---", file=sys.stderr)
"""


def run(base_url: str, path: Path, *, is_recorded: bool) -> str:
    """Return what a program that leaves streams of all kinds writes to its stderr."""
    code = PROGRAM.format(base_url=base_url, path=str(path), is_recorded=is_recorded)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = forked.run_program(code, imported=("openai", "anthropic"), env=env)
    assert done.returncode == 0, done.stderr
    return re.sub("0x[0-9a-f]+", "0x", done.stderr)


def test_a_stream_left_early_prints_what_the_plain_client_prints_and_is_recorded_once(
    base_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl"
    plain = run(base_url, path, is_recorded=False)
    # In the reverse order, the SDK's own generators meet each other.
    outer_first, inner_first, _ = plain.split("---\n")
    assert (outer_first, "already running" in inner_first) == ("", True)
    assert run(base_url, path, is_recorded=True) == plain
    records: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    assert Counter((record["model"], record["stream_end"]) for record in records) == {
        ("m-2026", "abandoned"): 12,
        ("m", "abandoned"): 6,
        ("claude-2026", "abandoned"): 6,
        ("m-2026", "closed"): 2,
    }
