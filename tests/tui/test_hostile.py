"""Values that mean harm are shown inert and bounded in every view, and none of them takes long."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

import pytest
from tests.tui.conftest import WIDE, Shown, Until, record
from tests.tui.terminal import Terminal

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.record import RecordDialog

_BOMB: Final = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m[bold red]x[/] \u202eabc\u2066\u200b\r\n\t\x00e" + "\u0301" * 500
)
"""Escape sequences of 7 and 8 bits, markup, what turns text round, controls, a tower of accents."""

_NAMES: Final = (
    *("model", "requested_model", "provider", "id", "request_id", "finish_reason"),
    *("system_fingerprint", "error_type", "error_code", "tool_name", "session_id", "trace_id"),
)


def _hostile(step: int, value: str = _BOMB, **fields: object) -> bytes:
    texts = {name: f"{name} {value}" for name in _NAMES if name != "tool_name"}
    content = {"input": {"messages": [{"role": value, "content": value}]}, "output": value}
    return record(**{**texts, **content, "step": step, value[:2_000]: value, **fields})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two runs whose every text is hostile, one of them long, with a change of fingerprint."""
    log = tmp_path / "[red]evil\u202e.jsonl"
    lines = [_hostile(n, latency_ms=900, reasoning_tokens=9) for n in range(60)]
    other = {"system_fingerprint": f"other {_BOMB}", "trace_id": f"b {_BOMB}"}
    lines += [_hostile(n, status="error", **other) for n in range(60)]
    log.write_bytes(b"".join(lines))
    return log


_PASTE: Final = "\x1b[200~a\u202e\x9b31m\x07b\u200b\x1b[201~"
_TOUR: Final = (
    *("\r", "v", "v", "v", "l", " ", " ", "\x1b"),  # replay
    *("d", "k", "d", "j", "\x1b"),  # diff
    *("\t", "k", "\t", "k", "\r", "\x1b", "y", "\x1b", "llll=", "f", "\x1b", "\x1b"),
    *("/err\r", "n", "w", "e", "z", "z", "?", "?"),
    *(
        "2",
        "\r",
        "v",
        "v",
        "k",
        "\x1b",
        "3",
        "M",
        "4",
        "\r",
        "4",
        "5",
        _PASTE,
        "\x12",
        "1",
        "/",
        _PASTE,
        "\x1b",
    ),
)
"""Through all views, with all that is opened on top of them."""

_ALLOWED: Final = re.compile(
    rb"\x1b\[[0-9;?<>=$]*[A-Za-z]"  # what moves the pen, gives it a colour, and switches modes
    rb"|\x1b\[\?2048\$p|\x1b\[\?2026\$p"
    rb"|\x1b\]22;[a-z-]+\x1b\\|\x1b\]22;[a-z-]+\x07"  # the pointer's shape
    rb"|\x1bP\+q[0-9a-f;]*\x1b\\|\x1b_G[^\x1b]*\x1b\\|\r\n|\n|\r|\x07"
)


def test_no_control_of_a_value_reaches_the_terminal_in_any_view(log: Path, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, str(log))
    try:
        terminal.until_sent("newest last")
        for keys in _TOUR:
            terminal.press(keys)
            terminal.until_quiet()
        assert terminal.process.poll() is None, "it is still there"
        terminal.press("\x11")
        assert terminal.ended() == 0
    finally:
        terminal.close()
    left = _ALLOWED.sub(b"", terminal.sent).decode()
    assert sorted({c for c in left if not c.isprintable()}) == []
    assert b"owned" not in b"".join(re.findall(rb"\x1b\][^\x07\x1b]*", terminal.sent))
    assert "[bold red]x[/]" in left, "the value was on the screen"


_HUGE: Final = "\u202e[red]\x1b]52;c;QQ" * 450_000
"""More than 10 MB on the line it is written in."""

_FREEZE_SECONDS: Final = 1.0


@pytest.mark.alone
@pytest.mark.usefixtures("freed_at_once")
@pytest.mark.parametrize("name", ["model", "finish_reason", "output"])
async def test_a_value_of_ten_megabytes_holds_up_no_key(
    tmp_path: Path, shown: Shown, until: Until, name: str
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record() + record(step=1, latency_ms=9_000, **{name: _HUGE}))
    assert log.stat().st_size > 10_000_000
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        for key in ("tab", "end", "tab", "end", "2", "enter", "v", "v", "3", "4", "1"):
            began = time.thread_time()
            await pilot.press(key)
            assert time.thread_time() - began < _FREEZE_SECONDS, key
            await shown(pilot, 2)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record, cut to size")
