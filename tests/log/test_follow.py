"""Every whole line of a file exactly once and in order, whatever is done to the file."""

from __future__ import annotations

import errno
import os
import tracemalloc
from pathlib import Path

import pytest
from tests.log.conftest import append, drain, lines

from llmlog_tui.log import follow
from llmlog_tui.log.follow import Follower


def open_descriptors() -> int:
    return sum(1 for number in range(256) if Path(f"/dev/fd/{number}").exists())


def test_what_is_appended_is_read_once(path: Path) -> None:
    follower = Follower(path)
    path.write_bytes(lines(0, 3))
    assert drain(follower) == lines(0, 3)
    assert follower.read() is None
    append(path, lines(3, 5))
    assert drain(follower) == lines(3, 5)
    follower.close()


def test_a_renamed_file_is_read_to_its_end_before_its_successor(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    append(path, lines(3, 5))
    path.rename(path.with_suffix(".1"))
    append(path, lines(5, 8))
    append(path.with_suffix(".1"), b"")
    assert drain(follower) == lines(3, 8)
    follower.close()


def test_a_renamed_file_is_read_on_until_it_has_a_successor(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    path.rename(path.with_suffix(".1"))
    append(path.with_suffix(".1"), lines(3, 5))
    assert drain(follower) == lines(3, 5)
    append(path, lines(5, 6))
    assert drain(follower) == lines(5, 6)
    follower.close()


def test_copytruncate_seen_between_truncation_and_the_next_line(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    os.truncate(path, 0)
    assert follower.read() is None
    append(path, lines(3, 5))
    assert drain(follower) == lines(3, 5)
    follower.close()


@pytest.mark.parametrize("after", [4, 6, 20], ids=["shorter", "as long", "longer"])
def test_copytruncate_seen_only_when_the_file_has_grown_again(path: Path, after: int) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    os.truncate(path, 0)
    append(path, lines(3, after))
    assert drain(follower) == lines(3, after)
    follower.close()


def test_copytruncate_right_after_the_first_look(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    assert follower.read() is not None
    os.truncate(path, 0)
    append(path, lines(3, 20))
    assert drain(follower) == lines(3, 20)
    follower.close()


def test_deleted_and_made_again_at_once(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    append(path, lines(3, 5))
    path.unlink()
    path.write_bytes(lines(5, 8))
    assert drain(follower) == lines(3, 8)
    follower.close()


def test_deleted_and_made_again_later(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    path.unlink()
    assert follower.read() is None
    path.write_bytes(lines(3, 5))
    assert drain(follower) == lines(3, 5)
    follower.close()


def test_replaced_by_another_file_in_one_move(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    new = path.with_suffix(".new")
    new.write_bytes(lines(3, 5))
    new.replace(path)
    assert drain(follower) == lines(3, 5)
    follower.close()


def test_half_a_line_waits_for_the_rest(path: Path) -> None:
    follower = Follower(path)
    path.write_bytes(lines(0, 2)[:-5])
    assert drain(follower) == lines(0, 1)
    append(path, lines(0, 2)[-5:] + lines(2, 3)[:5])
    assert drain(follower) == lines(1, 2)
    append(path, lines(2, 3)[5:])
    assert drain(follower) == lines(2, 3)
    follower.close()


def test_half_a_line_of_a_file_that_was_replaced_is_its_last(path: Path) -> None:
    path.write_bytes(lines(0, 1) + b'{"step"')
    follower = Follower(path, linger_s=0)
    drain(follower)
    path.unlink()
    path.write_bytes(lines(2, 3))
    assert drain(follower) == b'{"step"' + lines(2, 3)
    follower.close()


def test_half_a_line_of_a_file_that_was_truncated_is_its_last(path: Path) -> None:
    path.write_bytes(lines(0, 1) + b'{"step"')
    follower = Follower(path)
    drain(follower)
    os.truncate(path, 0)
    append(path, lines(2, 3))
    assert drain(follower) == b'{"step"' + lines(2, 3)
    follower.close()


def test_a_line_may_arrive_byte_by_byte_and_characters_in_halves(path: Path) -> None:
    data = '{"name": "żółć 日本 🎈"}\n'.encode() * 2
    follower = Follower(path)
    found = b""
    for byte in data:
        append(path, bytes([byte]))
        found += drain(follower)
    assert found == data
    follower.close()


def test_a_writer_that_does_not_know_of_the_rotation_is_still_heard(path: Path) -> None:
    path.write_bytes(lines(0, 3) + lines(3, 4)[:7])
    follower = Follower(path)
    drain(follower)
    with path.open("ab", buffering=0) as unaware:
        path.rename(path.with_suffix(".1"))
        append(path, lines(10, 12))
        assert drain(follower) == lines(10, 12)
        unaware.write(lines(3, 4)[7:] + lines(4, 6))
    append(path, lines(12, 13))
    assert drain(follower) == lines(3, 6) + lines(12, 13)
    follower.close()


def test_through_many_rotations_few_files_are_held_and_no_line_is_lost(path: Path) -> None:
    follower = Follower(path)
    found = b""
    before = open_descriptors()
    for number in range(30):
        append(path, lines(2 * number, 2 * number + 1))
        found += drain(follower)
        append(path, lines(2 * number + 1, 2 * number + 2))
        path.rename(path.with_suffix(f".{number}"))
    append(path, lines(60, 61))
    assert found + drain(follower) == lines(0, 61)
    assert open_descriptors() <= before + 5
    follower.close()


def test_a_line_of_128_mib_is_passed_over_in_bounded_memory(path: Path) -> None:
    path.write_bytes(lines(0, 1))
    with path.open("r+b") as file:
        file.truncate(len(lines(0, 1)) + 128 * 2**20)  # a hole: NULs that take no disk
    append(path, b"\n" + lines(1, 2))
    follower = Follower(path)
    tracemalloc.start()
    try:
        blocks = [follower.read() for _ in range(3)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [block and (block.data, block.too_long) for block in blocks] == [
        (lines(0, 1), 0),
        (lines(1, 2), 1),
        None,
    ]
    assert peak < 72 * 2**20
    follower.close()


def test_a_line_too_long_is_one_line_wherever_it_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.line_splitter.MAX_LINE_BYTES", 50)
    monkeypatch.setattr(follow, "BLOCK_BYTES", 40)
    path.write_bytes(lines(0, 1) + b"x" * 123 + b"\n" + b"y" * 99 + b"\n" + lines(1, 2) + b"z" * 99)
    follower = Follower(path)
    blocks = []
    while block := follower.read():
        blocks.append(block)
    while block := follower.finish():
        blocks.append(block)
    assert b"".join(block.data for block in blocks) == lines(0, 2)
    assert sum(block.too_long for block in blocks) == 3
    follower.close()


def test_the_newest_lines_of_a_big_file_may_come_first_and_the_rest_in_order(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "NEWEST_BYTES", 64)
    monkeypatch.setattr(follow, "BLOCK_BYTES", 100)
    path.write_bytes(lines(0, 90))
    follower = Follower(path, newest_first=True)
    newest = drain(follower)
    assert 0 < len(newest) <= 64
    assert lines(0, 90).endswith(newest)
    append(path, lines(90, 95))
    assert drain(follower) == lines(90, 95)
    older = []
    while block := follower.read_older():
        assert block.older
        older.append(block.data)
        assert follower.position()[1] == len(lines(0, 95))
    assert b"".join(older) + newest == lines(0, 90)
    assert follower.position() == (len(lines(0, 95)), len(lines(0, 95)))
    follower.close()


def test_older_lines_come_whole_although_the_file_is_rotated_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "NEWEST_BYTES", 64)
    path.write_bytes(lines(0, 90))
    follower = Follower(path, newest_first=True)
    newest = drain(follower)
    path.rename(path.with_suffix(".1"))
    append(path, lines(90, 92))
    assert drain(follower) == lines(90, 92)
    older = follower.read_older()
    assert older is not None
    assert older.data + newest == lines(0, 90)
    assert follower.read_older() is None
    follower.close()


@pytest.mark.parametrize("size", [16, 40, 64, 90])
@pytest.mark.parametrize("looked_at", [8, 39, 63, 2**16])
def test_lines_longer_than_a_block_come_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, size: int, looked_at: int
) -> None:
    monkeypatch.setattr(follow, "BLOCK_BYTES", size)
    monkeypatch.setattr("llmlog_tui.log.generation._MAX_COPIED", looked_at)
    data = lines(0, 3) + b'{"name": "' + b"x" * 100 + b'"}\n' + lines(3, 5)
    path.write_bytes(data)
    follower = Follower(path)
    blocks = []
    while block := follower.read():
        blocks.append(block)
    assert all(block.data.endswith(b"\n") for block in blocks)
    assert b"".join(block.data for block in blocks) == data
    assert [data[block.offset :].startswith(block.data) for block in blocks] == [True] * len(blocks)
    follower.close()


def test_a_file_that_is_not_there_yet_is_waited_for(path: Path) -> None:
    follower = Follower(path)
    assert follower.read() is None
    assert follower.position() == (0, 0)
    path.touch()
    assert follower.read() is None
    append(path, lines(0, 1))
    assert drain(follower) == lines(0, 1)
    assert follower.position() == (len(lines(0, 1)), len(lines(0, 1)))
    follower.close()


def test_a_file_is_read_as_soon_as_it_may_be(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(lines(0, 1))
    follower = Follower(path)
    with monkeypatch.context() as locked:
        locked.setattr(os, "open", refuse)  # as root the tests may open anything
        with pytest.raises(PermissionError):
            follower.read()
    assert drain(follower) == lines(0, 1)
    follower.close()


def test_a_file_that_was_open_is_read_on_when_permission_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(lines(0, 1))
    follower = Follower(path)
    drain(follower)
    with monkeypatch.context() as locked:
        locked.setattr(os, "open", refuse)
        locked.setattr(Path, "stat", refuse)
        append(path, lines(1, 2))
        assert drain(follower) == lines(1, 2)
    append(path, lines(2, 3))
    assert drain(follower) == lines(2, 3)
    follower.close()


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_what_is_no_regular_file_is_an_error_and_does_not_block(path: Path) -> None:
    os.mkfifo(path)
    follower = Follower(path)
    with pytest.raises(OSError, match="not a regular file"):
        follower.read()
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="not a regular file"):
        follower.read()
    path.rmdir()
    path.write_bytes(lines(0, 1))
    assert drain(follower) == lines(0, 1)
    follower.close()


def test_read_once_the_last_line_needs_no_end(path: Path) -> None:
    path.write_bytes(lines(0, 2)[:-1])
    follower = Follower(path)
    assert drain(follower) == lines(0, 1)
    last = follower.finish()
    assert last is not None
    assert (last.data, last.offset) == (b'{"event": "span", "step": 1}', len(lines(0, 1)))
    assert follower.finish() is None
    follower.close()


def test_what_was_read_can_be_read_again_while_the_file_is_held(path: Path) -> None:
    path.write_bytes(lines(0, 2))
    follower = Follower(path)
    block = follower.read()
    assert block is not None
    path.rename(path.with_suffix(".1"))
    assert follower.reread(block.generation, block.offset, len(block.data)) == block.data
    follower.close()
    assert follower.reread(block.generation, block.offset, len(block.data)) is None


def test_a_file_is_gone_until_another_comes_in_its_place(path: Path) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    drain(follower)
    assert not follower.is_gone
    path.unlink()
    assert follower.read() is None
    assert follower.is_gone
    path.write_bytes(lines(3, 5))
    assert drain(follower) == lines(3, 5)
    follower.read()
    assert not follower.is_gone
    follower.close()
