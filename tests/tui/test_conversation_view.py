"""What was said, read and copied with the keyboard, in Replay and in Diff."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, toasts
from tests.tui.test_snapshots_views import SIZES, Look, SnapCompare
from textual.pilot import Pilot

from llmlog_tui.analysis.traces.conversation import Message
from llmlog_tui.analysis.traces.message_shapes import Part
from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.render.conversation_rows import body, opened_at_first
from llmlog_tui.tui.screens.dialogs.text_diff import TextDiffDialog
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.replay import ReplayScreen

HOSTILE: Final = "[b]now[/b] \x1b[31m\x9b2J \u202e ![x](http://evil/x.png) [go](javascript:1)"


def _call(number: int, name: str, **arguments: object) -> dict[str, object]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call-{number}", "type": "function", "function": function}


SYSTEM = {"role": "system", "content": "You are a refund agent. " * 80}
USER = {"role": "user", "content": "My order 4711 arrived broken"}
ASKS = {"role": "assistant", "content": None, "tool_calls": [_call(1, "search", query="refunds")]}
FOUND = {"role": "tool", "tool_call_id": "call-1", "content": "3 documents"}
MORE = {
    "role": "assistant",
    "content": None,
    "tool_calls": [_call(2, "tickets", order=4711), _call(3, "fetch", url="https://shop/policy")],
}
TICKETS = {"role": "tool", "tool_call_id": "call-2", "content": "none"}
PAGE = {"role": "tool", "tool_call_id": "call-3", "content": '{"title": "Policy"}'}
PHOTO = {
    "role": "user",
    "content": [
        {"type": "text", "text": HOSTILE},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}},
    ],
}
ANSWER = {
    "role": "assistant",
    "reasoning_content": "The customer wants a refund.",
    "content": "# Refund\nYour order can be **refunded** within *30 days* of `delivery`.\n\n"
    "1. Send the photo to [us](https://shop)\n2. Wait\n   - two days\n\n"
    "```python\ndef refund(order):\n    return pay(order, 4711)\n```\n\n"
    "| a | b |\n|-|-|\n| 1 | 2 |",
}


def _step(step: int, trace: str = "good", **fields: object) -> bytes:
    usual = {"model": "gpt-5-mini", "provider": "api.openai.com", "latency_ms": 1_200}
    usual |= {"prompt_tokens": 1_120, "completion_tokens": 152, "finish_reason": "stop"}
    return record(trace_id=trace, step=step, **{**usual, **fields})


def _search(trace: str, query: str, result: str) -> bytes:
    fields = {"event": "tool_call", "model": None, "tool_name": "search", "finish_reason": None}
    return _step(1, trace, input={"query": query}, output=result, **fields)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A good run of four steps, and a bad one: another order, another query, then a failure."""
    early = [SYSTEM, USER, ASKS, FOUND]
    other = [SYSTEM, {"role": "user", "content": "My order 4712 arrived late, and broken"}]
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        _step(0, input=[SYSTEM, USER], output=ASKS, finish_reason="tool_calls")
        + _search("good", "refunds", "3 documents")
        + _step(2, input=early, output=MORE, finish_reason="tool_calls")
        + _step(3, input=[*early, MORE, TICKETS, PAGE, PHOTO], output=ANSWER)
        + _step(0, "bad", input=other, output=ASKS, prompt_tokens=1_480, latency_ms=3_797,
                finish_reason="tool_calls")
        + _search("bad", "late refunds", "5 documents")
        + _step(2, "bad", input=[*other, ASKS, FOUND], status="error", model=None,
                requested_model="gpt-5-mini", error_type="RateLimitError",
                error_message="slow down", finish_reason=None)
    )  # fmt: skip
    return path


async def replayed(pilot: Pilot[str], until: Until) -> ReplayScreen:
    """The replay of the good run, at its last step."""
    app = pilot.app
    await pilot.press("g", "enter")
    await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
    screen = app.screen
    assert isinstance(screen, ReplayScreen)
    await until(pilot, lambda: screen.cursor_key is not None, "its steps")
    await pilot.press("G")
    await until(pilot, lambda: "step 3" in title(screen), "what was said in the last one")
    return screen


def title(screen: ReplayScreen) -> str:
    return str(screen.content_pane.border_title)


def said(screen: ReplayScreen) -> str:
    return "\n".join(lines_of(screen.content_pane))


async def test_messages_are_folded_to_a_line_and_the_answer_is_open(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=(160, 70)) as pilot:
        await shown(pilot, 7)
        screen = await replayed(pilot, until)
        assert title(screen) == "Conversation · step 3 gpt-5-mini · 9 messages, 5 new"
        rows = lines_of(screen.content_pane)
        assert any("▸ system" in row and "1,920 chars" in row for row in rows)
        assert any("+▾ assistant" in row and "stop · 152 tokens" in row for row in rows)
        assert any("+▸ assistant  → tickets(order=4711) → fetch(url=" in row for row in rows)
        assert any('search(query="refunds") → 3 documents' in row for row in rows)


