"""A frame that grows at its end is all that was appended to it, in few pieces."""

from __future__ import annotations

from itertools import count

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.log.chunked_frame import ChunkedFrame, hstack

NAMES = ("append", "keep_first", "drop_first", "whole")
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 60)), max_size=80)


def numbers(frame: pl.DataFrame) -> list[int]:
    return frame["n"].to_list()


@given(STEPS)
@settings(max_examples=examples(60))
def test_whatever_is_done_to_it_it_is_what_a_list_would_be(steps: list[tuple[str, int]]) -> None:
    frames, expected, new = ChunkedFrame([pl.DataFrame({"n": [-1]})]), [-1], count()
    for what, rows in steps:
        if what == "append":
            more = [next(new) for _ in range(rows)]
            frames.append(pl.DataFrame({"n": more}, schema={"n": pl.Int64}))
            expected += more
        elif what == "keep_first":
            frames.keep_first(rows)
            del expected[rows:]
        elif what == "drop_first":
            assert frames.drop_first(rows) == min(rows, len(expected))
            del expected[:rows]
        else:
            assert numbers(frames.frame()) == expected
    assert numbers(frames.frame()) == expected
    assert frames.height == len(expected)


def test_frames_stay_few_and_the_whole_is_put_together_of_fewer() -> None:
    frames = ChunkedFrame()
    for n in range(3_000):
        frames.append(pl.DataFrame({"n": [n]}))
    assert len(frames.frames) < 40
    blocks = ChunkedFrame(pl.DataFrame({"n": range(5_000)}) for _ in range(300))
    assert len(blocks.frames) == 300
    assert len(blocks.merged) < 100
    blocks.append(pl.DataFrame({"n": [7]}))
    assert (blocks.frame().height, blocks.frame()["n"][-1]) == (1_500_001, 7)
    blocks.keep_first(10)
    assert numbers(blocks.frame()) == list(range(10))


@pytest.mark.parametrize("rows", [5_000, 40_000])
def test_the_blocks_of_a_file_are_left_as_they_are_whatever_comes_behind_them(rows: int) -> None:
    file = [pl.DataFrame({"n": [n] * rows}) for n in range(20)]
    frames, few = ChunkedFrame(file[:10]), pl.DataFrame({"n": [7]})
    for block in file[10:]:
        frames.append(few)
        frames.append(block)
    for _ in range(100):
        frames.append(few)
    assert all(any(block is each for each in frames.frames) for block in file)
    assert len(frames.frames) < 20 + 10 + 20


def test_what_stands_beside_a_file_is_not_cut_anew_for_each_row_that_comes() -> None:
    file = pl.concat(pl.DataFrame({"n": [n] * 5_000}) for n in range(20))
    more = ChunkedFrame([file.rename({"n": "m"})])
    rows = ChunkedFrame()
    blocks: list[list[int]] = []
    for n in range(9):
        rows.append(pl.DataFrame({"n": [n]}))
        more.append(pl.DataFrame({"m": [n]}))
        both = hstack(pl.concat([file, rows.frame()]), more)
        assert both["m"].to_list() == both["n"].to_list()
        blocks.append([id(block) for block in more.frames[:20]])
    assert all(later == blocks[0] for later in blocks)


def test_what_was_let_go_of_is_not_held_by_what_was_put_together() -> None:
    blocks = ChunkedFrame(pl.DataFrame({"n": [n] * 5_000}) for n in range(300))
    assert blocks.merged[0].height > 5_000
    blocks.drop_first(1_000_000)
    assert blocks.frame().height == 500_000
    assert blocks.merged[0]["n"][0] == 200


@pytest.mark.parametrize("heights", [(3, 5, 2), (10,), (1, 1, 1, 7), (8, 0, 2)])
def test_columns_stand_beside_others_in_pieces_of_the_same_height(heights: tuple[int, ...]) -> None:
    more = ChunkedFrame(pl.DataFrame({"m": [n, n]}) for n in range(5))
    parts = [pl.DataFrame({"n": range(height)}, schema={"n": pl.Int64}) for height in heights]
    both = hstack(pl.concat(parts), more)
    assert both["m"].to_list() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    cut = [[height for height in column.chunk_lengths() if height] for column in both]
    assert cut[0] == cut[1]


def test_nothing_stands_beside_nothing() -> None:
    more = ChunkedFrame([pl.DataFrame({"m": []}, schema={"m": pl.Int64})])
    both = hstack(pl.DataFrame({"n": []}, schema={"n": pl.Int64}), more)
    assert (both.height, both.columns) == (0, ["n", "m"])
