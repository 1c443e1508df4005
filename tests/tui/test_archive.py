"""An archive on screen: alone, and with the log it was made of while that is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until
from textual import events

from llmlog_tui.log.archive_writer import ArchiveWriter
from llmlog_tui.log.sources import Sources
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.dialogs.record import RecordDialog
from llmlog_tui.tui.screens.replay import ReplayScreen


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
