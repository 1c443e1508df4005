"""A file that is replaced by a copy, or written again, has its new lines read, and no other."""

from __future__ import annotations

import gzip
import itertools
import math
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.log.conftest import append, drain

from llmlog_tui.log import generation, new_files, prefix_digest
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.prefix_digest import Known, KnownPrefix, PrefixDigest
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.sources import Sources

Write = Callable[[Path, bytes], object]


def lines(first: int, after: int) -> bytes:
    """Lines whose first 256 bytes are alike only if they are the same line."""
    return b"".join(
        b'{"event": "span", "step": %d, "x": "%s"}\n' % (n, b"x" * 183) for n in range(first, after)
    )


def rename_over(path: Path, data: bytes) -> None:
    """As rsync does."""
    other = path.with_name(".copy.tmp")
    other.write_bytes(data)
    other.replace(path)


def write_over(path: Path, data: bytes) -> None:
    """As scp does, complete before the follower polls."""
    path.write_bytes(data)


def delete_and_write(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


WAYS = pytest.mark.parametrize(
    "write", [rename_over, write_over, delete_and_write], ids=["rsync", "scp", "rm and cp"]
)


@WAYS
def test_a_copy_of_the_file_has_no_new_lines(path: Path, write: Write) -> None:
    path.write_bytes(lines(0, 9))
    follower = Follower(path)
    assert drain(follower) == lines(0, 9)
    for _ in range(8):
        write(path, lines(0, 9))
        assert drain(follower) == b""
    append(path, lines(9, 10))
    assert drain(follower) == lines(9, 10)
    follower.close()


@WAYS
def test_only_the_lines_that_a_longer_copy_adds_are_new(path: Path, write: Write) -> None:
    path.write_bytes(lines(0, 3))
    follower = Follower(path)
    found = drain(follower)
    for end in range(4, 30):
        write(path, lines(0, end))
        found += drain(follower)
    assert found == lines(0, 29)
    follower.close()


@WAYS
def test_after_a_shorter_copy_only_lines_never_read_are_new(path: Path, write: Write) -> None:
    path.write_bytes(lines(0, 9))
    follower = Follower(path)
    drain(follower)
    write(path, lines(0, 5))
    assert drain(follower) == b""
    append(path, lines(5, 7))
    assert drain(follower) == b""
    append(path, lines(7, 12))
    assert drain(follower) == lines(9, 12)
    follower.close()


@WAYS
def test_lines_that_differ_after_the_same_beginning_are_new(path: Path, write: Write) -> None:
    path.write_bytes(lines(0, 9))
    follower = Follower(path)
    drain(follower)
    write(path, lines(0, 5) + lines(20, 40))
    assert drain(follower) == lines(20, 40)
    follower.close()


@pytest.mark.parametrize("write", [rename_over, delete_and_write])
def test_the_middle_of_a_file_counts_though_its_ends_are_alike(path: Path, write: Write) -> None:
    path.write_bytes(lines(0, 9))
    follower = Follower(path)
    drain(follower)
    write(path, lines(0, 4) + lines(7, 8) + lines(5, 9))
    assert set(drain(follower).splitlines()) >= set(lines(7, 8).splitlines())
    follower.close()


def test_a_copy_that_arrives_in_pieces_has_no_new_lines(path: Path) -> None:
    data = lines(0, 20)
    path.write_bytes(data)
    follower = Follower(path)
    drain(follower)
    for size in (0, 5, 100, 300, 301, 1_000, 2_500, 3_999, len(data)):
        path.write_bytes(data[:size])
        assert drain(follower) == b""
    append(path, lines(20, 22))
    assert drain(follower) == lines(20, 22)
    assert follower.position() == (len(lines(0, 22)), len(lines(0, 22)))
    follower.close()


def test_half_a_line_that_a_copy_completes_is_no_line_of_its_own(path: Path) -> None:
    for write in (rename_over, write_over):
        path.write_bytes(lines(0, 5)[:-9])
        follower = Follower(path, linger_s=0)
        assert drain(follower) == lines(0, 4)
        write(path, lines(0, 6))
        assert drain(follower) == lines(4, 6)
        follower.close()


def test_a_last_record_without_its_newline_is_known_in_a_copy(path: Path) -> None:
    path.write_bytes(lines(0, 5)[:-1])
    follower = Follower(path, settle_s=0)
    assert drain(follower) == lines(0, 5)[:-1]
    rename_over(path, lines(0, 6))
    assert drain(follower) == lines(5, 6)
    follower.close()


def test_a_copy_that_stops_growing_is_not_withheld_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefix_digest, "_FINE_BYTES", 0)
    monkeypatch.setattr(prefix_digest, "_FINE_START", 0)
    path.write_bytes(lines(0, 9))
    follower = Follower(path, linger_s=0)
    drain(follower)
    path.write_bytes(lines(0, 2) + lines(30, 31))
    found = drain(follower)
    assert found.endswith(lines(30, 31))
    append(path, lines(31, 33))
    assert drain(follower) == lines(31, 33)
    follower.close()


