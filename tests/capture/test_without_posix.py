"""Capture where calls of POSIX are missing: what Windows lacks is taken away from this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
import asyncio, contextvars, datetime, hashlib, json, pathlib, subprocess, tempfile, threading
import uuid, warnings
sys.platform = "win32"
for missing in ("fcntl", "resource", "termios", "pwd"):
    sys.modules[missing] = None
for missing in ("pread", "pwrite", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "fork", "fchmod",
                "register_at_fork", "getuid", "geteuid"):
    if hasattr(os, missing):
        delattr(os, missing)
os.O_BINARY = 0
warnings.simplefilter("error")
import llmlog
session = llmlog.session(sys.argv[1], content=sys.argv[2])
with session.trace(name="refund") as trace:
    trace.record(event="chat_completion", model="m", latency_ms=12)
    with trace.tool("search", {"q": 1}) as run:
        run.result = "found"
assert session.faults == 0, session.faults
try:
    llmlog.prune(sys.argv[1], datetime.timedelta(days=1))
except OSError as error:
    assert "flock" in str(error)
else:
    raise SystemExit("pruned without a lock")
"""


def test_records_are_written_where_there_is_no_posix(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b'{"torn":')
    for content in ("none", "hash", "full"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(log), content],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    torn, *lines = log.read_bytes().splitlines()
    assert torn == b'{"torn":'
    assert [json.loads(line)["event"] for line in lines] == ["chat_completion", "tool_call"] * 3
