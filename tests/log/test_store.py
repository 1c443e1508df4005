"""Where each raw line lies, and how many frames there are."""

from __future__ import annotations

from pathlib import Path

from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.parse import parse
from llmlog_tui.log.store import ByteRange, Store

LINE = b'{"event": "span", "step": 1}\n'


def add(store: Store, data: bytes, offset: int, generation: int = 0) -> tuple[int, int]:
    """Add a block; the byte_range of its last record, and the line in it."""
    store.add(0, Block(data, offset, generation), parse(data))
    block, line = store.snapshot().frame.select("block", "line").row(-1)
    return block, line


def test_small_blocks_that_follow_one_another_are_one_stretch() -> None:
    store = Store([Path("calls.jsonl")])
    size = len(LINE)
    assert add(store, LINE, 0) == (0, 0)
    assert add(store, b"\n" + LINE, size) == (0, 2)
    assert store.byte_range(0) == ByteRange(0, 0, 0, 2 * size + 1, 3)


def test_blocks_with_something_between_them_or_of_another_file_are_not() -> None:
    store = Store([Path("calls.jsonl")])
    assert add(store, LINE, 0) == (0, 0)
    assert add(store, LINE, 100) == (1, 0)
    assert add(store, LINE, 100 + len(LINE), generation=1) == (2, 0)


def test_half_a_line_ends_a_stretch_because_the_other_half_counts_as_a_line() -> None:
    store = Store([Path("calls.jsonl")])
    assert add(store, LINE[:-1], 0) == (0, 0)
    assert add(store, b" \n" + LINE, len(LINE) - 1) == (1, 1)


def test_a_stretch_does_not_grow_without_end() -> None:
    store = Store([Path("calls.jsonl")])
    many = LINE * (100_000 // len(LINE))
    assert {add(store, many, number * len(many))[0] for number in range(6)} == {0, 1, 2}


def test_frames_stay_few_however_many_blocks_arrive() -> None:
    store = Store([Path("calls.jsonl")])
    for number in range(300):
        add(store, LINE * (number % 5 + 1), number * 100)
    snapshot = store.snapshot()
    assert snapshot.frame.n_chunks() < 40
    assert snapshot.frame["row"].to_list() == list(range(900))
