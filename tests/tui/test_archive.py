"""An archive on screen: alone, while it is written to, and with the log it was made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from tests import forked
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, toasts, top_row
from tests.tui.outside import finds_outside_the_window
from textual import events

from llmlog_tui.log import archive_part, new_files
from llmlog_tui.log.archive_writer import ArchiveWriter
from llmlog_tui.log.record_block import RecordBlock
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.dialogs.record import RecordDialog
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.workers import log_reader


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
@pytest.mark.parametrize("raw", [True, False], ids=["raw", "fields"])
async def test_a_call_of_an_archive_is_found_and_shown_with_what_was_kept(  # noqa: PLR0913 - fixtures
    sample: Path,
    tmp_path: Path,
    shown: Shown,
    until: Until,
    *,
    raw: bool,
    size: tuple[int, int],
) -> None:
    log = tmp_path / "calls.jsonl"
    lines = sample.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:900]))
    with ArchiveWriter(tmp_path / "archive", raw=raw) as writer:
        writer.add(log)
        writer.commit()
    log.write_text("".join(lines[600:950]))  # pruned, and written to
    names = Sources([str(tmp_path / "archive"), str(log)], must_exist=True)
    call = next(json.loads(line) for line in lines[200:] if "request_id" in line)
    async with LogApp(names).run_test(size=size) as pilot:
        app = await shown(pilot, 950)
        assert app.view.header.headline.file == "archive/ +1"
        app.screen.post_message(events.Paste(call["request_id"]))
        await until(pilot, lambda: not app.busy and app.view.cursor_key is not None, "the call")
        app.query_one(CallsPane).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record")
        text = str(app.screen.query_one("Static").render())
        assert call["request_id"] in text
        assert "llmlog find" in text
        await pilot.press("escape")
        with log.open("a") as file:
            file.writelines(lines[950:])
        await shown(pilot, len(lines))
        app.query_one(TracesPane).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.view, ReplayScreen), "its replay")


async def test_records_that_are_archived_beside_an_open_dashboard_come_on_screen(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_files, "SCAN_S", 0.01)
    log, folder = tmp_path / "calls.jsonl", tmp_path / "archive"

    def archive(*models: str) -> None:
        with log.open("ab") as file:
            file.writelines(record(model=model, id=f"id-of-{model}") for model in models)
        done = forked.run("headless", "archive", str(log), "--to", str(folder), "--raw")
        assert done.returncode == 0, done.stderr

    archive()
    names = Sources([str(folder)], must_exist=True)
    async with LogApp(names).run_test(size=WIDE) as pilot:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: "● live" in top_row(app), "it is followed")
        assert "archive/" in top_row(app)
        calls = app.query_one(CallsPane)

        def shows(model: str) -> bool:
            return model in "\n".join(lines_of(calls))

        for models in (("first", "second"), ("third",)):
            archive(*models)
            await until(pilot, partial(shows, models[-1]), models[-1])
        assert "archive/ " in top_row(app)
        await shown(pilot, 3)
        assert len(list(folder.glob("*.parquet"))) == 1, "the small part was replaced"
        app.screen.post_message(events.Paste("id-of-first"))
        await until(pilot, lambda: calls.cursor_key == 0, "the first record")
        calls.focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "its line")
        text = str(app.screen.query_one("Static").render())
        assert "id-of-first" in text
        assert "is gone" not in text
        assert f"llmlog find t {folder}" in text.splitlines()


Archived = Callable[[Sequence[bytes]], Sources]


@pytest.fixture
def archived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archived:
    """Archive records; with more than 20 of them, the newest 10 are in the window."""
    monkeypatch.setattr(archive_part, "BIG", 20)
    monkeypatch.setattr(log_reader, "BIG_WINDOW", Retention(records=10))

    def archive(lines: Sequence[bytes]) -> Sources:
        log, folder = tmp_path / "calls.jsonl", tmp_path / "archive"
        log.write_bytes(b"".join(lines))
        with ArchiveWriter(folder, raw=False) as writer:
            writer.add(log)
            writer.commit()
        return Sources([str(folder)], must_exist=True)

    return archive


async def test_an_id_outside_the_window_of_a_big_archive_is_found_and_its_run_is_shown(
    archived: Archived, shown: Shown, until: Until
) -> None:
    days = [
        record(ts=f"2026-11-{n + 1:02}T09:00:00Z", id=f"call-{n}", trace_id=f"trace-{n // 3}")
        for n in range(30)
    ]
    app = LogApp(archived(days))
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shown(pilot, 10)
        assert "archive/ newest 10 of 30" in top_row(app)
        await finds_outside_the_window(pilot, until, "trace-3", 3)
        await finds_outside_the_window(pilot, until, "call-4", 6)
        assert "archive/ newest 16 of 30" in top_row(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.view, ReplayScreen), "the replay")
        replay = app.view
        assert isinstance(replay, ReplayScreen)
        await until(pilot, lambda: "3 steps" in str(replay.steps.border_title), "all of the run")
        await pilot.press("escape", "slash", *"call-99", "enter")
        await until(pilot, lambda: "has call-99" in toasts(app), "that there is none")
        assert not app.searching.state.is_running


def is_at_step_of(app: LogApp, trace: str) -> bool:
    overview, row = app.overview, app.view.cursor_key
    return overview is not None and isinstance(row, int) and overview.trace_of(row) == trace


async def test_the_earlier_steps_of_a_run_that_begins_outside_the_window_are_read_when_it_opens(
    archived: Archived, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [
        record(
            ts=f"2026-11-{n + 1:02}T09:00:00Z",
            trace_id="the-long-run" if n % 5 == 4 else f"trace-{n}",
            step=n // 5 if n % 5 == 4 else 0,
        )
        for n in range(30)
    ]
    read: list[Path] = []
    fetch = archive_part.ArchivePart.fetch

    def noted(
        part: archive_part.ArchivePart, wanted: Sequence[str], kept: Callable[[], pl.Series]
    ) -> list[RecordBlock]:
        read.append(part.path)
        return fetch(part, wanted, kept)

    monkeypatch.setattr(archive_part.ArchivePart, "fetch", noted)
    app = LogApp(archived(days))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 10)
        await pilot.press("slash", *"trace-28", "enter")
        await until(pilot, partial(is_at_step_of, app, "trace-28"), "a whole run")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.view, ReplayScreen), "its replay")
        await until(pilot, lambda: app.view.cursor_key is not None, "its step")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.view, OverviewScreen), "the Overview")
        await pilot.press("slash", *"the-long-run", "enter")
        await until(pilot, partial(is_at_step_of, app, "the-long-run"), "the last step")
        row = app.view.cursor_key
        assert read == [], "a whole run is not looked up"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.view, ReplayScreen), "the replay")
        replay = app.view
        assert isinstance(replay, ReplayScreen)
        await until(pilot, lambda: "6 steps" in str(replay.steps.border_title), "all of the run")
        read_them = "4 earlier steps read from outside the window"
        await until(pilot, lambda: read_them in toasts(app), "the number of steps")
        days_read = {path.name[:10] for path in read}
        assert "2026-11-05" in days_read
        assert "2026-11-04" not in days_read, "the look-up ends with the first step"
        assert app.overview is not None
        assert app.overview.snapshot.fetched == 4
        assert replay.cursor_key == row, "the step stays"
        number = len(read)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.view, OverviewScreen), "the Overview")
        await until(pilot, partial(is_at_step_of, app, "the-long-run"), "the step")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.view, ReplayScreen), "the replay again")
        assert len(read) == number