def test_lines_of_a_replaced_file_can_be_read_again_from_its_copies(path: Path) -> None:
    path.write_bytes(lines(0, 4))
    follower = Follower(path)
    block = follower.read()
    assert block is not None
    for end in range(5, 20):
        rename_over(path, lines(0, end))
        drain(follower)
    assert follower.reread(block.generation, block.offset, len(block.data)) == lines(0, 4)
    rename_over(path, lines(50, 54))
    for _ in range(8):
        drain(follower)
        rename_over(path, lines(50, 54))
    assert follower.reread(block.generation, block.offset, len(block.data)) is None
    follower.close()


def test_a_copy_that_comes_while_older_lines_are_read_has_no_new_lines(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.follow.NEWEST_BYTES", 600)
    path.write_bytes(lines(0, 30))
    follower = Follower(path, newest_first=True)
    newest = drain(follower)
    rename_over(path, lines(0, 32))
    assert drain(follower) == b""
    older = b""
    while block := follower.read_older():
        older += block.data
    assert older + newest == lines(0, 30)
    assert drain(follower) == lines(30, 32)
    follower.close()


@pytest.mark.parametrize("seed", range(12))
def test_under_mixed_copies_every_line_is_read_once(path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's own
    follower, found, end = Follower(path), b"", 1
    path.write_bytes(lines(0, 1))
    for _ in range(60):
        found += drain(follower)
        end += chance.randrange(4)
        data = lines(0, end)
        match chance.randrange(5):
            case 0:
                rename_over(path, data)
            case 1:
                delete_and_write(path, data)
            case 2:
                for size in sorted(chance.sample(range(len(data)), 3)):
                    path.write_bytes(data[:size])
                    found += drain(follower)
                path.write_bytes(data)
            case 3:
                rename_over(path, data[: chance.randrange(len(data))])
                found += drain(follower)
                rename_over(path, data)
            case _:
                write_over(path, data)
    assert found + drain(follower) == lines(0, end)
    follower.close()


@pytest.fixture
def one_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setattr(new_files, "SCAN_S", 0.0)
    reader = Reader(Sources([str(path.parent)], must_exist=False))
    yield reader
    reader.close()


def steps(reader: Reader) -> list[int]:
    while reader.step():
        pass
    return reader.snapshot().frame["step"].to_list()


@WAYS
def test_in_a_folder_too_a_copy_adds_only_what_it_has_more(
    one_log: Reader, path: Path, write: Write
) -> None:
    path.write_bytes(lines(0, 3))
    assert steps(one_log) == [0, 1, 2]
    for end in range(3, 12):
        write(path, lines(0, end))
        assert steps(one_log) == list(range(end))


def test_in_a_folder_logs_that_begin_alike_are_both_read(one_log: Reader, path: Path) -> None:
    path.write_bytes(lines(0, 3))
    assert steps(one_log) == [0, 1, 2]
    path.with_name("other.jsonl").write_bytes(lines(0, 2) + lines(7, 9))
    assert sorted(steps(one_log)) == [0, 1, 2, 7, 8]


def test_a_compressed_file_replaced_by_a_longer_one_adds_only_what_it_has_more(
    path: Path,
) -> None:
    packed = path.with_name("calls.jsonl.gz")
    packed.write_bytes(gzip.compress(lines(0, 3)))
    reader = Reader([packed])
    assert steps(reader) == [0, 1, 2]
    for end in (3, 5, 9):
        rename_over(packed, gzip.compress(lines(0, end)))
        assert steps(reader) == list(range(end))
    reader.close()


def test_a_copy_made_by_another_name_and_moved_back_adds_nothing(
    one_log: Reader, path: Path
) -> None:
    path.write_bytes(lines(0, 5))
    assert steps(one_log) == list(range(5))
    shutil.copyfile(path, path.with_name("calls.jsonl.1"))
    assert steps(one_log) == list(range(5))
    path.with_name("calls.jsonl.1").replace(path)
    append(path, lines(5, 6))
    assert steps(one_log) == list(range(6))


def digest_of(data: bytes, pieces: int = 1) -> PrefixDigest:
    digest, size = PrefixDigest(), len(data) // pieces + 1
    for at in range(0, len(data), size):
        digest.feed(data[at : at + size])
    return digest


def known_part(digest: PrefixDigest, data: bytes) -> KnownPrefix:
    prefix = KnownPrefix(Known(digest))
    prefix.advance(lambda length, offset: data[offset : offset + length])
    return prefix


def test_a_log_that_never_rests_is_read_once_more_for_its_digest_and_not_at_every_look(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "_QUIET_S", math.inf)
    monkeypatch.setattr(generation, "_LIVE_BYTES", 10_000)
    path.write_bytes(lines(0, 500))
    follower, pread, read = Follower(path), os.pread, Counter[str]()
    drain(follower)

    def counted(fd: int, length: int, offset: int) -> bytes:
        data = pread(fd, length, offset)
        read["bytes"] += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    for step in range(500, 550):
        append(path, lines(step, step + 1))
        assert follower.read() is not None
    assert read["bytes"] < 2 * path.stat().st_size
    write_over(path, lines(0, 551))
    assert drain(follower) == lines(550, 551)
    follower.close()


def test_a_digest_stays_small_however_long_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_digest, "_MAX_SUMS", 64)
    monkeypatch.setattr(prefix_digest, "_RECENT_SUMS", 16)
    data = lines(0, 2_000)
    digest = digest_of(data, 400)
    assert len(digest.ends) <= 64
    assert known_part(digest, data).end == len(data)
    assert len(lines(0, 900)) < known_part(digest, lines(0, 1_000) + lines(0, 9)).end
    assert known_part(digest, lines(0, 1_990) + lines(0, 9)).end == len(lines(0, 1_990))


def test_of_a_long_file_samples_are_compared_and_all_of_it_once_one_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefix_digest, "_CHECKED_BYTES", 4_000)
    data = lines(0, 2_000)
    digest = digest_of(data)
    compared = []

    def read(length: int, offset: int) -> bytes:
        compared.append(length)
        return data[offset : offset + length]

    prefix = KnownPrefix(Known(digest_of(data, 2_000)))
    prefix.advance(read)
    assert prefix.end == len(data)
    assert sum(compared) < len(data) / 10
    for end in (10, 1_000, 1_995):
        other = lines(0, end) + lines(3_000, 5_000)
        assert known_part(digest_of(data, 2_000), other).end == len(lines(0, end))
    assert digest.end == len(data)


def test_digests_of_two_parts_are_one_of_the_whole() -> None:
    data, cut = lines(0, 60), len(lines(0, 40))
    following = PrefixDigest(cut)
    following.feed(data[cut:])
    joined = digest_of(data[:cut]).joined(following)
    assert known_part(joined, data + lines(60, 61)).end == len(data)
    for first, second in itertools.pairwise([0, 20, 40, 50, 60]):
        assert known_part(joined, lines(0, second)).end == len(lines(0, second)), first
