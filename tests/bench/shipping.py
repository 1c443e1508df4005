"""`llmlog export` to a ClickHouse table: `python -m tests.bench.shipping [RECORDS]`.

Needs the extra scale-test. Prints the processor time and memory of both sides, and of the same log
sent again, of which the server takes nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bench import make_log
from tests.clickhouse.running import ClickHouse

from llmlog_tui.shipping.schema import statements

_COMMAND: Final = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"


def run(*words: str) -> str:
    """Run a command; return its CPU time, wall time and memory."""
    began = time.perf_counter()
    command = [sys.executable, "-c", _COMMAND, *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode in {0, 1}, words
    wall, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
    return f"CPU {cpu:.1f} s, wall {wall:.1f} s, memory {used.ru_maxrss / 1024:.0f} MB"


def main(records: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "calls.jsonl"
        make_log.write(file, records)
        say(f"{records:,} records, {file.stat().st_size / 1e6:.0f} MB")
        with ClickHouse(Path(folder) / "server") as server:
            for statement in statements():
                server.query(statement)
            for title in ("sent", "sent again"):
                before = server.cpu_seconds()
                taken = run("export", str(file), "--to", str(server.url("llm.lines")))
                say(f"{title}: {taken}; server: CPU {server.cpu_seconds() - before:.1f} s")
            assert server.query("SELECT count() FROM llm.calls") == str(records)
            size = server.query(
                "SELECT sum(data_compressed_bytes) FROM system.columns WHERE table = 'calls'"
            )
            say(f"table: {int(size) / 1e6:.0f} MB")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
