"""Big logs are parsed once: `llmlog cache`, and --no-cache of the commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands.conftest import Run

from llmlog_tui.log import parse_cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache, for every log whatever its size."""
    monkeypatch.setattr(parse_cache, "MIN_BYTES", 1)
    monkeypatch.setattr(parse_cache, "MIN_FILE_BYTES", 1)
    monkeypatch.delenv("LLMLOG_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "llmlog" / "parsed"


def test_answers_from_the_cache_are_those_of_the_log(llmlog: Run, sample: Path) -> None:
    for command in ("stats", "traces", "alerts", "slow", "health"):
        parsed = llmlog(command, sample, "--json", "--no-cache")
        assert parsed.out
        first, again = (llmlog(command, sample, "--json") for _ in range(2))
        assert first == again == parsed, command


def test_the_cache_is_shown_and_deleted(llmlog: Run, sample: Path, folder: Path) -> None:
    assert llmlog("cache").out == f"{folder}: 0 blocks, 0.0 MB\n"
    llmlog("stats", sample)
    assert llmlog("cache").out.startswith(f"{folder}: 1 block, 0.")
    assert llmlog("cache", "--clear").out.endswith(" MB deleted\n")
    assert not list(folder.iterdir())


def test_without_the_cache_nothing_is_written(llmlog: Run, sample: Path, folder: Path) -> None:
    llmlog("stats", sample, "--no-cache")
    assert not folder.exists()


def test_stats_a_second_time_imports_neither_genai_prices_nor_pydantic(sample: Path) -> None:
    program = (
        "import sys; from llmlog_tui.cli import headless; code = headless();"
        "names = ('genai_prices', 'pydantic');"
        "print(code, *(name for name in names if name in sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "stats", str(sample), "--json"]
    looked_up, known, uncached = (
        subprocess.run([*command, *options], check=True, capture_output=True, text=True)
        for options in ([], [], ["--no-cache"])
    )
    assert looked_up.stderr == uncached.stderr == "0 genai_prices pydantic\n"
    assert known.stderr == "0\n"
    assert looked_up.stdout == known.stdout == uncached.stdout
    assert '"cost_usd":0.' in known.stdout
