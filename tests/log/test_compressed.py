"""Compressed logs are read as if they were not."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from tests.log.conftest import lines, raw_line

from llmlog_tui.log import follow
from llmlog_tui.log.compressed import CompressedFollower
from llmlog_tui.log.load import load
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.sources import SourceError

Pack = Callable[[bytes], bytes]
PACKERS = pytest.mark.parametrize(
    ("name", "pack"),
    [("calls.jsonl.1.gz", gzip.compress), ("calls.jsonl.zst", zstandard.compress)],
)


def drain(packed: CompressedFollower) -> bytes:
    found = b""
    while block := packed.read_older():
        found += block.data
    return found


@PACKERS
def test_a_compressed_file_is_read_once_in_blocks(
    tmp_path: Path, name: str, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "BLOCK_BYTES", 64)
    path = tmp_path / name
    path.write_bytes(pack(lines(0, 50)[:-1]))
    packed = CompressedFollower(path)
    assert packed.is_waiting
    assert drain(packed) == lines(0, 50)[:-1]
    assert packed.read_older() is None
    assert packed.position() == (path.stat().st_size, path.stat().st_size)
    packed.close()


@PACKERS
def test_several_compressed_streams_in_one_file_are_one_log(
    tmp_path: Path, name: str, pack: Pack
) -> None:
    (tmp_path / name).write_bytes(pack(lines(0, 5)) + pack(lines(5, 9)))
    assert load([tmp_path / name]).frame["step"].to_list() == list(range(9))


@PACKERS
def test_a_raw_line_is_decompressed_again(tmp_path: Path, name: str, pack: Pack) -> None:
    path = tmp_path / name
    path.write_bytes(pack(lines(0, 5)))
    reader = Reader([path])
    while reader.step():
        pass
    block, line = reader.snapshot().frame.select("block", "line").row(3)
    assert raw_line(reader, block, line) == b'{"event": "span", "step": 3}'
    path.unlink()
    assert raw_line(reader, block, line) is None
    path.write_bytes(pack(lines(7, 20)))
    assert raw_line(reader, block, line) is None
    reader.close()


def test_another_file_at_the_path_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.1.gz"
    path.write_bytes(gzip.compress(lines(0, 3)))
    packed = CompressedFollower(path)
    assert drain(packed) == lines(0, 3)
    path.rename(tmp_path / "calls.jsonl.2.gz")
    assert drain(packed) == b""
    path.write_bytes(gzip.compress(lines(3, 6)))
    assert drain(packed) == lines(3, 6)
    packed.close()


@PACKERS
def test_a_file_that_ends_early_gives_what_it_has_and_the_rest_when_it_has_grown(
    tmp_path: Path, name: str, pack: Pack
) -> None:
    path = tmp_path / name
    data = lines(0, 200_000)
    packed_data = pack(data)
    path.write_bytes(packed_data[: len(packed_data) // 2])
    packed = CompressedFollower(path)
    first = packed.read_older()
    assert first is not None
    assert data.startswith(first.data)
    with pytest.raises(OSError, match="ends early"):
        drain(packed)
    with pytest.raises(OSError, match="ends early"):
        packed.read()
    path.write_bytes(packed_data)
    assert first.data + drain(packed) == data
    assert packed.read() is None
    packed.close()


@pytest.mark.parametrize("name", ["calls.jsonl.gz", "calls.jsonl.zst"])
def test_what_is_not_compressed_although_it_says_so_is_one_clear_line(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(lines(0, 3))
    with pytest.raises(SourceError, match=rf"{name}: is damaged"):
        load([tmp_path / name])


@pytest.mark.parametrize("left_off", [1, 3, 30])
def test_a_last_zstd_frame_that_is_not_whole_is_no_silent_loss(
    tmp_path: Path, left_off: int
) -> None:
    whole, cut = zstandard.compress(lines(0, 50)), zstandard.compress(lines(50, 99))
    (tmp_path / "calls.jsonl.zst").write_bytes(whole + cut[:-left_off])
    with pytest.raises(SourceError, match="is damaged or ends early"):
        load([tmp_path / "calls.jsonl.zst"])


def test_what_unpacks_to_a_thousand_times_as_much_is_read_in_bounded_memory(
    tmp_path: Path,
) -> None:
    path = tmp_path / "calls.jsonl.zst"
    line = b'{"x": "' + b" " * 10_000 + b'"}\n'
    with path.open("wb") as file:
        compressor = zstandard.ZstdCompressor()
        with compressor.stream_writer(file, size=20_000 * len(line)) as packing:  # 200 MB
            for _ in range(200):
                packing.write(line * 100)
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    packed = CompressedFollower(path)
    read = 0
    while block := packed.read_older():
        read += len(block.data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == 20_000 * len(line)
    assert peak < 100 * 2**20
    packed.close()


def test_a_compressed_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    packed = CompressedFollower(path)
    assert packed.read_older() is None
    assert packed.is_waiting
    path.write_bytes(gzip.compress(lines(0, 2)))
    assert drain(packed) == lines(0, 2)
    assert not packed.is_waiting
    packed.close()
