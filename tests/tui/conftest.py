"""Helpers for tests that look at the dashboard."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from llmlog_tui.tui.app import LogApp

Until = Callable[[Pilot[Any], Callable[[], bool], str], Awaitable[None]]
Shown = Callable[[Pilot[Any], int], Awaitable[LogApp]]

_PATIENCE_SECONDS = 30.0


@pytest.fixture
def until() -> Until:
    """`await until(pilot, condition, name)`: wait for a condition, or fail with its name."""

    async def wait(pilot: Pilot[Any], condition: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"never came true: {name}"
            await pilot.pause()

    return wait


@pytest.fixture
def shown(until: Until) -> Shown:
    """`app = await shown(pilot, n)`: wait until n records are on screen and all is answered."""

    async def wait(pilot: Pilot[Any], records: int) -> LogApp:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: app.records_shown == records, f"{records} records on screen")
        await until(pilot, lambda: not app.busy, "all questions answered")
        await pilot.pause()
        return app

    return wait


@pytest.fixture
def records(sample: Path) -> int:
    """How many records the sample log has."""
    return len(sample.read_bytes().splitlines())
