"""What is copied of a record runs nothing in the shell it is pasted into."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from llmlog_tui.analysis.live.overview import IncrementalAnalyzer
from llmlog_tui.analysis.reports.clipboard import copy_text
from llmlog_tui.log.load import load

HOSTILE = [
    "x; touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "x > pwned",
    "x && touch pwned",
    "x | tee pwned",
    "'; touch pwned; '",
    '"; touch pwned; "',
    '\\"; touch pwned; \\"',
    "\\$(touch pwned)",
    "\\\\`touch pwned`",
    "${x:=$(touch pwned)}",
    "a\ntouch pwned\n",
    "a\r\ntouch pwned",
    "!touch",
    "~",
    "<(touch pwned)",
    "é漢 $HOME",
]
SHELLS = [shell for shell in ("sh", "bash", "zsh", "dash") if shutil.which(shell)]


def copied(folder: Path, value: str, key: str, name: str = "calls.jsonl") -> tuple[str, bytes]:
    texts, line = all_copied(folder, value, key, name)
    return texts[key], line


def all_copied(
    folder: Path, value: str, keys: str, name: str = "calls.jsonl"
) -> tuple[dict[str, str], bytes]:
    """What each key copies of a record whose texts are all this value, and its line."""
    log = folder / name
    ids = dict.fromkeys(("id", "request_id", "trace_id", "session_id", "tool_name"), value)
    line = json.dumps({"event": "chat_completion", "model": value, **ids}).encode()
    log.write_bytes(line + b"\n")
    overview = IncrementalAnalyzer(500).overview(load([log]))
    texts = {}
    for key in keys:
        text = copy_text(overview, 0, key, line, name)
        assert text is not None, key
        texts[key] = text
    return texts, line


@pytest.mark.parametrize("value", HOSTILE)
def test_pasted_into_a_shell_it_runs_nothing(tmp_path: Path, value: str) -> None:
    texts, _ = all_copied(tmp_path, value, "irltg")
    for (key, text), shell in itertools.product(texts.items(), SHELLS):
        for pasted in (text, f"echo {text}"):
            subprocess.run([shell], input=pasted.encode(), cwd=tmp_path, capture_output=True)  # noqa: PLW1510 - it fails, most likely
        left = sorted(path.name for path in tmp_path.iterdir())
        assert left == ["calls.jsonl"], (key, shell)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_copied_line_is_the_same_object(tmp_path: Path, value: str) -> None:
    text, line = copied(tmp_path, value, "l")
    assert json.loads(text) == json.loads(line)


def test_a_usual_id_is_copied_as_it_is(tmp_path: Path) -> None:
    assert copied(tmp_path, "chatcmpl-7c1d4e8a", "i")[0] == "chatcmpl-7c1d4e8a"


def test_a_file_whose_name_begins_with_a_dash_is_no_option(tmp_path: Path) -> None:
    text, line = copied(tmp_path, "7c1d", "g", "-rf.jsonl")
    done = subprocess.run(["sh", "-c", text], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == line + b"\n"
