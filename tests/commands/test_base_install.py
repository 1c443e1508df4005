"""What the commands say where an extra is not installed, and what they do without it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands.conftest import Done, is_refused

NO_EXTRA = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {blocked!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in {blocked!r} else real(name)
from llmlog_tui.cli import {entry}
sys.exit({entry}())
"""


def base_install(entry: str, blocked: set[str], *arguments: str) -> Done:
    """Run an entry point where these modules are not installed."""
    program = NO_EXTRA.format(blocked=blocked, entry=entry)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("entry", "name"), [("headless", "llmlog"), ("dashboard", "llmlog-tui")])
def test_a_base_install_names_the_extra(entry: str, name: str) -> None:
    missing = {"textual", "polars", "orjson", "click", "zstandard"}
    done = base_install(entry, {*missing, "rich", "openai"}, "calls.jsonl")
    assert is_refused(done, f"{name} needs", "pip install 'llmlog[tui]'", *missing)


@pytest.mark.parametrize("entry", ["headless", "dashboard"])
def test_only_what_is_missing_is_named(entry: str) -> None:
    done = base_install(entry, {"polars"})
    assert is_refused(done, "needs polars: pip install 'llmlog[tui]'")


def test_the_demo_without_openai_names_its_extra(tmp_path: Path) -> None:
    done = base_install("headless", {"openai"}, "demo", "--out", str(tmp_path / "x"))
    assert is_refused(done, "pip install 'llmlog[openai]'")
    assert not (tmp_path / "x").exists()


def test_stats_need_no_openai(sample: Path) -> None:
    done = base_install("headless", {"openai"}, "stats", str(sample), "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["records"] > 0
