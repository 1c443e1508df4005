"""What is drawn anew: the lines that look another way, and all of them in another theme."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.frozen import freeze, unfreeze
from tests.tui.conftest import (
    SMALL,
    WIDE,
    Shown,
    Until,
    expect_fault,
    lines_of,
    record,
    toasts,
    top_row,
)
from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from llmlog_tui.log.reader import Reader
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.panes.traces import TracesPane
from llmlog_tui.tui.runtime.line_compositor import LineCompositor
from llmlog_tui.tui.theme import LIGHT
from llmlog_tui.tui.widgets.footer import KeyFooter
from llmlog_tui.tui.widgets.row_source import Column, Row, RowSource, cell
from llmlog_tui.tui.widgets.table import LineTable


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Forty calls of one trace."""
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(record(step=n) for n in range(40)))
    return log


class Watched(LineTable):
    """A table that notes the lines it is told to draw."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: set[int] = set()

    def refresh(self, *regions: Region, **options: bool) -> Watched:
        """Note them; without regions it is all of them."""
        for region in regions or (Region(0, 0, 1, 1_000),):
            self.drawn.update(region.line_range)
        return super().refresh(*regions, **options)


class Numbers(RowSource):
    """A row for each number; the rows that were asked for are counted."""

    columns: tuple[Column, ...] = (Column("n", 20),)

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers
        self.made = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def key(self, index: int) -> int:
        return self._numbers[index]

    def index(self, key: object) -> int | None:
        return self._numbers.index(key) if isinstance(key, int) and key in self._numbers else None

    def rows(self, start: int, stop: int, widths: object) -> list[Row]:
        del widths
        self.made += stop - start
        return [Row((cell(str(number)),)) for number in self._numbers[start:stop]]


class Twice(Numbers):
    """Each number in two columns."""

    columns = (Column("n", 4), Column("again", 20))

    def rows(self, start: int, stop: int, widths: object) -> list[Row]:
        return [Row((*row.cells, *row.cells)) for row in super().rows(start, stop, widths)]


async def test_a_cursor_that_moves_draws_the_line_it_left_and_the_line_it_came_to(
    tmp_path: Path, shown: Shown
) -> None:
    async with LogApp([tmp_path / "none.jsonl"]).run_test(size=WIDE) as pilot:
        app, table = await shown(pilot, 0), Watched()
        await app.screen.mount(table)
        table.focus()
        table.set_source(Numbers(range(1_000_000)))
        await pilot.pause()
        table.drawn.clear()
        await pilot.press("up")
        last = table.size.height - 1
        assert table.drawn == {last - 1, last}


async def test_rows_that_come_elsewhere_draw_nothing(tmp_path: Path, shown: Shown) -> None:
    async with LogApp([tmp_path / "none.jsonl"]).run_test(size=WIDE) as pilot:
        app, table = await shown(pilot, 0), Watched()
        await app.screen.mount(table)
        table.focus()
        table.set_source(Numbers(range(1_000)))
        await pilot.press("home")
        await pilot.pause()
        table.drawn.clear()
        table.set_source(Numbers(range(2_000)))
        assert table.drawn == set()


async def test_a_line_further_makes_one_row(tmp_path: Path, shown: Shown) -> None:
    async with LogApp([tmp_path / "none.jsonl"]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 0)
        table, rows = Watched(), Numbers(range(1_000_000))
        await app.screen.mount(table)
        table.focus()
        table.set_source(rows)
        await pilot.pause()
        await pilot.press("home", *["down"] * (table.size.height - 2))
        made = rows.made
        await pilot.press("down")
        assert rows.made - made == 1


class Seen(LineTable):
    """A table that keeps what each of its lines was last drawn as."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[int, str] = {}

    def render_line(self, y: int) -> Strip:
        """Keep it."""
        strip = super().render_line(y)
        self.seen[y] = strip.text
        return strip


