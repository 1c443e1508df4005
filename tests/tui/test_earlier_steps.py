"""The look-up of a trace's steps before the window: of that trace alone, until it succeeded."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl
import pytest
from tests.tui.conftest import WIDE, Shown, Until, record, toasts
from textual.pilot import Pilot

from llmlog_tui.log import archive_part
from llmlog_tui.log.archive_part import ArchivePart
from llmlog_tui.log.archive_writer import ArchiveWriter
from llmlog_tui.log.record_block import RecordBlock
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.log_view import LogView
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.workers import log_reader

_READ = "4 earlier steps read from outside the window"


class Parts:
    """The parts that were looked up: each fails, or waits until it may be read."""

    def __init__(self) -> None:
        self.read: list[Path] = []
        self.are_away = False
        self.may_be_read = Event()
        self.may_be_read.set()
        self._fetch = ArchivePart.fetch

    def fetch(
        self, part: ArchivePart, wanted: Sequence[str], kept: Callable[[], pl.Series]
    ) -> list[RecordBlock]:
        self.read.append(part.path)
        if self.are_away:
            raise OSError(errno.EIO, "server is away")
        self.may_be_read.wait()
        return self._fetch(part, wanted, kept)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    found = Parts()
    monkeypatch.setattr(archive_part, "BIG", 20)
    monkeypatch.setattr(log_reader, "BIG_WINDOW", Retention(records=10))

    def fetch(
        part: ArchivePart, wanted: Sequence[str], kept: Callable[[], pl.Series]
    ) -> list[RecordBlock]:
        return found.fetch(part, wanted, kept)

    monkeypatch.setattr(ArchivePart, "fetch", fetch)
    yield found
    found.may_be_read.set()


@pytest.fixture
def app(tmp_path: Path) -> LogApp:
    """Thirty days; run-1 has a step on each fifth, among run-10 to run-128."""
    log, folder = tmp_path / "calls.jsonl", tmp_path / "archive"
    log.write_bytes(
        b"".join(
            record(
                ts=f"2026-11-{n + 1:02}T09:00:00Z",
                trace_id="run-1" if n % 5 == 4 else f"run-1{n}",
                step=n // 5 if n % 5 == 4 else 0,
            )
            for n in range(30)
        )
    )
    with ArchiveWriter(folder, raw=False) as writer:
        writer.add(log)
        writer.commit()
    return LogApp(Sources([str(folder)], must_exist=True))


async def open_replay(pilot: Pilot[Any], app: LogApp, until: Until) -> ReplayScreen:
    app.screen.post_message(LogView.ReplayRequested("run-1", None))
    await until(pilot, lambda: isinstance(app.view, ReplayScreen), "the replay")
    assert isinstance(app.view, ReplayScreen)
    return app.view


async def test_it_is_tried_again_after_a_problem_or_a_replay_that_was_closed(
    parts: Parts, app: LogApp, shown: Shown, until: Until
) -> None:
    async def close_replay() -> None:
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.view, OverviewScreen), "the Overview")

    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 10)
        parts.are_away = True
        await open_replay(pilot, app, until)
        await until(pilot, lambda: "Earlier steps were not read" in toasts(app), "the problem")
        await close_replay()

        parts.are_away = False
        parts.may_be_read.clear()
        parts.read.clear()
        await open_replay(pilot, app, until)
        await until(pilot, lambda: bool(parts.read), "the first part")
        await close_replay()
        parts.may_be_read.set()
        await shown(pilot, 10)
        assert len(parts.read) == 1, "what a closed replay wants is not read on"
        assert _READ not in toasts(app)

        replay = await open_replay(pilot, app, until)
        await until(pilot, lambda: _READ in toasts(app), "the number of steps")
        await until(pilot, lambda: "6 steps" in str(replay.steps.border_title), "all of the run")
        assert "2026-11-05" in parts.read[-1].name, "the look-up ends with the first step"
        number = len(parts.read)
        await close_replay()
        await open_replay(pilot, app, until)
        assert len(parts.read) == number