async def test_markdown_is_rendered_and_v_shows_it_as_written_then_the_line_then_the_fields(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=(160, 60)) as pilot:
        await shown(pilot, 7)
        screen = await replayed(pilot, until)
        assert "Your order can be refunded within 30 days of delivery." in said(screen)
        assert "• two days" in said(screen)
        assert "┊ def refund(order):" in said(screen)
        assert "reasoning  28 chars  The customer wants a refund." in said(screen)
        await pilot.press("v")
        assert "Your order can be **refunded** within *30 days* of `delivery`." in said(screen)
        assert "v raw line" in str(screen.content_pane.border_subtitle)
        await pilot.press("v", "tab", "g")
        assert '"trace_id": "good"' in said(screen)
        assert str(screen.content_pane.border_subtitle) == "v fields"
        await pilot.press("v", "g")
        assert "prompt_tokens" in said(screen)
        await pilot.press("v")
        assert title(screen).startswith("Conversation")


async def test_keys_go_to_the_answer_and_from_message_to_message_and_fold_them(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 7)
        screen = await replayed(pilot, until)
        await pilot.press("a")
        pane = screen.content_pane
        assert pane.has_focus
        assert pane.message == 8
        await pilot.press("K")
        assert pane.message == 7
        await pilot.press("enter")
        assert "image/png  30.0 kB" in said(screen)
        await pilot.press("J")
        assert pane.message == 8
        await pilot.press("enter")
        assert "• two days" not in said(screen)
        await pilot.press("K", "K", "K", "K", "enter")
        assert pane.message == 4
        assert "→ tickets(order=4711)" in said(screen)
        assert "← none" in said(screen), "a call's result is below it"


async def test_z_gives_the_conversation_the_whole_screen_where_tab_goes_to_the_next_message(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 7)
        screen = await replayed(pilot, until)
        await pilot.press("z")
        await pilot.pause()
        assert screen.content_pane.size.height > 15
        await pilot.press("g", "tab", "tab")
        assert screen.content_pane.message == 2
        await pilot.press("shift+tab")
        assert screen.content_pane.message == 1
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is screen
        assert screen.steps.has_focus


async def test_a_long_common_beginning_is_one_line_that_opens(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    turns = [{"role": "user", "content": f"question {n}"} for n in range(30)]
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(_step(n, input=turns[: 20 + n], output="fine") for n in range(4)))
    async with LogApp([path]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await replayed(pilot, until)
        assert "⋮ 20 messages as in step 2" in said(screen)
        await pilot.press("tab", "g", "j", "j", "enter")
        assert "question 2" in said(screen)
        assert "⋮" not in said(screen)


async def test_hostile_text_is_inert(log: Path, shown: Shown, until: Until) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 7)
        screen = await replayed(pilot, until)
        await pilot.press("a", "K", "enter")
        for _ in range(4):
            assert not {"\x1b", "\x9b", "\u202e"} & set(said(screen))
            for y in range(screen.content_pane.size.height):
                strip = screen.content_pane.render_line(y)
                assert all(s.style is None or s.style.link is None for s in strip)
            await pilot.press("v")


def _is_copied(app: LogApp, text: str) -> bool:
    return text in app.clipboard


async def test_y_copies_a_message_the_prompt_the_answer_and_a_reproduction(
    log: Path, shown: Shown, until: Until
) -> None:
    copies = {
        "m": "order 4711 arrived broken",
        "p": "system:\nYou are a refund agent.",
        "a": "Your order can be **refunded**",
        "c": 'curl "https://api.openai.com/v1/chat/completions"',
        "y": "client.chat.completions.create(**request)",
    }
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 7)
        await replayed(pilot, until)
        await pilot.press("tab", "g", "j")
        for key, text in copies.items():
            app.copy_to_clipboard("")
            await pilot.press("y", key)
            await until(pilot, partial(_is_copied, app, text), f"the copy by {key}")
            assert "\x1b" not in app.clipboard


async def test_y_f_copies_the_arguments_of_a_tool_call(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 7)
        await replayed(pilot, until)
        await pilot.press("h", "y", "f")
        wanted = 'tickets({"order": 4711})\nfetch({"url": "https://shop/policy"})'
        await until(pilot, lambda: app.clipboard == wanted, "the arguments")


# -- Diff


async def diffed(pilot: Pilot[str], until: Until) -> DiffScreen:
    app = pilot.app
    await pilot.press("g", "d", "G", "d")
    await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff")
    screen = app.screen
    assert isinstance(screen, DiffScreen)
    await until(pilot, lambda: len(screen.pairs.source) > 0, "its pairs")
    return screen


