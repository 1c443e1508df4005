"""Blocks of big logs are parsed once, and are the same from the cache."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.log.test_any_bytes import BAD, BLANKS, OBJECTS, RECORDS, dumped
from tests.searches import examples

from llmlog_tui.log import block_digests, cache_entry, follow, generation, parse_cache
from llmlog_tui.log.load import read_all
from llmlog_tui.log.parse import Parsed, Strictness, parse
from llmlog_tui.log.parse_cache import ParseCache, ParseOptions, user_cache
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.store import Snapshot
from llmlog_tui.log.tags import NO_TAGS

OPTIONS = ParseOptions(
    at_start=False,
    strictness=Strictness.WHOLE_BLOCK,
    columns=COLUMNS,
    only_ours=False,
    tags=NO_TAGS,
    filled=frozenset(),
)
RECORD = b'{"event": "response", "ts": "2026-11-23T09:00:00Z", "latency_ms": %d}\n'
STARTS = st.text("ab", min_size=1).map(lambda id_: dumped({"event": "start", "span_id": id_}))
TAGS = st.integers() | st.text(max_size=3) | st.just({"b": [1]})
TAGGED = st.dictionaries(st.sampled_from("abc"), TAGS).map(
    lambda tags: dumped({"event": "response", "extra": tags, "user_id": "u"})
)


@pytest.fixture(autouse=True)
def _everything_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_cache, "MIN_BYTES", 1)
    monkeypatch.setattr(parse_cache, "MIN_FILE_BYTES", 1)


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Counts the blocks that were parsed."""
    counted = Mock(side_effect=parse)
    monkeypatch.setattr(parse_cache, "parse", counted)
    return counted


def assert_same(found: Parsed, expected: Parsed) -> None:
    assert found.frame.schema == expected.frame.schema
    assert found.frame.equals(expected.frame)
    assert found.starts.schema == expected.starts.schema
    assert found.starts.equals(expected.starts)
    for name in ("lines", "blanks", "skipped", "nulled", "strictness", "tags", "filled", "formats"):
        assert getattr(found, name) == getattr(expected, name), name
    assert list(found.refused) == list(expected.refused)


@settings(max_examples=examples(40))
@given(
    st.lists(OBJECTS | RECORDS | BAD | BLANKS | STARTS | TAGGED, min_size=1, max_size=8),
    st.sampled_from(Strictness),
)
def test_whatever_the_lines_the_cache_gives_what_parsing_gives(
    lines: list[bytes], strictness: Strictness
) -> None:
    block = b"\n".join(lines) + b"\n"
    options = OPTIONS | {"strictness": strictness}
    with tempfile.TemporaryDirectory() as folder:
        cache = ParseCache(Path(folder))
        for _ in ("parsed and kept", "from the cache"):
            assert_same(cache.parse(block, **options), parse(block, **options))
        assert cache.size()[0] == 1


def read(log: Path, cache: ParseCache | None) -> Snapshot:
    with closing(Reader([log], cache=cache)) as reader:
        return read_all(reader)


def test_a_log_opened_again_is_not_parsed_again(tmp_path: Path, parses: Mock) -> None:
    log, cache = tmp_path / "calls.jsonl", ParseCache(tmp_path / "cache")
    log.write_bytes(b"".join(RECORD % ms for ms in range(100)) + b"damaged\n")
    first = read(log, cache)
    assert parses.call_count == 1
    again = read(log, ParseCache(tmp_path / "cache"))
    assert parses.call_count == 1
    assert again.frame.equals(first.frame)
    assert again.counts == first.counts == read(log, None).counts


@pytest.mark.parametrize("change", ["pruned", "rewritten in place", "grown"])
def test_a_log_that_has_changed_has_its_own_records(tmp_path: Path, change: str) -> None:
    log, cache = tmp_path / "calls.jsonl", ParseCache(tmp_path / "cache")
    lines = [RECORD % ms for ms in range(100)]
    log.write_bytes(b"".join(lines))
    read(log, cache)
    before = log.stat()
    changed = {
        "pruned": lines[40:],
        "rewritten in place": [RECORD % ms for ms in reversed(range(100))],
        "grown": [*lines, RECORD % 100],
    }[change]
    log.write_bytes(b"".join(changed))
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read(log, cache).frame.equals(read(log, None).frame)


