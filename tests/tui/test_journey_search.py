"""A search in what was said: typed, scanned, shown in place, from hit to hit, and ended."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, toasts
from textual.pilot import Pilot

from llmlog_tui.log.retention import Retention
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.content import ContentPane
from llmlog_tui.tui.panes.find_bar import FindStatus
from llmlog_tui.tui.screens import ContentDialog, HelpDialog, OverviewScreen, ReplayScreen
from llmlog_tui.tui.workers.text_search import TextSearch

HOSTILE = "[b]x[/b] \x1b[31m\u202e the zebra\n   crossed it [link](http://evil)"


def said(n: int, user: str, answer: str = "yes", **fields: object) -> bytes:
    messages = [{"role": "system", "content": "be kind"}, {"role": "user", "content": user}]
    output = {"role": "assistant", "content": answer}
    about = {"trace_id": f"t{n}", "step": n, "id": f"id-{n}"}
    return record(**{**about, "input": messages, "output": output, **fields})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three of ten calls have the words: in a prompt, in an answer, in an error text."""
    lines = [said(n, f"question {n}") for n in range(10)]
    lines[2] = said(2, HOSTILE)
    lines[5] = said(5, "animals?", "I saw that **the zebra** left.\n\nThe  Zebra\ncrossed the road")
    lines[7] = said(7, "go", status="error", error_message="the zebra crossed: 503", output=None)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def is_in_replay(app: LogApp, row: int) -> bool:
    return isinstance(app.view, ReplayScreen) and app.view.cursor_key == row


def marked(pane: ContentPane) -> list[str]:
    """The lines of a content that are marked, without their marks."""
    return [line[2:].strip() for line in lines_of(pane) if line[1:2] == "●"]


def status(app: LogApp) -> str:
    row = app.view.query_one(FindStatus)
    return str(row.render()) if row.display else ""


async def is_found(pilot: Pilot[Any], until: Until, row: int, *words: str) -> None:
    app = pilot.app
    assert isinstance(app, LogApp)
    await until(pilot, partial(is_in_replay, app, row), f"the replay at record {row}")
    view = app.view
    assert isinstance(view, ReplayScreen)
    pane = view.content_pane
    await until(pilot, lambda: any(words[0] in line for line in marked(pane)), f"{words[0]} marked")
    await until(pilot, lambda: words[0] in text_at_cursor(pane), "the cursor at the words")
    assert pane.has_focus
    assert all(any(word in line for line in marked(pane)) for word in words)


def text_at_cursor(pane: ContentPane) -> str:
    index = pane.source.index(pane.cursor_key)
    if index is None:
        return ""
    (cell,) = pane.source.rows(index, index + 1, [pane.room])[0].cells
    return "".join(span.text for span in cell)


async def test_words_are_found_in_content_and_shown_in_place_from_hit_to_hit(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 10)
        await pilot.press("slash", *"zebra crossed", "enter")
        await is_found(pilot, until, 7, "the zebra crossed: 503")
        await until(pilot, lambda: "3 of 3" in status(app), "all hits")
        assert "error_message" in status(app)
        assert "the zebra crossed: 503" in status(app)
        assert "n N  Esc closes" in status(app)
        await pilot.press("N")
        await is_found(pilot, until, 5, "Zebra", "crossed the road")
        assert "2 of 3" in status(app)
        await pilot.press("N")
        await is_found(pilot, until, 2, "the zebra", "crossed it")
        shown_lines = "\n".join(lines_of(app.view.query_one(ContentPane)))
        assert "\x1b" not in shown_lines
        assert "\u202e" not in shown_lines
        assert "[b]x[/b]" in shown_lines
        await pilot.press("N")
        await is_found(pilot, until, 7, "the zebra crossed: 503")
        await pilot.press("<")
        await until(pilot, partial(is_in_replay, app, 2), "the hit before, by the history")
        await pilot.press("n")
        await is_found(pilot, until, 2, "the zebra")
        await pilot.press("n")
        await is_found(pilot, until, 5, "Zebra", "crossed the road")

        await pilot.press("escape")
        assert status(app) == ""
        assert not marked(app.view.query_one(ContentPane))
        assert isinstance(app.view, ReplayScreen), "one key, one thing"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.view, OverviewScreen), "the Overview again")
        assert app.view.cursor_key == 5, "with the record selected"
        await pilot.press("n")
        await is_found(pilot, until, 7, "the zebra crossed: 503")


async def test_ids_and_content_are_one_list_of_hits(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(said(0, "what is id-2?") + said(1, "nothing") + said(2, "hello"))
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 3)
        await pilot.press("slash", *"id-2", "enter")
        await until(pilot, lambda: "2 of 2" in status(app) or "of" in toasts(app), "its record")
        await until(pilot, lambda: app.searching.state.found == 1, "the text")
        assert isinstance(app.view, OverviewScreen)
        assert app.view.cursor_key == 2
        await pilot.press("N")
        await is_found(pilot, until, 0, "what is id-2?")
        await pilot.press("N")
        await until(pilot, partial(is_in_replay, app, 2), "a field's hit, where the eyes are")
        app.clear_notifications()
        await pilot.press("N", "N")
        await until(pilot, lambda: "2 of 2" in status(app), "the field's hit again")
        assert toasts(app) == ""


