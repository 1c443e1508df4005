"""The Server view as a picture: ten minutes of a server that fills up, and of the calls to it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, record
from textual.pilot import Pilot

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.server import ServerScreen

SnapCompare = Callable[..., bool]

BEGIN = datetime(2026, 11, 23, 9, tzinfo=UTC)
SAMPLES = 300
"""One every two seconds."""


def waiting_at(seconds: int) -> int:
    """The queue: none for four minutes, then up to fourteen requests, and none from eight on."""
    return max(0, min(14, (seconds - 240) // 15)) if seconds < 480 else 0


def sample_at(seconds: int) -> bytes:
    waiting = waiting_at(seconds)
    values = {
        "ts": (BEGIN + timedelta(seconds=seconds)).isoformat(),
        "url": "http://10.0.0.7:8000/metrics",
        "kind": "vLLM",
        "running": min(8, 2 + seconds // 60 % 3 + waiting),
        "waiting": waiting,
        "kv_cache": min(0.97, 0.3 + 0.06 * waiting + seconds % 40 / 400),
        "preemptions": int(waiting > 10),
        "tokens_per_sec": 400 + 220 * min(8, waiting) + seconds % 60,
        "prompt_tokens_per_sec": 900 + seconds % 120 * 3,
        "ttft_p95_ms": 180 + 330 * waiting,
        "queue_p95_ms": 10 + 300 * waiting,
    }
    return json.dumps(values).encode() + b"\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = (
        record(
            ts=(BEGIN + timedelta(seconds=2 * n)).isoformat(),
            provider="10.0.0.7",
            stream=True,
            ttft_ms=120 + 310 * waiting_at(2 * n),
            latency_ms=300 + n % 7 * 20 + 320 * waiting_at(2 * n),
            trace_id=f"trace-{n // 4:03}",
            step=n % 4,
            model="gpt-oss-120b",
        )
        for n in range(SAMPLES)
    )
    Path("calls.jsonl").write_bytes(b"".join(lines))
    Path("calls.jsonl.metrics").write_bytes(b"".join(sample_at(2 * n) for n in range(SAMPLES)))
    return Path("calls.jsonl")


@pytest.fixture
def look(log: Path, shown: Shown, until: Until) -> Callable[[Pilot[str]], Awaitable[None]]:
    """The view, with the cursor at its middle."""
    del log  # is written

    async def open_view(pilot: Pilot[str]) -> None:
        app = await shown(pilot, SAMPLES)
        await until(pilot, lambda: bool(app.server.samples), "the samples")
        await pilot.press("6")
        screen = app.screen
        assert isinstance(screen, ServerScreen)
        await until(pilot, lambda: "recorded" in str(screen.status.render()), "the server")
        await until(pilot, lambda: screen.charts[0].size.height > 0, "the layout of its charts")
        await pilot.press("l")
        screen.action_cursor(app.size.width // 2)  # as that many keys would
        await until(pilot, lambda: not app.busy, "all questions answered")

    return open_view


def test_a_server_that_fills_up(
    snap_compare: SnapCompare, look: Callable[[Pilot[str]], Awaitable[None]]
) -> None:
    app = LogApp([Path("calls.jsonl")])
    assert snap_compare(app, terminal_size=WIDE, run_before=look)


def test_a_server_that_fills_up_on_a_small_screen(
    snap_compare: SnapCompare, look: Callable[[Pilot[str]], Awaitable[None]]
) -> None:
    app = LogApp([Path("calls.jsonl")])
    assert snap_compare(app, terminal_size=SMALL, run_before=look)
