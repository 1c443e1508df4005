"""Calls: which columns there are, and the rows' own styles."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, toasts
from tests.tui.test_calls_view import is_in_order, opened
from textual.pilot import Pilot

from llmlog_tui.cli import dashboard
from llmlog_tui.config.settings import Memory, RowRule, Settings
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.call_columns import ALL, COMPACT, ColumnChoice
from llmlog_tui.tui.panes.call_columns import WIDE as USUAL
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.queries import CallOrderQuery, Sort
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.dialogs.column_picker import ColumnPicker
from llmlog_tui.tui.workers.analysis import call_order

TTFT = (40, None, 300, 7)
TOOLS = (["search", "fetch"], None, ["search"], ["fetch"])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(
        b"".join(
            record(step=n, ttft_ms=TTFT[n], tool_calls=TOOLS[n], latency_ms=100 + n, id=f"id-{n}")
            for n in range(4)
        )
    )
    return path


async def dialog(pilot: Pilot[str], until: Until) -> ColumnPicker:
    await pilot.press("S")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, ColumnPicker), "the dialog")
    screen = app.screen
    assert isinstance(screen, ColumnPicker)
    return screen


async def walk_to(pilot: Pilot[str], screen: ColumnPicker, name: str) -> None:
    await pilot.press("g")
    while screen.table.cursor_key != name:
        await pilot.press("j")


async def to_column(pilot: Pilot[str], pane: CallsPane, field: str) -> None:
    while pane.column is None or pane.column.field != field:
        await pilot.press("l")


def is_headed(pane: CallsPane, *titles: str) -> bool:
    heading = lines_of(pane)[0]
    return all(title in heading for title in titles)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_column_is_chosen_moved_sorted_and_filtered_by(
    log: Path, shown: Shown, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([log]).run_test(size=size) as pilot:
        app = await shown(pilot, 4)
        screen: CallsScreen = await opened(pilot, until)
        pane = screen.calls
        assert not is_headed(pane, "ttft ms")
        chooser = await dialog(pilot, until)
        await walk_to(pilot, chooser, "ttft_ms")
        await pilot.press("space", *"KKKKKKKKKKKKKKKK", "enter")
        await until(pilot, partial(is_headed, pane, "ttft ms"), "the column")
        assert lines_of(pane)[0].split()[:2] == ["ttft", "ms"], "it is the first one"
        await to_column(pilot, pane, "ttft_ms")
        await pilot.press("s")
        await until(pilot, partial(is_in_order, pane, [2, 0, 3, 1]), "unknown ones last")
        assert is_headed(pane, "ttft ms▾")
        await pilot.press("s", "s")
        await until(pilot, partial(is_in_order, pane, [0, 1, 2, 3]), "by time again")
        await pilot.press("g", "=")
        await until(pilot, lambda: screen.filterbar.where == "ttft_ms = 40.0", "the filter")
        await until(pilot, partial(is_in_order, pane, [0]), "its call")
        assert app.screen is screen


async def test_what_was_chosen_is_there_in_the_next_run_in_both_tables_of_calls(
    log: Path, tmp_path: Path, shown: Shown, until: Until
) -> None:
    file = tmp_path / "dashboard.json"
    async with LogApp([log], memory=Memory(file)).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        pane = (await opened(pilot, until)).calls
        chooser = await dialog(pilot, until)
        await walk_to(pilot, chooser, "model")
        await pilot.press("space")
        await walk_to(pilot, chooser, "session_id")
        await pilot.press("space", "enter")
        await until(pilot, partial(is_headed, pane, "session"), "the column")
    async with LogApp([log], memory=Memory(file)).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        overview = app.query_one(CallsPane)
        assert is_headed(overview, "session")
        assert not is_headed(overview, "model")
        overview.focus()
        await dialog(pilot, until)
        await pilot.press("r", "enter")
        await until(pilot, partial(is_headed, overview, "model"), "the usual ones")
        assert not is_headed(overview, "session")


async def test_a_choice_given_up_changes_nothing_and_one_column_always_stays(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        pane = (await opened(pilot, until)).calls
        before = lines_of(pane)[0]
        chooser = await dialog(pilot, until)
        for _ in USUAL:
            await pilot.press("space", "j")
        assert "[x] flag" in "\n".join(lines_of(chooser.table))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.view, "the view")
        assert lines_of(pane)[0] == before


async def test_what_has_no_room_is_said_and_an_order_that_nobody_sees_is_dropped(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        await shown(pilot, 4)
        pane = (await opened(pilot, until)).calls
        await to_column(pilot, pane, "latency_ms")
        await pilot.press("s")
        await until(pilot, partial(is_in_order, pane, [3, 2, 1, 0]), "the slowest first")
        chooser = await dialog(pilot, until)
        await walk_to(pilot, chooser, "latency_ms")
        await pilot.press("space")
        for name in ("request_id", "error_code"):
            await walk_to(pilot, chooser, name)
            await pilot.press("space")
        said = next(line for line in lines_of(chooser.table) if "error_code" in line)
        assert said.endswith("no room")
        await pilot.press("enter")
        await until(pilot, partial(is_in_order, pane, [0, 1, 2, 3]), "by time again")


async def test_a_table_that_an_open_drawer_makes_narrow_has_the_narrow_columns(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=(110, 40)) as pilot:
        await shown(pilot, 4)
        pane = (await opened(pilot, until)).calls
        assert is_headed(pane, "rsn", "finish", "flag")
        chooser = await dialog(pilot, until)
        without = [line.split()[-3] for line in lines_of(chooser.table) if "no room" in line]
        tokens = ("tokens_per_sec", "prompt_tokens", "completion_tokens", "cached_tokens")
        assert without == [*tokens, "cost_usd", "system_fingerprint"]
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not chooser, "the view")
        await pilot.press("enter")
        await until(pilot, lambda: pane.is_narrow, "the drawer")
        titles = [column.title for column in pane.source.columns]
        assert titles[-2:] == ["finish", "flag"], "the drawer says why it was slow"
        assert is_headed(pane, " ms")
        await pilot.press("escape")
        await until(pilot, partial(is_headed, pane, "rsn"), "the wide columns")


async def test_every_column_can_stand_in_the_table_and_all_but_two_be_sorted_by(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=(1_000, 30)) as pilot:
        app = await shown(pilot, records)
        pane = (await opened(pilot, until)).calls
        pane.set_columns(ColumnChoice(wide=tuple(ALL)))
        titles = [column.column.title for column in ALL.values()]
        assert is_headed(pane, *titles)
        overview = app.view.overview
        assert overview is not None
        for column in ALL.values():
            if field := column.column.field:
                order = call_order(CallOrderQuery(Sort(field, descending=True)), overview)
                assert order is not None
                values = overview.calls[field][order]
                assert values.is_null().sum() == values.tail(values.null_count()).null_count()
        assert [n for n, column in ALL.items() if not column.column.field] == ["why", "flags"]


async def test_the_names_of_tools_are_sorted_and_filtered_by_too(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        screen.calls.set_columns(ColumnChoice(wide=("tool_calls", *USUAL)))
        await to_column(pilot, screen.calls, "tool_calls")
        await pilot.press("s", "s")
        await until(pilot, partial(is_in_order, screen.calls, [3, 2, 0, 1]), "by name")
        await pilot.press("g", "down", "down", "=")
        await until(pilot, partial(is_in_order, screen.calls, [0]), "with just these tools")


@pytest.mark.parametrize("remembered", [None, 3, {"wide": 3}, {"wide": ["nope", 4]}, {"wide": []}])
def test_a_choice_that_makes_no_sense_is_the_usual_one(remembered: object) -> None:
    assert ColumnChoice.from_object(remembered) == ColumnChoice(USUAL, COMPACT)


def test_columns_that_are_gone_are_left_out() -> None:
    assert ColumnChoice.from_object({"wide": ["id", "gone", "ts", "id"]}).wide == ("id", "ts")
    assert ColumnChoice.from_object(ColumnChoice(("id",), ("ts",)).as_object()) == ColumnChoice(
        ("id",), ("ts",)
    )


def test_a_row_style_that_cannot_be_is_one_line_and_exit_2(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[rows]]\nwhere = "latency > 5000"\nstyle = "warning"\n')
    assert dashboard([str(log), "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert said == f"llmlog-tui: {config}: rows 1: no column latency; the nearest is latency_ms\n"


async def test_rows_have_the_style_of_the_first_rule_that_holds_and_a_mark(
    log: Path, shown: Shown, until: Until
) -> None:
    rules = (
        RowRule("ttft_ms > 100", "error"),
        RowRule("ttft_ms > 10 or step = 1 -- a remark", "warning"),
    )
    async with LogApp([log], settings=Settings(rows=rules)).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 4)
        for pane in (app.query_one(CallsPane), (await opened(pilot, until)).calls):
            rows = pane.source.rows(0, 4, [12, 8])
            grounds = [row.style_class for row in rows]
            assert grounds == ["rule-warning", "rule-warning", "rule-error", ""]
            marks = [pane.row_mark(n, row).text for n, row in enumerate(rows)]
            assert marks == ["!", "!", "✗", "│"]


async def test_a_rule_that_fails_on_a_value_is_dropped_with_a_message(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(model="[b]4") + record(step=1, model="m"))
    rules = (RowRule("model::int > 3", "error"),)
    app = LogApp([log], settings=Settings(rows=rules))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 2)
        await until(pilot, lambda: "No row styles" in toasts(app), "the message")
        assert "[b]4" in lines_of(app.query_one(CallsPane))[1]