async def test_a_hit_in_a_field_and_in_content_opens_the_record_whatever_the_scan_found(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(said(0, "the zebra") + said(1, "is req_zebra ok?", request_id="req_zebra"))
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 2)
        for _ in range(2):  # before the scan found the content, and after
            await pilot.press("slash", *"zebra", "enter")
            await until(pilot, lambda: app.searching.state.row == 1, "the newest hit")
            await until(pilot, lambda: app.searching.state.found == 2, "both in content")
            assert isinstance(app.view, OverviewScreen)
            assert app.view.cursor_key == 1
            await pilot.press("n")
            await is_found(pilot, until, 0, "the zebra")
            await pilot.press("escape", "escape")
            await until(pilot, lambda: isinstance(app.view, OverviewScreen), "the Overview")
            await pilot.press("n")
            await until(pilot, lambda: app.searching.state.row == 1, "the hit in both")
            assert isinstance(app.view, OverviewScreen)


async def test_a_hit_that_grew_since_is_found_and_an_evicted_one_is_fetched(
    log: Path, until: Until
) -> None:
    app = LogApp([log], last=Retention(records=4))
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, lambda: app.overview is not None and not app.busy, "the last four")
        await until(pilot, lambda: app.status.progress.state == "live", "all was read")
        await pilot.press("slash", *"zebra crossed", "enter")
        await is_found(pilot, until, 7, "the zebra crossed: 503")
        await until(pilot, lambda: not app.searching.state.is_running, "all was scanned")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, ContentDialog), "the evicted record")
        dialog = app.screen
        assert isinstance(dialog, ContentDialog)
        await until(pilot, lambda: bool(marked(dialog.content_pane)), "its words")
        assert marked(dialog.content_pane) == ["The  Zebra", "crossed the road"]
        await pilot.press("N")
        await until(
            pilot, lambda: "crossed it" in "".join(marked(dialog.content_pane)), "an older one"
        )
        await pilot.press("escape")
        with log.open("ab") as file:
            file.write(said(10, "again: the zebra crossed"))
        await until(pilot, lambda: app.searching.state.found == 4, "the new hit")
        await pilot.press("n", "n", "n")
        await is_found(pilot, until, 10, "again: the zebra crossed")


async def test_an_evicted_record_of_another_tool_is_fetched_with_its_content(
    tmp_path: Path, root: Path, until: Until
) -> None:
    log = tmp_path / "litellm.jsonl"
    log.write_bytes((root / "tests/formats/samples/litellm.jsonl").read_bytes())
    words = json.loads(log.read_text().splitlines()[0])["messages"][0]["content"][:20]
    async with LogApp([log], last=Retention(records=1)).run_test(size=WIDE) as pilot:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: app.status.progress.state == "live", "all was read")
        await pilot.press("slash", *words, "enter")
        await until(pilot, lambda: isinstance(app.screen, ContentDialog), "the evicted record")
        dialog = app.screen
        assert isinstance(dialog, ContentDialog)
        await until(pilot, lambda: marked(dialog.content_pane) == [words], "its words")
        assert "Conversation" in str(dialog.content_pane.border_title)


async def test_a_record_without_a_trace_is_shown_in_a_dialog(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(said(0, "the zebra", trace_id=None) + said(1, "nothing"))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("2", "slash", *"zebra", "enter")
        await until(pilot, lambda: isinstance(app.screen, ContentDialog), "the dialog")
        dialog = app.screen
        assert isinstance(dialog, ContentDialog)
        await until(pilot, lambda: marked(dialog.content_pane) == ["the zebra"], "its words")
        assert app.view.cursor_key == 0
        await pilot.press("v")
        assert dialog.content_pane.mode == "as written"


async def test_a_late_hit_in_a_long_text_or_a_folded_part_is_shown(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    thought = {
        "role": "assistant",
        "reasoning_content": "hmm " * 300 + "the okapi",
        "content": "ok",
    }
    metadata = {"role": "assistant", "content": "ok", "extra_field": {"deep": "a quagga"}}
    log.write_bytes(
        said(0, "long " * 40_000 + "the zebra\n" + "end " * 9_000)
        + said(1, "why?", output=thought)
        + said(2, "how?", output=metadata)
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 3)
        for words, row in (("zebra", 0), ("okapi", 1), ("quagga", 2)):
            await pilot.press("slash", *words, "enter")
            await is_found(pilot, until, row, words)
        assert app.view.query_one(ContentPane).mode == "raw line"


async def test_a_late_hit_closes_no_dialog_that_was_opened_meanwhile(
    log: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_open, search = Event(), TextSearch.run

    def late(self: TextSearch) -> None:
        assert is_open.wait(30)
        search(self)

    monkeypatch.setattr(TextSearch, "run", late)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 10)
        await pilot.press("slash", *"zebra crossed", "enter", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "the help")
        is_open.set()
        await until(pilot, lambda: app.searching.state.found == 3, "all hits")
        await until(pilot, lambda: not app.searching._is_waiting, "the first one")  # noqa: SLF001
        assert isinstance(app.screen, HelpDialog), "it is still read"
        await pilot.press("escape", "n")
        await until(pilot, lambda: isinstance(app.view, ReplayScreen), "a hit, by n")
