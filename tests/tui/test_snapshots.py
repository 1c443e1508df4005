"""The Overview as a picture; the README shows the wide one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp

Shown = Callable[[Pilot[None], int], Awaitable[LogApp]]
SnapCompare = Callable[..., bool]

LOG = Path("sample_logs/calls.jsonl")


@pytest.fixture
def in_samples(monkeypatch: pytest.MonkeyPatch, sample: Path) -> None:
    """Names on the screen are as the README's command has them."""
    monkeypatch.chdir(sample.parent.parent)


@pytest.mark.usefixtures("in_samples")
def test_the_overview_on_a_wide_screen(
    snap_compare: SnapCompare, shown: Shown, records: int
) -> None:
    async def look(pilot: Pilot[None]) -> None:
        await shown(pilot, records)

    app = LogApp([LOG])
    assert snap_compare(app, terminal_size=(160, 50), run_before=look)


@pytest.mark.usefixtures("in_samples")
def test_the_overview_stacked_on_a_small_screen(
    snap_compare: SnapCompare, shown: Shown, records: int
) -> None:
    async def look(pilot: Pilot[None]) -> None:
        await shown(pilot, records)
        await pilot.press("tab", "up")

    app = LogApp([LOG])
    assert snap_compare(app, terminal_size=(80, 24), run_before=look)


@pytest.mark.usefixtures("in_samples")
def test_the_overview_on_a_terminal_that_has_ascii_only(
    snap_compare: SnapCompare, shown: Shown, records: int
) -> None:
    async def look(pilot: Pilot[None]) -> None:
        await shown(pilot, records)

    app = LogApp([LOG], settings=Settings(ascii=True))
    assert snap_compare(app, terminal_size=(160, 50), run_before=look)
