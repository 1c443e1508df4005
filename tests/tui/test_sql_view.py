"""The SQL view: a query, its answer, and where that is written to."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from tests.tui.conftest import (
    SMALL,
    WIDE,
    Shown,
    Until,
    lines_of,
    listed,
    overview_of,
    record,
    row_of,
    toasts,
)
from textual.pilot import Pilot

from llmlog_tui.analysis.query import sql
from llmlog_tui.config.rules import Rules
from llmlog_tui.config.settings import Memory
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.queries import SqlResult
from llmlog_tui.tui.screens.dialogs.save_as import SaveAsDialog
from llmlog_tui.tui.screens.ready_queries import READY_QUERIES
from llmlog_tui.tui.screens.replay import ReplayScreen
from llmlog_tui.tui.screens.sql import SqlScreen
from llmlog_tui.tui.widgets.footer import KeyFooter

DIGIT = "5"


async def asked(pilot: Pilot[str], until: Until) -> SaveAsDialog:
    """The dialog that asks where the answer is to be written."""
    await pilot.press("escape", "x")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, SaveAsDialog), "the dialog")
    screen = app.screen
    assert isinstance(screen, SaveAsDialog)
    return screen


def is_said(screen: SaveAsDialog, said: str) -> bool:
    return said in str(screen.status.render())


async def opened(pilot: Pilot[str], until: Until) -> SqlScreen:
    await pilot.press(DIGIT)
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, SqlScreen), "the view")
    screen = app.screen
    assert isinstance(screen, SqlScreen)
    await until(pilot, lambda: screen.overview is not None, "the log")
    return screen


def result(screen: SqlScreen) -> str:
    return f"{screen.result.border_title}\n" + "\n".join(lines_of(screen.result))


async def test_the_example_runs_and_answers_in_a_table(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "5 rows in" in result(screen), "the answer")
        assert "gpt-oss-120b" in result(screen)
        assert "avg_ms" in result(screen)
        assert screen.editor.has_focus, "the next version of the query is typed"
        assert "Esc to the result: v chart, x export" in str(screen.status.render())
        await pilot.press("escape", "v")
        await until(pilot, lambda: "█" in result(screen), "its chart")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "tables: calls" in str(screen.status.render()), "the tables")


async def test_a_wrong_query_says_what_is_wrong_and_the_last_answer_stays(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        screen.editor.text = "select 40 + 2 as n from calls limit 1;"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "1 row in" in result(screen), "the answer")
        screen.editor.text = "select * from [b]nowhere"
        await pilot.press("f5")
        await until(pilot, lambda: "query" in str(screen.status.render()), "the reason")
        assert "42" in result(screen)
        await pilot.press("ctrl+up")
        assert screen.editor.text.startswith("select 40 + 2")
        screen.editor.text = "select latencys from calls"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "the nearest is latency_ms" in str(screen.status.render()), "it")
        assert screen.status.size.height == 1, "one short line"


async def test_columns_that_do_not_fit_are_rolled_to(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record(model="[b]\x1b[31m" + "m" * 5_000))
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        await shown(pilot, 1)
        screen = await opened(pilot, until)
        screen.editor.text = "select model, trace_id, latency_ms from calls"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "1 row in" in result(screen), "the answer")
        assert "[b]" in result(screen)
        assert "\x1b" not in result(screen)
        await pilot.press("escape", "l")
        assert "mmm" not in result(screen)
        assert "trace_id" in result(screen)
        await pilot.press("h")
        assert "mmm" in result(screen)


async def test_the_answer_is_written_where_nothing_is_lost(
    sample: Path, shown: Shown, records: int, until: Until, tmp_path: Path
) -> None:
    async with LogApp([sample]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, records)
        screen = await opened(pilot, until)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "5 rows in" in result(screen), "the answer")
        dialog = await asked(pilot, until)
        for name, said in (("out.xls", "does not end in"), ("no/out.csv", "No such file")):
            dialog.path.value = str(tmp_path / name)
            await pilot.press("enter")
            await until(pilot, partial(is_said, dialog, said), said)
        (tmp_path / "out.csv").write_text("precious")
        dialog.path.value = str(tmp_path / "out.csv")
        await pilot.press("enter")
        await until(pilot, partial(is_said, dialog, "is there already"), "that it is there")
        assert (tmp_path / "out.csv").read_text() == "precious"
        await pilot.press("enter")
        await until(pilot, lambda: "Wrote the answer to" in toasts(app), "that it is written")
        written = pl.read_csv(tmp_path / "out.csv")
        assert written["calls"].sum() == 564
        assert screen.result.has_focus


async def test_the_log_itself_is_never_written_over(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 1)
        screen = await opened(pilot, until)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "1 row in" in result(screen), "the answer")
        dialog = await asked(pilot, until)
        dialog.path.value = str(log)
        for _ in range(2):
            await pilot.press("enter")
            await until(
                pilot, partial(is_said, dialog, "is one of the logs being read"), "that it is"
            )
        assert log.read_bytes() == record()
        assert list(tmp_path.iterdir()) == [log]


async def test_up_on_the_first_line_brings_earlier_queries_and_down_what_was_being_typed(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    first, second, typing = "select 1 as one from calls", "select 2 as two from calls", "select"
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 1)
        screen = await opened(pilot, until)
        for query, name in ((first, "one"), (second, "two")):
            screen.editor.text = query
            await pilot.press("ctrl+r")
            await until(pilot, partial(has_column, screen, name), "the answer")
        screen.editor.text = typing
        seen = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            await pilot.pause()
            seen.append(screen.editor.text)
        assert seen == [second, first, first, second, typing, typing]


def has_column(screen: SqlScreen, *names: str) -> bool:
    return screen.result.frame is not None and screen.result.frame.columns == list(names)


async def test_escape_gives_up_a_query_and_the_dashboard_goes_on(
    tmp_path: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record())
    real, go_on = sql.query, Event()

    def slow(frame: pl.DataFrame, text: str, rules: Rules) -> pl.DataFrame:
        assert go_on.wait(60)
        return real(frame, text, rules)

    monkeypatch.setattr(sql, "query", slow)
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 1)
        screen = await opened(pilot, until)
        update, results = screen.update_result, []

        def late(result: SqlResult) -> None:
            update(result)
            results.append(result.sql)

        monkeypatch.setattr(screen, "update_result", late)

        await pilot.press("ctrl+r")
        await until(pilot, lambda: "running" in str(screen.status.render()), "that it runs")
        with log.open("ab") as file:
            file.write(record(step=1))
        await shown(pilot, 2)
        await pilot.press("escape")
        await until(
            pilot, lambda: "cancelled" in str(screen.status.render()), "that it was cancelled"
        )
        assert screen.editor.has_focus
        go_on.set()
        await until(pilot, lambda: bool(results), "the late answer")
        assert screen.result.frame is None


async def test_words_are_completed_as_one_types_tab_takes_them_and_i_goes_back_to_the_editor(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        screen.editor.text = ""
        await pilot.press(*"sel")
        assert screen.editor.suggestion == "ect"
        await pilot.press("tab", *" max(lat", "tab", *") as ms fro", "tab", *" c", "tab")
        assert screen.editor.text == "select max(latency_ms) as ms from calls"
        await pilot.press("ctrl+r")
        await until(pilot, partial(has_column, screen, "ms"), "the answer")
        await pilot.press("tab")
        assert screen.result.has_focus, "with nothing to complete, Tab is as anywhere"
        await pilot.press("i")
        assert screen.editor.has_focus
        await pilot.press("escape")
        assert screen.result.has_focus


async def test_queries_are_there_in_the_next_run(
    sample: Path, tmp_path: Path, shown: Shown, records: int, until: Until
) -> None:
    file = tmp_path / "dashboard.json"
    async with LogApp([sample], memory=Memory(file)).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        screen.editor.text = "select 1 as one from calls"
        await pilot.press("ctrl+r")
        await until(pilot, partial(has_column, screen, "one"), "the answer")
    async with LogApp([sample], memory=Memory(file)).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        await pilot.press("up")
        await until(pilot, lambda: screen.editor.text == "select 1 as one from calls", "it")


async def test_escape_ends_a_query_that_never_ends(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        ended: list[SqlResult] = []
        screen.update_result = ended.append  # type: ignore[method-assign, assignment]
        screen.editor.text = (
            "with recursive t as (select 1 as n union all select n + 1 from t) select max(n) from t"
        )
        await pilot.press("ctrl+r", "escape")
        await until(pilot, lambda: bool(ended), "its end")
        assert ended[0].why == "cancelled"


async def test_the_ready_queries_all_run_and_each_says_what_it_answers(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    first, *others = READY_QUERIES.items()
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        assert screen.editor.text == first[1]
        for title, query in [*others, first]:
            await pilot.press("ctrl+o")
            assert screen.editor.text == query
            assert title in str(screen.status.render())
            screen.result.frame = None
            await pilot.press("ctrl+r")
            await until(pilot, lambda: screen.result.frame is not None, title)


@pytest.mark.parametrize("column", ["span_id", "trace_id"])
async def test_enter_on_a_row_goes_to_its_call_or_its_trace(
    sample: Path, shown: Shown, records: int, until: Until, column: str
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        screen = await opened(pilot, until)
        screen.editor.text = f"select {column} from calls limit 2"  # noqa: S608 - our own name
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "2 rows in" in result(screen), "the answer")
        await pilot.press("escape", "j")
        identifier = screen.result.current_row()[column]
        await pilot.press("enter")
        if column == "trace_id":
            await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "the replay")
            assert isinstance(app.screen, ReplayScreen)
            assert app.screen.target_trace == identifier
        else:
            assert app.overview is not None
            row = app.overview.calls.frame().filter(pl.col("span_id") == identifier)["row"].item()
            await until(pilot, lambda: row_of(overview_of(app).calls) == row, "the call")


async def test_status_and_footer_have_the_keys_that_the_columns_of_a_result_allow(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    of_results = {"chart", "its call", "its trace", "export"}
    async with LogApp([sample]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, records)
        screen = await opened(pilot, until)
        await pilot.press("escape")
        assert not listed(app) & of_results, "before there is a result"
        screen.editor.focus()
        for query, keys in {
            "select model from calls": "x export; i edits · select span_id to go to calls",
            "select model, id from calls": "Enter its call, x export; i edits",
            "select trace_id, ts, latency_ms from calls": (
                "v chart, Enter its call, t its trace, x export; i edits"
            ),
        }.items():
            screen.editor.text = query
            await pilot.press("ctrl+r")
            status = f"Esc to the result: {keys}"
            await until(pilot, lambda: str(screen.status.render()) == status, keys)  # noqa: B023
            assert len(status) < SMALL[0]
            await pilot.press("escape")
            assert {key for key in of_results if key in keys} == listed(app) & of_results
            await pilot.press("i")


async def test_ctrl_l_empties_the_editor_and_undo_brings_the_query_back(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        query = screen.editor.text
        await pilot.press("escape", "ctrl+l")
        assert (screen.editor.text, screen.editor.has_focus) == ("", True)
        await pilot.press("ctrl+z")
        assert screen.editor.text == query


def charts_of(screen: SqlScreen) -> str:
    """What the charts over time say, with their title."""
    shown = [str(each.render()) for each in screen.charts.charts if each.display]
    return "\n".join([str(screen.charts.border_title), *shown, str(screen.charts.axis.render())])


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_v_draws_the_result_as_bars_by_name_and_back(
    sample: Path, shown: Shown, records: int, until: Until, size: tuple[int, int]
) -> None:
    async with LogApp([sample]).run_test(size=size, notifications=True) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        await pilot.press("escape", "v", "ctrl+r")
        await until(pilot, lambda: "5 rows in" in result(screen), "the answer")
        await pilot.press("v")
        title, heading, first, *_ = result(screen).splitlines()
        assert "calls, avg_ms" in title
        assert title.endswith(" by model")
        assert "250" in heading, "a round end of the scale"
        assert "2,000 ms" in heading, "with its unit"
        assert "gpt-oss-120b" in first
        assert "223" in first
        assert "████" in first
        await pilot.press("l")
        assert "calls" not in result(screen).splitlines()[0]
        await pilot.press("v")
        assert "█" not in result(screen)
        screen.editor.text = "select model, status from calls"
        await pilot.press("v", "ctrl+r")
        await until(pilot, lambda: "564 rows in" in result(screen), "text alone: a table again")
        assert screen.result.has_focus


async def test_v_draws_a_result_with_times_as_charts_and_their_rows_lead_to_calls(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, records)
        screen = await opened(pilot, until)
        screen.editor.text = READY_QUERIES["calls, failures and p95 latency per minute"]
        await pilot.press("ctrl+r", "escape")
        await until(pilot, lambda: screen.result.frame is not None, "the answer")
        await pilot.press("v")
        await until(pilot, lambda: "┤" in charts_of(screen), "the charts")
        assert screen.charts.has_focus
        for words in ("Result · by minute", "errors", "6,000 ms ┤", "09:05", "09:30"):
            assert words in charts_of(screen)
        await pilot.press("l", "l")
        assert "2026-11-23 09:01:00 · calls 14 · errors 1" in charts_of(screen)
        assert "more charts" not in listed(app), "all of them have room"
        await pilot.press("j")
        assert [each.display for each in screen.charts.charts] == [True, True, True]

        screen.editor.text = READY_QUERIES["latency over time, by model"]
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "medians by ts and model, 4 of 5" in charts_of(screen), "lines")
        assert "⠶⠶ gpt-oss-120b" in charts_of(screen)
        assert screen.charts.has_focus
        await pilot.press("h")
        row = screen.charts.current_row()
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen), "its trace")
        await pilot.press("q")
        await until(pilot, lambda: app.screen is screen, "the view again")
        await pilot.press("enter")
        assert app.overview is not None
        key = app.overview.calls.frame().filter(pl.col("span_id") == row["span_id"])["row"].item()
        await until(pilot, lambda: row_of(overview_of(app).calls) == key, "its call")


async def test_hostile_names_and_values_are_drawn_inert(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log, evil = tmp_path / "calls.jsonl", "[b]\x1b[31mred[/b]\n" + "m" * 5_000
    log.write_bytes(
        b"".join(
            record(ts=f"2026-11-23T09:0{n}:00Z", model=evil, latency_ms=n, step=n) for n in range(3)
        )
        + record(ts="2026-11-23T09:09:00Z", model="b", latency_ms=10**15)
    )
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        await shown(pilot, 4)
        screen = await opened(pilot, until)
        name = "[red]\x1b[2J"
        screen.editor.text = f'select model, latency_ms as "{name}" from calls'  # noqa: S608
        await pilot.press("ctrl+r")
        await until(pilot, partial(has_column, screen, "model", name), "the answer")
        await pilot.press("escape", "v")
        assert "[b]" in result(screen)
        assert "1,000,000,000,000,000" in result(screen)
        screen.editor.text = f'select ts, model, latency_ms as "{name}" from calls'  # noqa: S608
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "[red]" in charts_of(screen), "the chart")
        assert "[b]" in charts_of(screen)
        assert "\x1b" not in charts_of(screen) + result(screen)


async def test_ctrl_t_lists_the_columns_and_enter_puts_one_into_the_query(
    sample: Path, shown: Shown, records: int, until: Until
) -> None:
    async with LogApp([sample]).run_test(size=WIDE) as pilot:
        await shown(pilot, records)
        screen = await opened(pilot, until)
        screen.editor.text = "select "
        screen.editor.move_cursor((0, 7))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "timestamp" in result(screen), "the list")
        assert screen.history == []
        footer = str(screen.query_one(KeyFooter).render())
        assert "Enter into query" in footer
        assert "v chart" not in footer, "columns have no chart"
        assert "its trace" not in footer
        await pilot.press("j", "enter")
        assert screen.editor.text == "select event"
        assert screen.editor.has_focus
