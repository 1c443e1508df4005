"""A record at the end of a file that lacks its newline: read when nothing else comes, and once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from tests.log.conftest import append, drain, lines, raw_line

from llmlog_tui.log.follow import Follower
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.store import SourceLocation


def test_a_record_whose_newline_does_not_come_is_read_once_nothing_else_comes(path: Path) -> None:
    path.write_bytes(lines(0, 2) + lines(2, 3).rstrip(b"\n"))
    follower = Follower(path, settle_s=0)
    assert drain(follower) == lines(0, 3).rstrip(b"\n")
    assert drain(follower) == b""
    append(path, b"\n" + lines(3, 4))
    assert drain(follower) == lines(3, 4)
    follower.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_newline_that_comes_late_is_no_line_of_its_own(path: Path, end: bytes) -> None:
    path.write_bytes(b'{"event": "span", "step": 0}')
    follower = Follower(path, settle_s=0)
    assert drain(follower) == b'{"event": "span", "step": 0}'
    append(path, end)
    assert follower.read() is None
    append(path, lines(1, 2))
    block = follower.read()
    assert block is not None
    assert (block.data, block.offset) == (lines(1, 2), len(b'{"event": "span", "step": 0}' + end))
    follower.close()


def test_a_record_that_may_still_be_written_is_waited_for(path: Path) -> None:
    path.write_bytes(b'{"event": "span", "step": 0}')
    follower = Follower(path, settle_s=3_600)
    assert follower.read() is None
    append(path, b"\n")
    assert drain(follower) == b'{"event": "span", "step": 0}\n'
    follower.close()


@pytest.mark.parametrize("torn", [b'{"event": "span", "step": 1', b'{"x": {}', b"chatter", b"[1]"])
def test_what_is_no_whole_record_waits_for_its_rest(path: Path, torn: bytes) -> None:
    path.write_bytes(lines(0, 1) + torn)
    follower = Follower(path, settle_s=0)
    assert drain(follower) == lines(0, 1)
    append(path, b"}\n")
    assert drain(follower) == torn + b"}\n"
    follower.close()


def test_a_record_printed_over_many_lines_is_read_though_nothing_follows_its_brace(
    path: Path,
) -> None:
    printed = b'{\n  "event": "span",\n  "step": 7\n}'
    path.write_bytes(printed)
    follower = Follower(path, settle_s=0)
    assert drain(follower) == printed
    append(path, b"\n" + lines(8, 9))
    assert drain(follower) == lines(8, 9)
    follower.close()
    with closing(Reader([path])) as reader:
        while reader.snapshot().counts.records < 2:
            reader.step()
        assert reader.snapshot().frame["step"].to_list() == [7, 8]


def test_counts_places_and_raw_lines_are_those_of_the_file(path: Path) -> None:
    path.write_bytes(lines(0, 1) + b'{"event": "span", "step": 1}')
    reader = Reader([path])
    while reader.snapshot().counts.records < 2:
        reader.step()
    append(path, b"\n" + lines(2, 3) + b"bad\n")
    while reader.step():
        pass
    counts = reader.snapshot().counts
    assert (counts.lines, counts.records, counts.blanks) == (4, 3, 0)
    assert counts.first_skipped == {"not_json": SourceLocation(path, 4)}
    places = reader.snapshot().frame.select("block", "line").rows()
    raw = [raw_line(reader, block, line) for block, line in places]
    assert raw == [b'{"event": "span", "step": %d}' % step for step in range(3)]
    reader.close()