async def test_lines_are_drawn_anew_when_the_table_becomes_wider(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([tmp_path / "none.jsonl"]).run_test(size=WIDE) as pilot:
        app, table = await shown(pilot, 0), Seen()
        table.styles.width = 15
        await app.screen.mount(table)
        table.set_source(Twice(range(5)))
        await until(pilot, lambda: table.seen.get(1, "").split() == ["0"], "one column")
        table.styles.width = 40
        await until(pilot, lambda: table.seen[1].split() == ["0", "0"], "both columns")


async def test_each_line_is_as_wide_as_its_table(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        for size in (WIDE, SMALL, (20, 10)):
            await pilot.resize_terminal(*size)
            app = await shown(pilot, 40)
            for pane in app.query(LineTable):
                for strip in map(pane.render_line, range(pane.size.height)):
                    assert cell_len(strip.text) == strip.cell_length == pane.size.width


async def test_an_update_has_the_same_lines_as_of_textual_whatever_lies_above_them(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = await shown(pilot, 40)
        app.notify("above the panes")
        for keys in ((), ("?",), ("escape", "2"), ("1", "z"), ("z", "/")):
            await pilot.press(*keys)
            compositor = app.view._compositor  # noqa: SLF001 - what Textual renders with
            for every in (1, 3, 7):
                expected, found = (
                    update(of, compositor, range(0, WIDE[1], every))
                    for of in (Compositor, LineCompositor)
                )
                assert found == expected, keys


def update(of: type[Compositor], compositor: Compositor, lines: range) -> list[dict[int, str]]:
    """The pieces of an update of these lines, by column."""
    chops = of._render_chops(compositor, compositor.size.region, lines.__contains__)  # noqa: SLF001
    return [{cut: strip.text for cut, strip in chops[y].items()} for y in lines]


async def test_an_update_renders_only_widgets_on_its_lines(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        await pilot.pause()
        rendered = set[Widget]()
        for widget in app.screen._compositor.visible_widgets:  # noqa: SLF001 - as above
            widget.render_lines = partial(note, rendered, widget, widget.render_lines)  # type: ignore[method-assign]
        header, calls = app.view.header, app.query_one(CallsPane)
        header.refresh()
        calls.refresh(Region(0, 3, 10, 1))
        await pilot.pause()
        assert rendered == {header, calls}, "neither what is between them nor what is below"


async def test_lines_that_were_moved_with_their_frame_are_as_they_would_be_drawn_anew(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 40)
        pane = app.query_one(CallsPane)
        pane.focus()
        for key in ("up", "pageup", "up", "b", "up", "down", "pagedown", "home", "end", "tab"):
            await pilot.press(key)
            kept = pane.render_lines(pane.outer_size.region)
            pane._styles_cache.clear()  # noqa: SLF001 - nothing is kept
            pane._strips.clear()  # noqa: SLF001 - nor drawn
            assert pane.render_lines(pane.outer_size.region) == kept, key


async def test_a_record_draws_its_row_and_the_titles_and_neither_other_rows_nor_the_keys(
    log: Path, shown: Shown, until: Until
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 40)
        await pilot.press("2")
        app = await shown(pilot, 40)
        pane, keys = app.screen.query_one("#all-calls", CallsPane), app.screen.query_one(KeyFooter)
        await until(pilot, lambda: len(pane._drawn) == pane.size.height > 1, "the view")  # noqa: SLF001 - as above
        drawn, rendered = list[int](), set[Widget]()
        pane.render_line = partial(noted, drawn, pane.render_line)  # type: ignore[method-assign]
        keys.render_lines = partial(note, rendered, keys, keys.render_lines)  # type: ignore[method-assign]
        with log.open("ab") as file:
            file.write(record(step=40))
        await shown(pilot, 41)
        await pilot.pause()
        assert len(drawn) <= 2, "the row that is new, and the one that the cursor left"
        assert not rendered
        assert "41 of 41 records" in (pane.border_subtitle or "")
        kept = pane.render_lines(pane.outer_size.region)
        assert "41 of 41 records" in kept[-1].text
        pane._styles_cache.clear()  # noqa: SLF001 - nothing is kept
        assert pane.render_lines(pane.outer_size.region) == kept


def noted(lines: list[int], render: Callable[[int], Strip], y: int) -> Strip:
    lines.append(y)
    return render(y)


def note(
    rendered: set[Widget], widget: Widget, render: Callable[[Region], list[Strip]], crop: Region
) -> list[Strip]:
    rendered.add(widget)
    return render(crop)


async def test_rows_on_screen_are_kept_while_calls_are_added_and_are_as_they_would_be_anew(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        await pilot.press("2")
        pane = app.screen.query_one("#all-calls", CallsPane)
        for number in (40, 41):
            before = pane.source
            with log.open("ab") as file:
                file.write(record(step=number, latency_ms=number * 100, ts="2031-01-01T00:00:00Z"))
            await shown(pilot, number + 1)
            kept = lines_of(pane)
            pane._window = None  # noqa: SLF001 - nothing is kept
            pane._strips.clear()  # noqa: SLF001 - nor drawn
            assert lines_of(pane) == kept
            assert pane.source is not before


async def test_another_theme_draws_all_lines_in_its_colours(log: Path, shown: Shown) -> None:
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 40)
        panes = [app.query_one(TracesPane), app.query_one(CallsPane)]
        before = [[pane.render_line(y) for y in range(3)] for pane in panes]
        app.theme = LIGHT.name
        await pilot.pause()
        for pane, lines in zip(panes, before, strict=True):
            for y, line in enumerate(lines):
                now = pane.render_line(y)
                assert now.text == line.text
                assert all(new.style != old.style for new, old in zip(now, line, strict=True)), (
                    f"{pane.id}, line {y}"
                )


async def test_a_reader_that_fails_is_told_and_the_screen_goes_on(
    log: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Reader) -> bool:
        raise ValueError("[red]torn[/red]")

    monkeypatch.setattr(Reader, "step", fail)
    async with LogApp([log]).run_test(size=WIDE, notifications=True) as pilot:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: "Reading failed" in toasts(app), "the toast")
        assert "[red]torn[/red]" in toasts(app)
        assert "reading failed" in top_row(app)
        await pilot.press("2")
        assert app.screen.query_one("#all-calls").has_focus
        expect_fault(app)


async def test_what_stays_is_not_looked_through_for_garbage_while_one_types(
    log: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "freeze", freeze)
    monkeypatch.setattr(gc, "unfreeze", unfreeze)
    unfreeze()
    before = gc.get_threshold()
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 40)
        assert gc.get_freeze_count() > 0, "the imports are out of the way"
        full = gc.get_stats()[2]["collections"]
        for _ in range(20):
            await pilot.press("up", "down")
        assert gc.get_stats()[2]["collections"] == full
        assert lines_of(pilot.app.query_one(CallsPane))
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


async def test_a_screen_without_room_for_a_column_is_drawn_all_the_same(
    log: Path, shown: Shown
) -> None:
    async with LogApp([log]).run_test(size=(1, 1)) as pilot:
        app = await shown(pilot, 40)
        for size in ((1, 1), (3, 2), (12, 5), (40, 3)):
            await pilot.resize_terminal(*size)
            for view in "123456":
                app.action_view(int(view))
                await pilot.press("up", "down")
            await pilot.resize_terminal(*WIDE)
            app.action_view(1)
            await pilot.pause()
            assert "100" in "\n".join(lines_of(app.query_one(CallsPane)))
