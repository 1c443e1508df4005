"""Saved filters: one is typed and saved, the other two ways apply and delete it, in a later run."""

from __future__ import annotations

from pathlib import Path

from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, toasts
from textual.widgets import Input

from llmlog_tui.config.filters import FilterStore
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens import FiltersDialog

SLOW = "latency_ms > 500"
NAME = "[b]slow ones"


def log_in(folder: Path) -> Path:
    log = folder / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n, latency_ms=n * 200) for n in range(6)))
    return log


def listed(app: LogApp) -> list[str]:
    dialog = app.screen
    assert isinstance(dialog, FiltersDialog)
    return [line.strip(" ▌") for line in lines_of(dialog.table)[1:] if line.strip()]


def filter_row(app: LogApp) -> str:
    bar = app.view.filterbar
    return str(bar.query_one("#filter-predicate").render()) if bar.display else ""


async def test_a_filter_is_saved_in_the_bar_and_applied_in_another_run(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log, file = log_in(tmp_path), tmp_path / "config" / "filters.toml"
    app = LogApp([log], filters_file=file)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 6)
        await pilot.press("f", *"latency_ms >", "ctrl+s")
        assert not isinstance(app.screen, FiltersDialog), "an invalid one cannot be saved"
        await pilot.press(*" 500", "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, FiltersDialog), "the list")
        await until(pilot, lambda: isinstance(app.focused, Input), "the name's input")
        await pilot.press("enter")
        await until(pilot, lambda: "A filter needs a name." in toasts(app), "a name is needed")
        await pilot.press(*NAME, "enter")
        await until(pilot, lambda: listed(app) == [f"{NAME}             {SLOW}"], "it is listed")
        assert FilterStore(file).read() == ({NAME: SLOW}, "")
        await pilot.press("enter")
        await until(pilot, lambda: filter_row(app) == SLOW, "it is applied")
        await shown(pilot, 6)
        assert app.overview is not None
        assert app.overview.calls.height == 3

    app = LogApp([log], filters_file=file)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await shown(pilot, 6)
        await pilot.press("F", "a")
        await until(pilot, lambda: "No filter to save" in toasts(app), "nothing to save")
        await pilot.press("enter")
        await until(pilot, lambda: filter_row(app) == SLOW, "from the list")
        await pilot.press("escape")
        await until(pilot, lambda: not filter_row(app), "cleared")
        await pilot.press("colon", *"slow ones", "enter")
        await until(pilot, lambda: filter_row(app) == SLOW, "from the palette")
        await pilot.press("f", "ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, FiltersDialog), "from the bar")
        await pilot.press("a", *"other", "enter")
        await until(pilot, lambda: len(listed(app)) == 2, "the current one under another name")
        await pilot.press("g", "x")
        await until(pilot, lambda: len(listed(app)) == 1, "deleted")
        assert f"Deleted {NAME}: {SLOW}" in toasts(app)
        assert FilterStore(file).read()[0] == {"other": SLOW}
        await pilot.press("escape")
        assert filter_row(app) == SLOW, "the filter itself stays"


async def test_a_file_that_cannot_be_read_is_reported_and_a_bad_filter_is_refused(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log, file = log_in(tmp_path), tmp_path / "filters.toml"
    file.write_text("broken")
    app = LogApp([log], filters_file=file)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await shown(pilot, 6)
        await pilot.press("F")
        await until(pilot, lambda: "filters.toml: " in toasts(app), "why there are none")
        await pilot.press("escape")
        file.write_text("bad = 'nope > 1'")
        await pilot.press("F")
        await until(pilot, lambda: listed(app) == ["bad                      nope > 1"], "one")
        await pilot.press("enter")
        await until(pilot, lambda: "nope" in toasts(app), "refused")
        await shown(pilot, 6)
        assert not filter_row(app)