def test_another_version_of_the_parser_parses_again(
    tmp_path: Path, parses: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ParseCache(tmp_path)
    cache.parse(RECORD % 1, **OPTIONS)
    monkeypatch.setattr(parse_cache, "_code", lambda: b"another version")
    cache.parse(RECORD % 1, **OPTIONS)
    assert parses.call_count == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:0],
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    ],
    ids=["empty", "a part of the digest", "a byte less", "a flipped bit", "another in the footer"],
)
def test_a_damaged_entry_is_parsed_and_written_again(
    tmp_path: Path, damage: Mock, parses: Mock
) -> None:
    cache, block = ParseCache(tmp_path), RECORD % 1
    cache.parse(block, **OPTIONS)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    assert_same(cache.parse(block, **OPTIONS), parse(block))
    assert_same(cache.parse(block, **OPTIONS), parse(block))
    assert parses.call_count == 2


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = ParseCache(tmp_path / "file" / "cache")
    assert_same(cache.parse(RECORD % 1, **OPTIONS), parse(RECORD % 1))
    cache.close()


def test_entries_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "llmlog" / "parsed"
    ParseCache(folder).parse(RECORD % 1, **OPTIONS)
    (entry,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_the_entries_not_used_for_the_longest_are_deleted(
    tmp_path: Path, parses: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ParseCache(tmp_path)
    for ms in (1, 2, 3):
        cache.parse(RECORD % ms, **OPTIONS)
        for entry in tmp_path.iterdir():
            os.utime(entry, (entry.stat().st_mtime - 60, entry.stat().st_mtime - 60))
    cache.parse(RECORD % 1, **OPTIONS)
    monkeypatch.setattr(parse_cache, "MAX_BYTES", cache.size()[1] - 1)
    cache.close()
    assert cache.size()[0] == 2
    parses.reset_mock()
    for ms in (1, 3):
        cache.parse(RECORD % ms, **OPTIONS)
    assert not parses.called


def test_small_logs_and_small_blocks_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, cache = tmp_path / "calls.jsonl", ParseCache(tmp_path / "cache")
    log.write_bytes(RECORD % 1)
    monkeypatch.setattr(parse_cache, "MIN_FILE_BYTES", 10_000)
    read(log, cache)
    monkeypatch.setattr(parse_cache, "MIN_FILE_BYTES", 1)
    monkeypatch.setattr(parse_cache, "MIN_BYTES", 10_000)
    read(log, cache)
    assert cache.size() == (0, 0)


def test_the_environment_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLOG_NO_CACHE", "1")
    assert user_cache() is None
    monkeypatch.setenv("LLMLOG_NO_CACHE", "")
    assert user_cache() is not None


def aged(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute passes: nothing was written to the log lately."""
    now = log.stat().st_ctime + 60
    monkeypatch.setattr(block_digests, "time", Mock(time=lambda: now))


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "BLOCK_BYTES", 2**11)
    monkeypatch.setattr(generation, "_MAX_COPIED", 2**10)
    monkeypatch.setattr(generation, "_LIVE_BYTES", 2**8)
    monkeypatch.setattr(generation, "_START_BYTES", 2**8)


def test_a_log_that_nobody_has_written_to_is_not_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parses: Mock
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(RECORD % ms for ms in range(100)))
    aged(log, monkeypatch)
    first = read(log, ParseCache(tmp_path / "cache"))
    hashed = Mock(side_effect=hashlib.sha256)
    monkeypatch.setattr(cache_entry, "hashlib", Mock(sha256=hashed))
    assert read(log, ParseCache(tmp_path / "cache")).frame.equals(first.frame)
    assert parses.call_count == 1
    assert hashed.called
    assert log.read_bytes() not in [call.args[0] for call in hashed.call_args_list]


@pytest.mark.usefixtures("_small_blocks")
def test_blocks_in_the_cache_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parses: Mock
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(RECORD % 1 + b"damaged\n" + b"".join(RECORD % ms for ms in range(1_000)))
    aged(log, monkeypatch)
    first = read(log, ParseCache(tmp_path / "cache"))
    parsed = parses.call_count
    pread = Mock(side_effect=os.pread)
    monkeypatch.setattr(os, "pread", pread)
    again = read(log, ParseCache(tmp_path / "cache"))
    offsets = [
        offset for _, size, offset in map(attrgetter("args"), pread.mock_calls) if size > 2**10
    ]
    # The first block has a damaged line, and the last one is not full.
    assert {offset for offset in offsets if 0 < offset <= log.stat().st_size - 2**11} == set()
    assert parses.call_count == parsed > 30
    assert again.frame.equals(first.frame)
    assert again.counts == first.counts == read(log, None).counts


@pytest.mark.usefixtures("_small_blocks")
@settings(max_examples=examples(20))
@given(
    st.lists(OBJECTS | RECORDS | BAD | BLANKS | STARTS | TAGGED, min_size=1, max_size=8),
    st.integers(1, 40),
)
def test_whatever_the_lines_a_log_is_read_as_without_the_cache(
    lines: list[bytes], times: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        log, cache = Path(folder, "calls.jsonl"), Path(folder, "cache")
        log.write_bytes(b"".join(line + b"\n" for line in lines * times))
        aged(log, patched)
        plain = read(log, None)
        for _ in ("parsed and kept", "from the cache"):
            found = read(log, ParseCache(cache))
            assert found.frame.equals(plain.frame)
            assert (found.counts, found.running) == (plain.counts, plain.running)
            assert found.formats == plain.formats


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("change", ["grown", "cut short", "written over", "replaced"])
def test_a_log_that_changes_between_two_blocks_is_read_as_without_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, steps: int
) -> None:
    lines = [RECORD % ms for ms in range(100, 600)]
    changed = {
        "grown": [*lines, RECORD % 600],
        "cut short": lines[:77],
        "written over": lines[::-1],
        "replaced": lines[100:],
    }[change]

    def changing(log: Path, cache: ParseCache | None) -> Snapshot:
        with closing(Reader([log], cache=cache)) as reader:
            for _ in range(steps):
                assert reader.step()
            if change == "replaced":
                log.rename(log.with_suffix(".1"))
            with log.open("r+b" if log.exists() else "wb") as file:
                file.write(b"".join(changed))
                file.truncate()
            return read_all(reader)

    logs = [tmp_path / name / "calls.jsonl" for name in ("cached", "plain")]
    for log in logs:
        log.parent.mkdir()
        log.write_bytes(b"".join(lines))
        aged(log, monkeypatch)
    read(logs[0], ParseCache(tmp_path / "cache"))
    cached = changing(logs[0], ParseCache(tmp_path / "cache"))
    plain = changing(logs[1], None)
    assert cached.frame.equals(plain.frame)
    assert cached.counts.records == plain.counts.records >= len(changed)


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("change", ["rewritten in place", "replaced", "written while it is read"])
def test_remembered_digests_are_never_those_of_other_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    log, other = tmp_path / "calls.jsonl", tmp_path / "other"
    lines = [RECORD % ms for ms in range(100, 200)]
    log.write_bytes(b"".join(lines))
    aged(log, monkeypatch)
    read(log, ParseCache(tmp_path / "cache"))
    before = log.stat()

    def rewrite() -> None:
        target = other if change == "replaced" else log
        with target.open("wb" if change == "replaced" else "r+b") as file:
            file.write(b"".join(reversed(lines)))
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
        if change == "replaced":
            other.replace(log)

    cache = ParseCache(tmp_path / "cache")
    if change == "written while it is read":
        with closing(Reader([log], cache=cache)) as reader:
            rewrite()
            found = read_all(reader)
    else:
        rewrite()
        aged(log, monkeypatch)
        found = read(log, cache)
    assert found.frame.equals(read(log, None).frame)
    assert found.frame["latency_ms"].to_list() == list(range(199, 99, -1))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:40], lambda data: data[:-9] + b"x" + data[-8:]]
)
def test_damaged_digests_are_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Mock, parses: Mock
) -> None:
    log, folder = tmp_path / "calls.jsonl", tmp_path / "cache"
    log.write_bytes(b"".join(RECORD % ms for ms in range(100)))
    aged(log, monkeypatch)
    first = read(log, ParseCache(folder))
    (entry,) = folder.glob("*.digests")
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    entry.write_bytes(damage(entry.read_bytes()))
    assert read(log, ParseCache(folder)).frame.equals(first.frame)
    assert parses.call_count == 1
    ParseCache(folder).clear()
    assert not list(folder.iterdir())
