"""Whatever the bytes and however they arrive: no exception, and every line accounted for."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog.record import jsonable
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.parse import Parsed, parse
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.store import Snapshot

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.just("a"), SCALARS)
NAMES = st.sampled_from([*COLUMNS, "request_model", "http_status", "error", "time", "x"])
FIELDS = st.dictionaries(NAMES, JSON, max_size=4)


def dumped(fields: Mapping[str, object]) -> bytes:
    return json.dumps(jsonable(fields), ensure_ascii=False).encode(errors="replace")


OBJECTS = FIELDS.map(dumped)
"""Records, and objects that are foreign."""
RECORDS = FIELDS.map(lambda fields: dumped({**fields, "event": "response"}))
BLANKS = st.sampled_from([b"", b" ", b"\r", b"\t \r"])
BAD = st.sampled_from(
    [b"x", b"{", b"[1]", b"null", b"\xff", b"\0", b"{}{}", b'{"x": NaN}', b"\xef\xbb\xbf{}"]
) | st.binary(min_size=1, max_size=20).map(lambda some: b"!" + some.replace(b"\n", b"?"))
CUTS = st.lists(st.integers(0, 600), max_size=6)


def accounted(parsed: Parsed) -> int:
    return parsed.frame.height + parsed.skipped.counts.total() + parsed.blanks


@contextmanager
def growing(pieces: Sequence[bytes]) -> Iterator[tuple[Path, Iterator[None]]]:
    """A file, and what appends the pieces to it one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "calls.jsonl")
        with path.open("wb", buffering=0) as file:
            yield path, (None for piece in pieces if file.write(piece) or True)


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(min(edge, len(data)) for edge in at), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def read_while_growing(data: bytes, at: Sequence[int]) -> Snapshot:
    with growing(cut(data, at)) as (path, steps):
        reader = Reader([path])
        for _ in steps:
            while reader.step():
                pass
        reader.finish()
        reader.loaded()
        return reader.snapshot()


@given(st.binary(max_size=300))
@example(b"x\x01\x00\x00\x00\x00\x00")
def test_any_bytes_are_lines_that_are_records_skipped_or_blank(data: bytes) -> None:
    parsed = parse(data)
    assert parsed.lines == data.count(b"\n") + (not data.endswith(b"\n") if data else 0)
    assert accounted(parsed) == parsed.lines


@given(st.binary(max_size=300), CUTS)
@settings(max_examples=examples(60))
def test_any_bytes_cut_anywhere_come_whole_and_in_order(data: bytes, at: list[int]) -> None:
    with growing(cut(data, at)) as (path, steps):
        follower = Follower(path)
        blocks = []
        for _ in steps:
            while block := follower.read():
                assert block.data.endswith(b"\n")
                blocks.append(block)
        if last := follower.finish():
            blocks.append(last)
        follower.close()
    assert b"".join(block.data for block in blocks) == data
    assert all(data[block.offset :].startswith(block.data) for block in blocks)


@given(st.lists(RECORDS | OBJECTS | BLANKS | BAD, max_size=8), CUTS)
@example([b"!{", b"!}"], [])  # no object that was printed over two lines
@settings(max_examples=examples(60))
def test_a_log_read_in_pieces_is_the_log_read_at_once(lines: list[bytes], at: list[int]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    whole, live = parse(data, at_start=True), read_while_growing(data, at)
    assert live.frame.select(list(COLUMNS)).equals(whole.frame.select(list(COLUMNS)))
    assert live.counts.lines == whole.lines == len(lines)
    assert live.counts.blanks == whole.blanks
    assert live.counts.skipped == whole.skipped.counts
    assert live.counts.nulled == whole.nulled.counts
    assert {kind: place.line - 1 for kind, place in live.counts.first_skipped.items()} == (
        whole.skipped.first
    )


@given(st.lists(RECORDS, max_size=10), st.lists(BLANKS | BAD, max_size=6), st.randoms())
@settings(max_examples=examples(80))
def test_good_lines_in_are_rows_out_whatever_stands_between_them(
    good: list[bytes], other: list[bytes], random: object
) -> None:
    lines = [(line, True) for line in good] + [(line, False) for line in other]
    random.shuffle(lines)  # type: ignore[attr-defined]
    parsed = parse(b"\n".join(line for line, _ in lines))
    assert parsed.frame["line"].to_list() == [n for n, (_, is_good) in enumerate(lines) if is_good]
    assert accounted(parsed) == parsed.lines


@given(st.lists(RECORDS, min_size=1, max_size=8))
@settings(max_examples=examples(80))
def test_a_record_reads_the_same_alone_and_among_others(records: list[bytes]) -> None:
    columns = list(COLUMNS)
    together = parse(b"\n".join(records)).frame.select(columns)
    for row, record in enumerate(records):
        assert parse(record).frame.select(columns).equals(together.slice(row, 1)), record


@given(
    st.lists(OBJECTS | BAD, max_size=8),
    st.frozensets(NAMES),
    st.just(COLUMNS) | st.frozensets(st.sampled_from([*COLUMNS])),
)
@settings(max_examples=examples(80))
def test_a_block_reads_the_same_whatever_fields_the_blocks_before_had(
    lines: list[bytes], filled: frozenset[str], columns: Collection[str]
) -> None:
    block = b"\n".join(lines)
    alone, after = parse(block, columns=columns), parse(block, columns=columns, filled=filled)
    assert after.frame.equals(alone.frame)
    assert dict(after.frame.schema) == dict(alone.frame.schema)
    assert (after.skipped, after.nulled) == (alone.skipped, alone.nulled)
    assert after.filled == alone.filled | filled


@given(st.lists(OBJECTS | BAD, max_size=8), st.frozensets(st.sampled_from([*COLUMNS])))
@settings(max_examples=examples(80))
def test_fields_that_are_asked_for_are_the_same_without_the_others(
    lines: list[bytes], columns: frozenset[str]
) -> None:
    block = b"\n".join(lines)
    of_all, some = parse(block), parse(block, columns=columns)
    names = {*columns, "event", "status", "line"}
    assert some.frame.select(names).equals(of_all.frame.select(names))
    assert some.skipped == of_all.skipped
    assert {name: some.nulled.counts[name] for name in columns} == {
        name: of_all.nulled.counts[name] for name in columns
    }
