"""A record, whole, over the view it was opened from."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tui.conftest import WIDE, Shown, Until, record

from llmlog_tui.log.decoded_line import DecodedLine, parsed
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.render import record_text
from llmlog_tui.tui.screens.dialogs.record import RecordDialog


async def test_enter_on_a_call_shows_the_whole_record_and_escape_goes_back(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        app.query_one(CallsPane).focus()
        await pilot.press("g", "enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record")
        first = json.loads(sample.read_bytes().splitlines()[0])
        sheet = str(app.screen.query_one("Static").render())
        for name in first:
            assert name in sheet
        assert f'grep \'"trace_id": "{first["trace_id"]}"\'' in sheet
        await pilot.press("escape")
        assert not isinstance(app.screen, RecordDialog)


async def test_enter_pressed_twice_opens_one_record(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        calls = app.query_one(CallsPane)
        calls.focus()
        calls.action_select()
        calls.action_select()
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record")
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, RecordDialog)


async def test_a_record_nested_deeper_than_python_reads_is_shown_as_it_stands(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(input="?").replace(b'"?"', b"[" * 990 + b"]" * 990))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        app.query_one(CallsPane).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record")
        assert "[[[[" in str(app.screen.query_one("Static").render())


def test_values_begin_further_left_in_a_narrow_pane_and_long_names_push_theirs() -> None:
    line = record(ratelimit_remaining_requests=500)
    read = DecodedLine(line, parsed(line))
    wide, narrow = (
        [text.plain for text in record_text.fields(read, "calls.jsonl", width)]
        for width in (100, 60)
    )
    assert f"{'status':<31}ok" in wide
    assert f"{'status':<21}ok" in narrow
    assert "ratelimit_remaining_requests 500" in narrow
