"""An archive has each record of its logs once, whatever happened to them between two runs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.log import archive_writer, archived_prefix
from llmlog_tui.log.archivable_log import NotArchivableError
from llmlog_tui.log.archive_manifest import MANIFEST, Manifest, Part
from llmlog_tui.log.archive_writer import ArchiveError, ArchiveWriter
from llmlog_tui.log.load import load, read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources


def line(number: int, day: int | None = 1) -> bytes:
    record = {
        "v": 1,
        **({} if day is None else {"ts": f"2026-11-{day:02}T12:00:{number % 60:02}.5Z"}),
        "event": "chat_completion",
        "span_id": f"{number:016x}",
        "model": "gpt-5",
        "latency_ms": 120.5,
        "messages": [{"role": "user", "content": "SECRET " * (number % 4)}],
        "extra": {"tier": "gold"},
    }
    return json.dumps(record).encode() + b"\n"


def lines(numbers: Iterable[int], day: int | None = 1) -> bytes:
    return b"".join(line(number, day) for number in numbers)


def archive(folder: Path, *logs: Path, raw: bool = False) -> int:
    """Archive logs; return how many records were added."""
    with ArchiveWriter(folder, raw=raw) as writer:
        for log in logs:
            writer.add(log)
        writer.commit()
    return writer.outcome.added


def numbers_in(*names: Path) -> list[int]:
    """The records of logs that are read together, sorted."""
    frame = load(Sources([str(name) for name in names], must_exist=False)).frame
    return sorted(int(span, 16) for span in frame["span_id"])


def test_only_what_is_new_is_added(log: Path, folder: Path) -> None:
    log.write_bytes(lines(range(5)))
    assert archive(folder, log) == 5
    assert archive(folder, log) == 0
    with log.open("ab") as file:
        file.write(lines(range(5, 8)) + line(8)[:40])
    assert archive(folder, log) == 3
    with log.open("ab") as file:
        file.write(line(8)[40:-1])  # whole, but for its newline
    assert archive(folder, log) == 1
    with log.open("ab") as file:
        file.write(b"\n" + line(9))
    assert archive(folder, log) == 1
    assert numbers_in(folder) == list(range(10))


def test_a_part_has_the_records_of_a_day_and_grows_while_it_is_small(
    log: Path, folder: Path
) -> None:
    log.write_bytes(lines([1], None) + lines([2], 1) + lines([3], None) + lines([4], 2))
    archive(folder, log)
    with log.open("ab") as file:
        file.write(lines([5], 2))
    archive(folder, log)
    assert sorted(path.name for path in folder.iterdir()) == [
        "2026-11-01.000002.parquet",
        "2026-11-02.000004.parquet",
        MANIFEST,
        "undated.000001.parquet",
    ]
    parts = {part.day: part.records for part in Manifest.read(folder).parts}
    assert parts == {"undated": 1, "2026-11-01": 2, "2026-11-02": 2}
    assert load(Sources([str(folder)], must_exist=True)).frame["span_id"].to_list() == [
        f"{number:016x}" for number in (1, 2, 3, 4, 5)
    ]


def test_files_are_private_and_hold_no_content_unless_asked(log: Path, folder: Path) -> None:
    log.write_bytes(lines(range(20)))
    archive(folder, log)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"SECRET" not in path.read_bytes()
    assert not pl.read_parquet(folder / "*.parquet").columns.count("line")
    with_lines = folder.with_name("raw")
    archive(with_lines, log, raw=True)
    kept = pl.read_parquet(with_lines / "*.parquet")["line"]
    assert b"".join(each + b"\n" for each in kept) == log.read_bytes()


def test_the_columns_are_those_in_memory(log: Path, folder: Path) -> None:
    log.write_bytes(lines(range(20)))
    archive(folder, log)
    ours = load([log]).frame
    read = load(Sources([str(folder)], must_exist=True)).frame
    assert read.schema == ours.schema
    assert read.equals(ours)


@pytest.mark.parametrize("kept_from", [1, 4, 9])
def test_a_pruned_log_goes_on_where_it_was_archived(
    log: Path, folder: Path, kept_from: int
) -> None:
    log.write_bytes(lines(range(10)))
    archive(folder, log)
    log.unlink()
    log.write_bytes(lines(range(kept_from, 13)))
    assert numbers_in(folder, log) == list(range(13))
    assert archive(folder, log) == 3
    log.unlink()
    log.write_bytes(lines(range(kept_from + 1, 14)))
    assert numbers_in(log, folder) == list(range(14))
    assert archive(folder, log) == 1
    assert numbers_in(folder) == list(range(14))


def test_a_shorter_copy_of_an_archived_log_is_known(log: Path, folder: Path) -> None:
    log.write_bytes(lines(range(100)))
    copy = log.with_suffix(".jsonl.1")
    copy.write_bytes(lines(range(57)))
    assert archive(folder, log, copy) == 100
    copy.write_bytes(lines(range(101)))
    assert archive(folder, copy) == 1
    assert numbers_in(folder, log) == list(range(101))


def test_a_log_that_only_begins_alike_is_archived(log: Path, folder: Path) -> None:
    log.write_bytes(lines(range(4)))
    other = log.with_name("other.jsonl")
    other.write_bytes(lines([0, 10, 11, 12]))
    archive(folder, log)
    assert archive(folder, other) == 3
    assert numbers_in(folder) == [0, 1, 2, 3, 10, 11, 12]


def test_a_shorter_log_that_begins_with_the_same_line_is_no_copy(log: Path, folder: Path) -> None:
    log.write_bytes(lines([0, 3]))
    archive(folder, log)
    other = log.with_name("other.jsonl")
    other.write_bytes(lines([0, 4]))  # of which the second line is shorter
    assert other.stat().st_size < log.stat().st_size
    assert archive(folder, other) == 1
    assert numbers_in(folder) == numbers_in(folder, other) == [0, 3, 4]


def test_names_of_folders_have_no_meaning(log: Path, tmp_path: Path) -> None:
    log.write_bytes(lines(range(4)))
    folder = tmp_path / "day=1" / "[ab]*"
    archive(folder, log)
    with closing(Reader(Sources([str(folder)], must_exist=True))) as reader:
        snapshot = read_all(reader)
        (first, *_) = reader.lines(snapshot.frame)
    assert first is not None
    assert json.loads(first)["span_id"] == f"{0:016x}"
    assert "day" not in json.loads(first)


def test_a_compressed_log_is_the_log(log: Path, folder: Path) -> None:
    log.write_bytes(lines(range(30)))
    archive(folder, log)
    packed = log.with_name("calls.jsonl.1.gz")
    packed.write_bytes(gzip.compress(lines(range(35))[:-1]))
    log.unlink()
    assert numbers_in(folder, packed) == list(range(35))
    assert archive(folder, packed) == 5
    assert archive(folder, packed) == 0
    damaged = log.with_name("calls.jsonl.2.gz")
    damaged.write_bytes(gzip.compress(lines(range(40)))[:-9])
    with pytest.raises(NotArchivableError, match="is damaged or ends early"):
        archive(folder, damaged)


def test_records_of_other_tools_are_refused(log: Path, folder: Path, tmp_path: Path) -> None:
    log.write_bytes(b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "1"}]}]}]}\n')
    with pytest.raises(NotArchivableError, match=r"calls.jsonl: .*only lines that are llmlog's"):
        archive(folder, log)
    log.write_bytes(lines([1]))
    archive(folder, log)
    (part,) = folder.glob("*.parquet")
    with pytest.raises(NotArchivableError, match="is part of an archive"):
        archive(tmp_path / "second", part)


def test_faulty_lines_are_counted_and_left_out(log: Path, folder: Path) -> None:
    log.write_bytes(lines([1]) + b'{"v": 1, "ts": "2026\n\n' + b"x" * 40 + b"\n" + lines([2]))
    with ArchiveWriter(folder, raw=True) as writer:
        writer.add(log)
        writer.commit()
    assert (writer.outcome.added, writer.outcome.skipped) == (2, 2)
    frame = pl.read_parquet(folder / "*.parquet")
    data = log.read_bytes()
    for position, raw in frame.select("position", "line").iter_rows():
        assert data[position:].startswith(raw + b"\n")


def test_only_one_process_writes_to_an_archive(log: Path, folder: Path) -> None:
    log.write_bytes(lines([1]))
    with ArchiveWriter(folder, raw=False), pytest.raises(ArchiveError, match="another process"):
        ArchiveWriter(folder, raw=False)
    archive(folder, log)
    with pytest.raises(ArchiveError, match="is not empty, and no archive"):
        ArchiveWriter(log.parent, raw=False)


def test_what_a_killed_run_left_is_deleted_and_never_read(log: Path, folder: Path) -> None:
    log.write_bytes(lines([1]))
    archive(folder, log)
    (part,) = folder.glob("*.parquet")
    (folder / "2026-11-01.000002.parquet").write_bytes(part.read_bytes())
    (folder / ".llmlog-abc").write_bytes(b"half")
    assert numbers_in(folder) == [1]
    archive(folder, log)
    assert sorted(path.name for path in folder.iterdir()) == [part.name, MANIFEST]


def test_bytes_of_a_step_are_bounded(
    log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_writer, "MAX_ROWS", 10)
    monkeypatch.setattr(archive_writer, "SMALL_BYTES", 0)
    monkeypatch.setattr("llmlog_tui.log.archivable_log._READ_BYTES", 1_000)
    log.write_bytes(lines(range(50)))
    archive(folder, log)
    assert all(part.records < 20 for part in Manifest.read(folder).parts)
    assert numbers_in(folder) == list(range(50))


Step = st.sampled_from(["write", "torn", "rotate", "copytruncate", "pack", "prune", "archive"])


@settings(max_examples=examples(60), deadline=None)
@given(steps=st.lists(st.tuples(Step, st.integers(1, 12)), max_size=25))
def test_an_archive_in_steps_is_that_of_the_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    home = tmp_path_factory.mktemp("steps")
    log, folder, written, age = home / "logs" / "calls.jsonl", home / "archive", 0, 0
    log.parent.mkdir()
    log.touch()
    logs = Sources([str(log.parent)], must_exist=False)
    for step, count in steps:
        if step in ("write", "torn"):
            text = lines(range(written, written + count), 1 + written % 3)
            written += count
            with log.open("ab", buffering=0) as file:
                file.write(text[:-20])
                if step == "torn":
                    archive(folder, *logs.files())
                file.write(text[-20:])
        elif step == "rotate":
            age += 1
            log.rename(f"{log}-{age:08}")
            log.touch()
        elif step == "copytruncate":
            age += 1
            Path(f"{log}-{age:08}").write_bytes(log.read_bytes())
            log.write_bytes(b"")
        elif step == "pack":
            for old in list(log.parent.glob("calls.jsonl-????????"))[:1]:
                Path(f"{old}.gz").write_bytes(gzip.compress(old.read_bytes()))
                old.unlink()
        elif step == "prune":
            archive(folder, *logs.files())  # it is safe after that only
            kept = log.read_bytes().splitlines(keepends=True)[count:]
            log.unlink()
            log.write_bytes(b"".join(kept))
        else:
            archive(folder, *logs.files())
        names = [log.parent, *([folder] if folder.exists() else [])]
        assert numbers_in(*names) == list(range(written)), step
    archive(folder, *logs.files())
    assert archive(folder, *logs.files()) == 0
    assert numbers_in(folder) == list(range(written))
    assert sum(source.records for source in Manifest.read(folder).sources) == written


def test_a_big_log_is_known_by_its_ends(
    log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archived_prefix, "_CHECKED", 1_000)
    log.write_bytes(lines(range(50)))
    archive(folder, log)
    with log.open("ab") as file:
        file.write(lines(range(50, 60)))
    assert archive(folder, log) == 10
    other = log.with_name("other.jsonl")
    other.write_bytes(lines(range(10)) + lines(range(100, 180)))
    assert archive(folder, other) >= 80
    assert set(numbers_in(folder)) == {*range(60), *range(100, 180)}


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_window_reads_only_the_parts_it_needs(
    log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *, newest_first: bool
) -> None:
    log.write_bytes(b"".join(lines(range(10 * day, 10 * day + 10), day) for day in range(1, 6)))
    archive(folder, log)
    read: list[str] = []
    content = Part.content

    def noted(part: Part, home: Path) -> bytes:
        read.append(part.day)
        return content(part, home)

    monkeypatch.setattr(Part, "content", noted)
    for window, first, days in (("15", 45, 2), ("30h", 40, 2), ("49", 11, 5), ("9d", 10, 5)):
        read.clear()
        names = Sources([str(folder)], must_exist=True)
        keep = Retention.of(window)
        with closing(Reader(names, newest_first=newest_first, window=keep)) as reader:
            frame = read_all(reader).frame
        found = [int(span, 16) for span in frame["span_id"]]
        assert found == list(range(first, 60)), window
        assert len(read) == days
