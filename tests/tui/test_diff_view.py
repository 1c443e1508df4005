"""Diff: two runs side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record
from textual.pilot import Pilot

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.dialogs.record import RecordDialog
from llmlog_tui.tui.screens.dialogs.text_diff import TextDiffDialog, TextDiffPane
from llmlog_tui.tui.screens.diff import DiffScreen
from llmlog_tui.tui.screens.overview import OverviewScreen


async def diffed(pilot: Pilot[str], until: Until) -> DiffScreen:
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, DiffScreen), "the diff")
    screen = app.screen
    assert isinstance(screen, DiffScreen)
    await until(pilot, lambda: len(screen.pairs.source) > 0, "its pairs")
    return screen


async def test_the_same_run_twice_is_no_diff_and_equal_runs_say_so(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=trace) for trace in ("one-run-", "two-run-")))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("d", "d")
        assert isinstance(app.screen, OverviewScreen), "d on the marked run unmarks it"
        await pilot.press("d", "up", "d")
        screen = await diffed(pilot, until)
        assert "both traces do the same" in str(screen.deltas.render())
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not screen, "the record")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen), "the Overview")


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_a_step_that_has_not_ended_is_named(
    tmp_path: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    log = tmp_path / "calls.jsonl"
    runs = [record(trace_id=trace, span_id=trace) for trace in ("one-run-", "two-run-")]
    begun = {"event": "start", "step": 1, "tool_name": "look_up", "model": None}
    log.write_bytes(b"".join((*runs, record(trace_id="one-run-", span_id="died", **begun))))
    async with LogApp([log]).run_test(size=size) as pilot:
        await shown(pilot, 2)
        await pilot.press("d", "up", "d")
        screen = await diffed(pilot, until)
        side = "A" if screen.traces[0] == "one-run-" else "B"
        never = f"{side}: step 1 look_up, no end in 10 min"
        assert never in str(screen.pairs.border_title)
        assert never in str(screen.deltas.render())
        assert "both traces do the same so far" in str(screen.pairs.border_title)
        assert "do the same" not in str(screen.deltas.render())


async def test_prompts_that_differ_are_told_from_their_hashes(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        record(trace_id="one-run-", prefix_hashes=["a", "b"])
        + record(trace_id="two-run-", prefix_hashes=["a", "c"])
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 2)
        await pilot.press("d", "up", "d")
        screen = await diffed(pilot, until)
        assert "prompts differ from message 1 on" in "\n".join(lines_of(screen.pairs))


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_steps_without_content_say_once_how_to_log_it(
    tmp_path: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(v=1, trace_id=trace) for trace in ("one-run-", "two-run-")))
    async with LogApp([log]).run_test(size=size) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("d", "up", "d")
        await diffed(pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextDiffDialog), "the texts")
        pane = app.screen.query_one(TextDiffPane)
        await until(pilot, lambda: len(pane.source) > 0, "their rows")
        text = " ".join("\n".join(lines_of(pane)).split())
        assert "no content and no hashes were logged" in text
        assert 'session(…, content="redacted") logs messages and answers' in text
        assert str(pane.border_title) == "Step 0"


async def test_what_is_found_elsewhere_leads_out_of_the_diff_to_the_overview(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(
        record(trace_id="elsewhere", request_id="req_sought")
        + b"".join(record(trace_id=trace) for trace in ("one-run-", "two-run-"))
    )
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 3)
        await pilot.press("d", "up", "d")
        await diffed(pilot, until)
        await pilot.press("slash", *"req_sought", "enter")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen), "the Overview")
        assert app.view.cursor_key == 0


async def test_the_digit_of_the_view_under_a_diff_closes_it(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(trace_id=trace) for trace in ("one-run-", "two-run-")))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 2)
        await pilot.press("d", "up", "d")
        await diffed(pilot, until)
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen), "the Overview")


@pytest.fixture
def good_and_bad(tmp_path: Path) -> Path:
    """Runs `good` and `bad`: alike in step 0; 1 ends otherwise, and only `bad` has step 2."""
    path = tmp_path / "calls.jsonl"
    long = {"prompt_tokens": 300, "completion_tokens": 4, "finish_reason": "length"}
    failed = {"status": "error", "error_type": "InternalServerError"}
    path.write_bytes(
        record(trace_id="good", finish_reason="tool_calls")
        + record(trace_id="good", step=1, finish_reason="stop", prompt_tokens=100)
        + record(trace_id="bad", finish_reason="tool_calls")
        + record(trace_id="bad", step=1, **long)
        + record(trace_id="bad", step=2, event="tool_call", tool_name="search", **failed)
    )
    return path


async def test_the_columns_say_which_runs_how_each_step_ended_and_why_they_differ(
    good_and_bad: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([good_and_bad]).run_test(size=WIDE) as pilot:
        await shown(pilot, 5)
        await pilot.press("g", "d", "G", "d")
        screen = await diffed(pilot, until)
        rows = [[part.strip() for part in line.split("│")] for line in lines_of(screen.pairs)[:4]]
        heading, same, differing, extra = rows
        assert "A good 09:00:00 · 2 steps" in heading[0]
        assert "B bad 09:00:00 · 3 steps" in heading[2]
        assert same[1] == "="
        assert (differing[0].split()[-2:], differing[1], differing[2].split()[-2:]) == (
            ["stop", "100"],
            "◄ finish_reason",
            ["length", "100"],
        )
        assert (extra[0].split()[-1], extra[1]) == ("–", "≠ only in B")
        assert extra[2].split() == ["2", "✗", "search", "InternalServerError", "100"]
        assert "they diverge at step 1: finish_reason · 2 of 3 differ" in str(
            screen.pairs.border_title
        )
        assert screen.pairs.pair == 1, "the cursor is where they part"
        assert "in +200" in str(screen.deltas.render())


async def test_a_small_screen_has_one_column_of_both_runs(
    good_and_bad: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([good_and_bad]).run_test(size=SMALL) as pilot:
        await shown(pilot, 5)
        await pilot.press("g", "d", "G", "d")
        screen = await diffed(pilot, until)
        lines = lines_of(screen.pairs)[1:5]
        assert [line[1:6].split() for line in lines] == [
            ["=", "0"],
            ["A", "1"],
            ["B", "1"],
            ["B", "2"],
        ]
        assert lines[2].endswith("◄ finish_reason")
        assert " InternalServerError " in lines[3]
        rows = [screen.cursor_key]
        for key in ("down", "n"):
            await pilot.press(key)
            rows.append(screen.cursor_key)
        assert rows == [1, 3, 4], "A's and B's line of the pair where they part, the next one"


async def test_a_and_b_show_the_record_of_each_run(
    good_and_bad: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([good_and_bad]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 5)
        await pilot.press("g", "d", "G", "d")
        await diffed(pilot, until)
        for key, finish in (("a", "stop"), ("b", "length")):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, RecordDialog), "the record")
            assert finish in str(app.screen.query_one("Static").render())
            await pilot.press("escape")


async def test_the_sum_of_the_differences_drops_whole_figures_on_a_narrow_screen(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        await shown(pilot, records)
        await pilot.press("d", "k", "k", "k", "d")
        deltas = (await diffed(pilot, until)).deltas
        assert str(deltas.render()).rstrip().endswith("errors -2"), "there is no room for rsn"
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: "rsn -128" in str(deltas.render()), "all figures")


@pytest.mark.parametrize(("columns", "head"), [(129, "A 38762a22  B 310f1079"), (150, "8 steps")])
async def test_runs_stand_beside_each_other_where_their_names_have_room(  # noqa: PLR0913, PLR0917 - fixtures
    sample: Path, shown: Shown, records: int, until: Until, columns: int, head: str
) -> None:
    async with LogApp([sample]).run_test(size=(columns, 50)) as pilot:
        await shown(pilot, records)
        await pilot.press("d", "k", "k", "k", "d")
        assert head in lines_of((await diffed(pilot, until)).pairs)[0]
