"""Nothing is sent: commands, demo and dashboard work in a namespace without a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_NETWORK = ["unshare", "--map-root-user", "--net"]
GUARD = """
import socket, sys

def check(event, arguments):
    if event == "socket.connect" and arguments[0].family != socket.AF_UNIX:
        raise AssertionError(f"a connection to {arguments[1]}")
    if event == "socket.getaddrinfo":
        raise AssertionError(f"a look-up of {arguments[0]}")

sys.addaudithook(check)
"""
"""Fails where the program itself would pass over a network that is not there."""

COMMANDS = """
from llmlog_tui import commands
sample, folder = sys.argv[1:]
for line in (
    ["stats"], ["alerts"], ["traces"], ["trace", "latest"], ["slow"], ["health"], ["status"],
    ["sql", "select count(*) from calls"],
    ["report", "--to", folder + "/report.html"], ["export", "--to", folder + "/calls.parquet"],
    ["bundle", "latest", "--to", folder + "/run.html"],
):
    sys.argv = ["llmlog", *line, sample]
    assert commands.main() == 0, line
sys.argv = ["llmlog", "demo", "--out", folder + "/demo.jsonl", "--runs", "2"]
assert commands.main() == 0
"""

DASHBOARD = """
from pathlib import Path
from llmlog_tui.tui.app import LogApp

async def look(pilot):
    while not app.snapshot or app.snapshot.is_loading:
        await pilot.pause(0.05)
    await pilot.press("2", "3", "4", "6", "1", "enter", "escape", "q")

app = LogApp([Path(sys.argv[1])])
app.run(headless=True, size=(160, 50), auto_pilot=look)
assert app.return_code == 0
"""

pytestmark = pytest.mark.skipif(
    not shutil.which("unshare")
    or subprocess.run([*WITHOUT_NETWORK, "true"], capture_output=True, check=False).returncode != 0,
    reason="no network namespace may be made here",
)


@pytest.mark.parametrize("program", [COMMANDS, DASHBOARD], ids=["commands", "dashboard"])
def test_it_works_without_a_network_and_asks_for_none(
    program: str, sample: Path, tmp_path: Path
) -> None:
    command = [*WITHOUT_NETWORK, sys.executable, "-c", GUARD + program, str(sample), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
