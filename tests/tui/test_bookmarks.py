"""m ' u U: bookmarks on records, and notes on bookmarks."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import (
    SMALL,
    WIDE,
    Shown,
    Until,
    lines_of,
    record,
    row_of,
    says,
    toasts,
)
from textual.pilot import Pilot

from llmlog_tui.config.settings import Settings
from llmlog_tui.log.sources import STDIN, Sources
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.timeline import TimelinePane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.screens.dialogs.bookmarks import BookmarksDialog
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane


def line(n: int, **fields: object) -> bytes:
    ts = f"2026-11-23T09:00:{n:02}Z"
    return record(ts=ts, trace_id=f"trace-{n // 2}", step=n % 2, span_id=f"span-{n}", **fields)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Six calls, two in each of three traces."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(line(n) for n in range(6)))
    return path


def marked(table: LineTable) -> list[int]:
    """Which lines of a table have a bookmark, under its heading."""
    return [n for n, text in enumerate(lines_of(table)[1:]) if text[1:2] == "◆"]


async def listed(pilot: Pilot[Any], until: Until) -> BookmarksDialog:
    await pilot.press("apostrophe")
    await until(pilot, lambda: isinstance(pilot.app.screen, BookmarksDialog), "the list")
    screen = pilot.app.screen
    assert isinstance(screen, BookmarksDialog)
    return screen


async def test_m_marks_the_record_in_all_tables_and_m_again_does_not(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        calls, timeline = app.query_one(CallsPane), app.query_one(TimelinePane)
        await pilot.press("k", "m")
        await until(pilot, lambda: marked(calls) == [3], "the last call of the second trace")
        await until(pilot, lambda: marked(timeline) == [1], "its step")
        assert "Bookmarked in calls.jsonl.bookmarks" in toasts(app), "it says where"
        await pilot.press("2")
        await until(pilot, lambda: marked(app.view.query_one("#all-calls", CallsPane)) == [3], "it")
        await pilot.press("1", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
        await until(pilot, lambda: marked(app.screen.query_one(TimelinePane)) == [1], "its step")
        await pilot.press("q", "m")
        await until(pilot, lambda: marked(calls) == [], "no bookmark")


async def test_keys_that_are_typed_fast_mark_what_they_lead_to(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 6)
        for key in ("k", "k", "m"):
            app.simulate_key(key)
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [1], "of the first trace")


@pytest.mark.parametrize("content", ["same file", "rotated", "pruned"])
async def test_a_bookmark_is_there_after_a_restart_wherever_its_record_is_then(
    log: Path, shown: Shown, until: Until, content: str
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("m")
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [5], "the bookmark")
    if content == "rotated":
        log.rename(log.with_name("calls.jsonl.1"))
        log.write_bytes(line(9))
    elif content == "pruned":
        log.write_bytes(b"".join(line(n) for n in range(4, 8)))
    total, at = {"same file": (6, 5), "rotated": (7, 5), "pruned": (4, 1)}[content]
    files = Sources([str(log.parent)], must_exist=True)
    async with LogApp(files).run_test(size=WIDE) as pilot:
        app = await shown(pilot, total)
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [at], "it is marked again")


async def test_the_list_goes_to_a_bookmark_notes_it_and_removes_it(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        calls = app.query_one(CallsPane)
        await pilot.press("m", "k", "k", "m")
        await until(pilot, lambda: marked(calls) == [1, 5], "two bookmarks")
        screen = await listed(pilot, until)
        await pilot.press("g", "j", "n", *"odd [b]one")
        screen.note_input.insert_text_at_cursor("\x1b]0;")
        await until(
            pilot, lambda: "one␛]0;" in screen.note_input.render_line(0).text, "what is typed"
        )
        await pilot.press(*["backspace"] * 4, "enter")
        await until(pilot, lambda: "odd [b]one" in lines_of(screen.table)[2], "the note")
        await pilot.press("enter")
        await until(pilot, lambda: row_of(calls) == 5, "its call")
        await pilot.press("u", "U")
        await until(pilot, lambda: "Bookmark 2 of 2: odd [b]one" in toasts(app), "the note")
        screen = await listed(pilot, until)
        await pilot.press("g", "x")
        await until(pilot, lambda: len(screen.table.source) == 1, "one less")
        await pilot.press("escape")
        await until(pilot, lambda: marked(calls) == [5], "one less in the table")


async def test_a_note_stands_where_its_record_is_looked_at(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("m")
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [5], "the bookmark")
        await pilot.press("2", "enter")
        await until(pilot, lambda: bool(app.screen.query("#drawer")), "Calls")
        drawer = app.screen.query_one("#drawer", TextPane)
        await until(pilot, partial(says, drawer, "span-5"), "the detail")
        assert not says(drawer, "◆")
        screen = await listed(pilot, until)
        await pilot.press("n", *"odd [b]one", "enter")
        await until(pilot, lambda: "odd [b]one" in lines_of(screen.table)[1], "the note")
        await pilot.press("escape")
        await until(pilot, partial(says, drawer, "note", "◆ odd [b]one"), "the note in the drawer")
        await pilot.press("1", "enter", "end")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "a replay")
        replay = app.screen
        assert isinstance(replay, ReplayScreen)
        await pilot.press("end")
        note = partial(says, replay.detail_pane, "span-5", "◆ odd [b]one")
        await until(pilot, note, "the note beside the step")


async def test_a_bookmark_that_was_removed_by_mistake_comes_back_with_its_note(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("m")
        await until(pilot, lambda: "Bookmarked" in toasts(app), "the bookmark")
        await listed(pilot, until)
        await pilot.press("n", *"why", "enter", "escape", "m")
        await until(pilot, lambda: "brings it back with its note" in toasts(app), "it is away")
        await pilot.press("m")
        screen = await listed(pilot, until)
        await until(pilot, lambda: "why" in "\n".join(lines_of(screen.table)), "the note")


async def test_u_goes_from_bookmark_to_bookmark_and_round(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        calls = app.query_one(CallsPane)
        await pilot.press("u")
        await until(pilot, lambda: "No bookmarks. m puts one" in toasts(app), "how to make one")
        await pilot.press("tab", "tab")
        for keys in (("m",), ("k", "k", "m"), ("k", "k", "m", "k")):
            await pilot.press(*keys)
        await until(pilot, lambda: marked(calls) == [1, 3, 5], "three bookmarks")
        for key, row in (("u", 1), ("u", 3), ("u", 5), ("u", 1), ("U", 5)):
            await pilot.press(key)
            await until(pilot, lambda row=row: row_of(calls) == row, f"{key} to {row}")  # type: ignore[misc]
        assert row_of(app.query_one(TracesPane)) == "trace-2", "its trace is selected with it"


async def test_a_filter_that_hides_the_bookmarked_record_gives_way(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        calls = app.query_one(CallsPane)
        await pilot.press("m", "f", *"trace_id = 'trace-0'", "enter")
        await until(pilot, lambda: len(calls.source) == 2, "the filter")
        await pilot.press("u")
        await until(pilot, lambda: row_of(calls) == 5, "the bookmarked call")
        assert app.view.filterbar.where is None
        assert "Filter cleared to show this record" in toasts(app)
        await pilot.press("<")
        await until(pilot, lambda: len(calls.source) == 2, "the filter again")


async def test_a_bookmark_on_what_is_not_in_the_log_any_more_stays_in_the_list(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 6)
        await pilot.press("m")
        await until(pilot, log.with_name("calls.jsonl.bookmarks").exists, "the bookmark")
    log.write_bytes(line(0))
    async with LogApp([log]).run_test(size=SMALL, notifications=True) as pilot:
        app = await shown(pilot, 1)
        screen = await listed(pilot, until)
        await until(pilot, lambda: "(not here)" in lines_of(screen.table)[1], "it")
        await pilot.press("enter")
        await until(pilot, lambda: "pruned, or in another file" in toasts(app), "why it stays")
        with log.open("ab") as file:
            file.write(line(5))
        await pilot.press("escape")
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [1], "it has come again")


async def test_what_another_dashboard_bookmarks_is_listed_and_lost_by_none(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as one:
        await shown(one, 6)
        async with LogApp([log]).run_test(size=WIDE) as two:
            await shown(two, 6)
            await two.press("m")
            await until(two, log.with_name("calls.jsonl.bookmarks").exists, "the other's")
        await one.press("k", "m")
        screen = await listed(one, until)
        await until(one, lambda: len(screen.table.source) == 2, "both")


async def test_standard_input_has_bookmarks_until_one_quits_and_says_so(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").write_bytes(line(0) + line(1))
    app = LogApp([STDIN], stdin=os.open(tmp_path / "in", os.O_RDONLY))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 2)
        await pilot.press("m")
        await until(pilot, lambda: "only until you quit" in toasts(app), "that it is not kept")
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [1], "the bookmark")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


async def test_a_folder_that_cannot_be_written_keeps_them_for_this_run(
    log: Path, shown: Shown, until: Until
) -> None:
    log.with_name("calls.jsonl.bookmarks").mkdir()
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("m")
        await until(pilot, lambda: "only until you quit" in toasts(app), "that it is not kept")
        assert "calls.jsonl.bookmarks" in toasts(app)
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [5], "the bookmark")


async def test_bookmarks_that_make_no_sense_are_told_of_and_left_alone(
    log: Path, shown: Shown, until: Until
) -> None:
    beside = log.with_name("calls.jsonl.bookmarks")
    beside.write_bytes(b"\x00\x01 something else\n")
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 6)
        await until(pilot, lambda: "1 line is no bookmark" in toasts(app), "what is wrong")
        await pilot.press("m")
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [5], "the bookmark")
    assert beside.read_bytes().startswith(b"\x00\x01 something else\n")


async def test_the_sample_log_has_nothing_to_bookmark_that_is_not_found_again(
    sample: Path, tmp_path: Path, shown: Shown, records: int, until: Until
) -> None:
    log = Path(shutil.copy(sample, tmp_path / "calls.jsonl"))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        await pilot.press("2")
        calls = app.view.query_one("#all-calls", CallsPane)
        await pilot.press("g", "m", "G", "k", "m")
        await pilot.press("u")
        await until(pilot, partial(is_at, calls, calls.source.key(0)), "the first call")


def is_at(calls: CallsPane, key: object) -> bool:
    return row_of(calls) == key


async def test_the_keys_are_the_users_to_choose(log: Path, shown: Shown, until: Until) -> None:
    keys = {"app.bookmark": "f9", "app.bookmarks": "f10"}
    async with LogApp([log], settings=Settings(keys=keys)).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 6)
        await pilot.press("m", "f9")
        await until(pilot, lambda: marked(app.query_one(CallsPane)) == [5], "the bookmark")
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(app.screen, BookmarksDialog), "the list")
