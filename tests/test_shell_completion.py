"""Completion in the shell and manual pages: both commands' options, as --help has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands.conftest import Done, command, is_refused

from llmlog_tui.cli_args import actions, parser
from llmlog_tui.commands import _COMMANDS as COMMANDS
from llmlog_tui.man_pages import pages

VARIABLES = {"llmlog": "_LLMLOG_COMPLETE", "llmlog-tui": "_LLMLOG_TUI_COMPLETE"}
ENTRIES = {"llmlog": "headless", "llmlog-tui": "dashboard"}


def completed(name: str, *words: str) -> list[str]:
    """What a shell is told for the last of these words, as kind and text."""
    asked = {
        VARIABLES[name]: "bash_complete",
        "COMP_WORDS": " ".join([name, *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        command(ENTRIES[name]),
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_every_option_of_the_dashboard_is_completed() -> None:
    options = {name for action in actions(parser()) for name in action.option_strings}
    offered = {line.partition(",")[2] for line in completed("llmlog-tui", "--")}
    assert offered == {name for name in options if name.startswith("--")}


def test_a_log_and_a_file_are_completed_by_the_shell() -> None:
    assert completed("llmlog-tui", "ca") == ["file,ca"]
    assert completed("llmlog-tui", "--utc", "--rules", "ru") == ["file,ru"]
    assert completed("llmlog", "stats", "ca") == ["file,ca"]


def test_commands_and_choices_are_completed() -> None:
    assert completed("llmlog", "tr") == ["plain,trace", "plain,traces"]
    assert "plain,model" in completed("llmlog", "stats", "--by", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("name", VARIABLES)
def test_each_shell_accepts_its_script(name: str, shell: str) -> None:
    asked = {**os.environ, VARIABLES[name]: f"{shell}_source"}
    done = subprocess.run(
        command(ENTRIES[name]), env=asked, capture_output=True, text=True, check=True
    )
    assert name in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


def test_any_other_question_is_no_traceback() -> None:
    asked = {**os.environ, "_LLMLOG_TUI_COMPLETE": "1"}
    done = subprocess.run(
        command("dashboard"), env=asked, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_the_manual_pages_are_those_of_the_options(root: Path) -> None:
    # python -m llmlog_tui.man_pages app/man
    for name, page in pages().items():
        assert (root / "app" / "man" / name).read_text(encoding="utf-8") == page, name


def test_the_manual_pages_name_every_command_and_option() -> None:
    headless, dashboard = pages()["llmlog.1"], pages()["llmlog-tui.1"]
    assert all(f'.SS "{name}' in headless for name in COMMANDS)
    for action in actions(parser()):
        for option in action.option_strings:
            assert option.replace("-", "\\-") in dashboard


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
@pytest.mark.parametrize("name", ["llmlog.1", "llmlog-tui.1"])
def test_groff_formats_a_manual_page_without_a_warning(root: Path, name: str) -> None:
    formatter = ["groff", "-man", "-Tutf8", "-ww", str(root / "app" / "man" / name)]
    done = subprocess.run(formatter, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "User Commands" in done.stdout


ON_WINDOWS = """
import sys
sys.platform = 'win32'
sys.modules['resource'] = sys.modules['fcntl'] = sys.modules['termios'] = None
from llmlog_tui.cli import {entry}
sys.exit({entry}())
"""


@pytest.mark.parametrize("entry", ["headless", "dashboard"])
def test_on_windows_one_line_names_what_works(entry: str) -> None:
    program = [sys.executable, "-c", ON_WINDOWS.format(entry=entry)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert is_refused(Done(done.returncode, done.stdout, done.stderr), "WSL")