async def text_diff(pilot: Pilot[str], until: Until) -> TextDiffDialog:
    app = pilot.app
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, TextDiffDialog), "the texts")
    dialog = app.screen
    assert isinstance(dialog, TextDiffDialog)
    await until(pilot, lambda: bool(str(dialog.sides.render())), "their figures")
    return dialog


def texts(dialog: TextDiffDialog) -> str:
    return "\n".join(lines_of(dialog.texts))


async def test_enter_shows_the_first_differing_message_with_the_figures_of_both(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 7)
        screen = await diffed(pilot, until)
        assert "prompts differ from message 1 on" in "\n".join(lines_of(screen.pairs))
        dialog = await text_diff(pilot, until)
        assert str(dialog.texts.border_title) == "Step 0 · message 1 (user) differs"
        assert str(dialog.texts.border_subtitle) == "same before: 1 message"
        row = next(row for row in lines_of(dialog.texts) if "My order" in row)
        a, b = row.split("│")
        assert "My order [-4711-] arrived" in a
        assert "My order {+4712+} arrived" in b
        assert "in 1,120  out 152  1,200 ms" in str(dialog.sides.render())
        assert "in 1,480  out 152  3,797 ms" in str(dialog.sides.render())
        await pilot.press("w")
        assert "{+My order 4712 arrived late, and broken+}" in texts(dialog)
        await pilot.press("n")
        await until(pilot, lambda: "No difference after" in toasts(app), "that it is the last")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the diff")


async def test_tools_differ_by_input_and_output_and_a_failure_is_named(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        await shown(pilot, 7)
        screen = await diffed(pilot, until)
        pairs = "\n".join(lines_of(screen.pairs))
        assert "input differs" in pairs
        assert "only B failed" in pairs
        await pilot.press("n")
        dialog = await text_diff(pilot, until)
        assert str(dialog.texts.border_title) == "Step 1 · input differs, and 1 more place"
        assert "B query: {+late +}refunds" in texts(dialog)
        await pilot.press("n")
        assert any(row.startswith("▌≠ A [-3-]") for row in lines_of(dialog.texts))


# -- pictures


@pytest.fixture
def conversation(shown: Shown, until: Until) -> Look:
    async def look(pilot: Pilot[str]) -> None:
        await shown(pilot, 7)
        screen = await replayed(pilot, until)
        await pilot.press("a", "K", "enter", "a")
        await until(pilot, lambda: "grep" in str(screen.detail_pane.query_one("Static").render()),
                    "the detail")  # fmt: skip

    return look


@pytest.fixture
def named_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log under a name that is the same in every run."""
    monkeypatch.chdir(log.parent)
    return Path(log.name)


@SIZES
def test_a_conversation(
    snap_compare: SnapCompare, named_log: Path, conversation: Look, size: tuple[int, int]
) -> None:
    app = LogApp([named_log], follow=False)
    assert snap_compare(app, terminal_size=size, run_before=conversation)


def test_a_conversation_in_the_light_theme(
    snap_compare: SnapCompare, named_log: Path, conversation: Look
) -> None:
    app = LogApp([named_log], follow=False, settings=Settings(theme="light"))
    assert snap_compare(app, terminal_size=WIDE, run_before=conversation)


@SIZES
def test_a_text_diff(
    snap_compare: SnapCompare,
    named_log: Path,
    shown: Shown,
    until: Until,
    size: tuple[int, int],
) -> None:
    async def look(pilot: Pilot[str]) -> None:
        await shown(pilot, 7)
        await diffed(pilot, until)
        await text_diff(pilot, until)

    app = LogApp([named_log], follow=False)
    assert snap_compare(app, terminal_size=size, run_before=look)


def test_of_a_message_of_many_parts_only_the_first_are_rendered_and_none_is_lost() -> None:
    parts = tuple(Part("text", f"**part {n}** " + "word " * 3_000) for n in range(40))
    message = Message("assistant", (Part("reasoning", "hm " * 50_000), *parts), is_answer=True)
    lines = body(message, {}, 90, as_written=False)
    texts = ["".join(span.text for span in line) for line in lines]
    assert texts[0].startswith("reasoning  150,000 chars")
    assert sum(text.startswith("part ") for text in texts) == 1, "as Markdown"
    assert sum(text.startswith("**part ") for text in texts) == 39, "as written"
    assert sum(text.count("word") for text in texts) > 38 * 3_000, "rows may cut a word"
    assert all(len(text) <= 90 for text in texts)


def test_of_many_items_of_an_answer_only_the_first_are_open() -> None:
    items = tuple(Message("assistant", (Part("text", "x" * 15_000),), is_answer=True)
                  for _ in range(100))  # fmt: skip
    assert opened_at_first(items, 0) == {0, 1}
    assert opened_at_first(items, 99) == {99}
    huge = (Message("user", (Part("text", "x" * 10**6),)),)
    assert opened_at_first(huge, 0) == {0}
    assert opened_at_first((), -1) == set(), "metadata only"
