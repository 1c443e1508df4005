"""How cells are cut: by the width a terminal gives them, and never in half."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llmlog_tui.tui.widgets.column_layout import (
    content_widths,
    fit,
    fit_contents,
    lay_out,
    leading_items,
)
from llmlog_tui.tui.widgets.row_source import CellSpan, Column, cell


def text(spans: list[CellSpan]) -> str:
    return "".join(span.text for span in spans)


def test_numbers_stand_at_the_right_and_words_at_the_left() -> None:
    assert text(lay_out(cell("42"), 5, "right")) == "   42"
    assert text(lay_out(cell("ab"), 5, "left")) == "ab   "


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert text(lay_out(cell("abcdef"), 5, "left")) == "abcd…"


def test_a_text_of_items_is_cut_between_them_and_keeps_the_first() -> None:
    title = "Calls · 340 of 564 slow: 141 reasoning, 26 retries"
    separators = (" · ", ", ")
    assert leading_items(title, 50, separators) == title
    assert leading_items(title, 49, separators) == "Calls · 340 of 564 slow: 141 reasoning"
    assert leading_items(title, 20, separators) == "Calls"
    assert leading_items(title, 3, separators) == "Calls", "there is nothing to leave out"


def test_a_wide_character_is_never_cut_in_half() -> None:
    assert text(lay_out(cell("漢字漢字"), 5, "left")) == "漢字…"
    assert text(lay_out(cell("漢字漢字"), 4, "left")) == "漢 …"


def test_several_tones_share_one_cell() -> None:
    spans = (CellSpan("✗", "error"), CellSpan("fetch_page", "secondary"))
    assert lay_out(spans, 6, "left") == [CellSpan("✗", "error"), CellSpan("fetc…", "secondary")]


@given(st.lists(st.text()), st.integers(0, 40), st.sampled_from(["left", "right"]))
def test_a_cell_is_exactly_as_wide_as_its_column_whatever_is_in_it(
    values: list[str], width: int, align: str
) -> None:
    drawn = text(lay_out([CellSpan(value) for value in values], width, align))
    assert cell_len(drawn) == width
    assert drawn.isprintable()


def test_columns_that_do_not_fit_are_left_out_from_the_right() -> None:
    columns = (Column("a", 5), Column("b", 5), Column("c", 5))
    assert fit(columns, 17) == [5, 5, 5]
    assert fit(columns, 16) == [5, 5]
    assert fit(columns, 4) == []


def test_the_flexible_column_takes_what_the_others_leave() -> None:
    columns = (Column("a", 5), Column("b", 5, flex=True), Column("c", 5))
    assert fit(columns, 30) == [5, 18, 5]


COLUMNS = (Column("id", 4), Column("what", 6, flex=True), Column("calls", 5, "right"))


def test_columns_as_wide_as_their_contents_leave_the_rest_of_the_screen_blank() -> None:
    assert fit_contents(COLUMNS, [8, 12, 5], 100) == [8, 12, 5]
    assert fit_contents(COLUMNS, [2, 3, 1], 100) == [4, 6, 5], "none is narrower than declared"


def test_cut_texts_get_spare_width_before_the_flexible_column() -> None:
    assert fit_contents(COLUMNS, [8, 90, 9], 40) == [8, 21, 9]
    assert fit_contents(COLUMNS, [30, 90, 9], 26) == [7, 9, 8], "all share what does not suffice"


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3), st.integers(17, 400))
def test_columns_of_any_contents_stay_within_the_room(contents: list[int], room: int) -> None:
    widths = fit_contents(COLUMNS, contents, room)
    assert sum(widths) + len(widths) - 1 <= room
    assert all(width >= column.width for width, column in zip(widths, COLUMNS, strict=True))


def test_contents_are_as_wide_as_their_cells_and_those_of_a_megabyte_are_bounded() -> None:
    rows = [[cell("ab"), cell("漢字漢")], [(CellSpan("a"), CellSpan("bcd")), cell("x" * 1_000_000)]]
    assert content_widths(rows[:1], [1, 1]) == [2, 6]
    assert content_widths(rows, [1, 1]) == [4, 200]
    assert content_widths(rows[:1], [9, 9]) == [9, 9], "they only grow"
