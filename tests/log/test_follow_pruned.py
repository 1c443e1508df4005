"""A file whose prefix was cut off, as llmlog.prune does it: what is kept was read already."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.log.conftest import append, drain

from llmlog_tui.log import follow, rotation
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.rotation import HEAD_BYTES


def lines(first: int, after: int) -> bytes:
    """Lines as long as records are."""
    return b"".join(
        b'{"event": "span", "step": %d, "pad": "%s"}\n' % (n, b"x" * 150)
        for n in range(first, after)
    )


def replaced(path: Path, data: bytes) -> None:
    """Another file takes the path in one move."""
    other = path.with_suffix(".new")
    other.write_bytes(data)
    other.replace(path)


@pytest.mark.parametrize("kept_from", [1, 4, 8])
@pytest.mark.parametrize("block_bytes", [100, 1_000, 8 * 2**20])
def test_only_what_is_behind_the_kept_lines_is_new(
    path: Path, monkeypatch: pytest.MonkeyPatch, kept_from: int, block_bytes: int
) -> None:
    path.write_bytes(lines(0, 10))
    follower = Follower(path)
    assert drain(follower) == lines(0, 10)
    monkeypatch.setattr(follow, "BLOCK_BYTES", max(block_bytes, HEAD_BYTES + 2))
    monkeypatch.setattr(rotation, "_COMPARED_BYTES", max(block_bytes, HEAD_BYTES + 2))
    replaced(path, lines(kept_from, 10))
    assert drain(follower) == b""
    append(path, lines(10, 12))
    assert drain(follower) == lines(10, 12)
    replaced(path, lines(kept_from + 1, 13))
    assert drain(follower) == lines(12, 13)
    follower.close()


def test_what_was_written_before_the_cut_and_behind_it_is_read_once(path: Path) -> None:
    path.write_bytes(lines(0, 4))
    follower = Follower(path)
    drain(follower)
    append(path, lines(4, 6))
    replaced(path, lines(2, 9))
    assert drain(follower) == lines(4, 9)
    follower.close()


def test_the_longest_stretch_counts_where_lines_are_alike(path: Path) -> None:
    alike = lines(7, 8)
    path.write_bytes(lines(0, 2) + alike * 5)
    follower = Follower(path)
    drain(follower)
    replaced(path, alike * 4 + lines(8, 9))
    assert drain(follower) == lines(8, 9)
    follower.close()


def test_a_cut_that_keeps_nothing_leaves_a_new_file(path: Path) -> None:
    path.write_bytes(lines(0, 4))
    follower = Follower(path)
    drain(follower)
    replaced(path, b"")
    assert drain(follower) == b""
    append(path, lines(4, 6))
    assert drain(follower) == lines(4, 6)
    follower.close()


@pytest.mark.parametrize(
    "data",
    [
        lines(5, 8),
        lines(2, 4) + lines(6, 8),
        lines(2, 3),
    ],
    ids=["other lines", "a part of the end", "a line of the middle"],
)
def test_a_file_that_does_not_begin_with_the_whole_end_of_the_last_is_read_anew(
    path: Path, data: bytes
) -> None:
    path.write_bytes(lines(0, 4) + lines(4, 5))
    follower = Follower(path)
    drain(follower)
    replaced(path, data)
    assert drain(follower) == data
    follower.close()


def test_less_than_256_bytes_tell_nothing(path: Path) -> None:
    path.write_bytes(b'{"event": "span", "step": 1}\n{"event": "span", "step": 2}\n')
    follower = Follower(path)
    drain(follower)
    replaced(path, b'{"event": "span", "step": 2}\n')
    assert drain(follower) == b'{"event": "span", "step": 2}\n'
    follower.close()


def test_a_line_read_before_the_cut_can_be_read_again(path: Path) -> None:
    path.write_bytes(lines(0, 4))
    follower = Follower(path)
    block = follower.read()
    assert block is not None
    replaced(path, lines(2, 5))
    drain(follower)
    assert follower.reread(block.generation, block.offset, len(block.data)) == lines(0, 4)
    follower.close()
