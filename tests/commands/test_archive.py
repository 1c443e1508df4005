"""`llmlog archive`, and its folder as a log: the answers are those of the file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import polars as pl
import pytest
from tests.commands.conftest import Done, Run, Written, is_refused

from llmlog_tui.log import archive_part
from llmlog_tui.log.archive_manifest import MANIFEST, Manifest, is_part
from llmlog_tui.log.load import load
from llmlog_tui.log.sources import Sources


def over_days(sample: Path, out: Path) -> Path:
    """Write the sample log as one of four days, in the order of its times."""
    records = [json.loads(line) for line in sample.read_text().splitlines()]
    records.sort(key=lambda record: record["ts"])  # several files are merged by ts
    first = datetime.fromisoformat(records[0]["ts"])
    for record in records:
        ts = first + 150 * (datetime.fromisoformat(record["ts"]) - first)
        record["ts"] = ts.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    out.write_text("".join(json.dumps(record) + "\n" for record in records))
    return out


@pytest.fixture
def log(sample: Path, tmp_path: Path) -> Path:
    return over_days(sample, tmp_path / "calls.jsonl")


@pytest.fixture
def folder(llmlog: Run, log: Path, tmp_path: Path) -> Path:
    done = llmlog("archive", log, "--to", tmp_path / "archive")
    assert (done.code, done.out) == (0, "")
    return tmp_path / "archive"


def answers(done: Done) -> list[Any]:
    """Return the objects of an answer without the places of lines."""
    assert done.code in (0, 1)
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert objects
    for each in objects:
        for found in (each, *each.get("faults", ())):
            for name in ("file", "files", "line"):
                found.pop(name, None)
        for sums in (each, *each.get("groups", ())):
            if sums.get("cost_usd") is not None:
                sums["cost_usd"] = pytest.approx(sums["cost_usd"])  # the order of adding differs
    return objects


def commands_of(log: Path) -> Sequence[Sequence[str]]:
    records = map(json.loads, log.read_text().splitlines()[500:])
    record = next(each for each in records if "request_id" in each)
    return (
        ("stats", "", "--json"),
        ("stats", "", "--json", "--by", "extra.tier", "--where", "latency_ms > 200"),
        ("stats", "", "--json", "--by", "model", "--where", "model = 'none' AND extra.tier = 'x'"),
        ("stats", "", "--json", "--where", "latency_ms > avg(latency_ms)"),
        ("status", "", "--json"),
        ("status", "", "--json", "--where", "latency_ms > 200"),
        ("alerts", "", "--json"),
        ("check", "", "--json"),
        ("traces", "", "--json"),
        ("health", "", "--json"),
        ("find", record["request_id"], "--json"),
        ("find", record["span_id"], "--json"),
        ("trace", record["trace_id"], "--json"),
        ("session", record["session_id"], "--json"),
        (
            "sql",
            "SELECT model, count(*) AS n FROM calls GROUP BY model ORDER BY model",
            "--format",
            "json",
        ),
    )


def test_answers_are_those_of_the_file(llmlog: Run, log: Path, folder: Path) -> None:
    assert len(Manifest.read(folder).parts) == 4
    with log.open("a") as file:  # what only the log has is part of the two together
        file.write(log.read_text().splitlines(keepends=True)[-1])
    for command, argument, *options in commands_of(log):
        words = [argument] if argument else []
        of_file = answers(llmlog(command, *words, log, *options))
        assert answers(llmlog(command, *words, folder, log, *options)) == of_file, command
    llmlog("archive", log, "--to", folder)
    for command, argument, *options in commands_of(log):
        words = [argument] if argument else []
        of_file = answers(llmlog(command, *words, log, *options))
        assert answers(llmlog(command, *words, folder, *options)) == of_file, command


def test_with_raw_lines_the_log_is_written_again(llmlog: Run, log: Path, tmp_path: Path) -> None:
    folder, again = tmp_path / "raw", tmp_path / "again.jsonl"
    assert llmlog("archive", log, "--to", folder, "--raw").code == 0
    llmlog("export", folder, "--to", again)
    assert again.read_bytes() == log.read_bytes()


def test_raw_lines_that_come_too_late_are_named(llmlog: Run, log: Path, tmp_path: Path) -> None:
    folder, hint = tmp_path / "archive", "has records without their lines"
    for options in (["--raw"], ["--raw"], []):
        done = llmlog("archive", log, "--to", folder, *options)
        assert (done.code, done.err.count("\n")) == (0, 1)
    later = tmp_path / "later"
    llmlog("archive", log, "--to", later)
    done = llmlog("archive", log, "--to", later, "--raw")
    assert (done.code, done.err.count("\n")) == (0, 2)
    assert done.err.startswith(f"{later}: {hint}")


def test_without_raw_lines_the_known_fields_are_written(
    llmlog: Run, log: Path, folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.jsonl"
    llmlog("export", folder, "--to", again)
    ours, theirs = load([log]).frame, load([again]).frame
    assert ours.drop("block", "line").equals(theirs.drop("block", "line"))
    (part, *_) = folder.glob("*.parquet")
    copied = tmp_path / "copied.parquet"
    copied.write_bytes(part.read_bytes())
    read, copy = (load(Sources([str(path)], must_exist=True)).frame for path in (part, copied))
    assert read.drop("block", "line").equals(copy.drop("block", "line"))


def test_a_log_is_pruned_after_it_was_archived(llmlog: Run, log: Path, folder: Path) -> None:
    before = load([log]).frame.height
    age = datetime.now().astimezone() - datetime.fromisoformat("2026-11-25T00:00:00Z")
    assert llmlog("prune", log, "--older-than", f"{int(age / timedelta(seconds=1))}s").code == 0
    kept = load([log]).frame.height
    assert 0 < kept < before
    both = Sources([str(log), str(folder)], must_exist=True)
    assert load(both).frame["span_id"].n_unique() == load(both).frame.height == before
    done = llmlog("archive", log, "--to", folder)
    assert done.err == f"{folder}: 0 records added; {before} in all\n"


def test_values_of_a_wrong_type_are_counted_as_in_the_file(llmlog: Run, tmp_path: Path) -> None:
    log, archive = tmp_path / "calls.jsonl", tmp_path / "archive"
    wrong = {"event": "response", "latency_ms": "five", "model": "m", "top_p": [], "extra": 1}
    for day in (3, 4, 4, 5):
        with log.open("a") as file:
            for latency in ("five", 5):
                record = {"ts": f"2026-11-0{day}T09:00:00Z", **wrong, "latency_ms": latency}
                file.write(json.dumps(record) + "\n")
        done = llmlog("archive", log, "--to", archive)
        assert "2 records added, 5 values of a wrong type left out;" in done.err
        for command, *options in (
            ("stats",),
            ("stats", "--by", "top_p"),
            ("stats", "--where", "latency_ms = 5"),
            ("health",),
        ):
            of_file = answers(llmlog(command, log, "--json", *options))
            assert answers(llmlog(command, archive, "--json", *options)) == of_file
            assert answers(llmlog(command, archive, log, "--json", *options)) == of_file
    assert "values of top_p have a wrong type, read as null\n" in llmlog("health", archive).out
    assert "wrong type" not in llmlog("archive", log, "--to", archive).err
    done = llmlog("archive", log, "--to", tmp_path / "raw", "--raw")
    assert "20 values of a wrong type kept in the lines alone" in done.err


@pytest.mark.parametrize("last", ["3", "25h", "1000"])
def test_parts_before_the_window_are_counted_as_lines_of_a_log_are(
    llmlog: Run, written: Written, tmp_path: Path, last: str
) -> None:
    call = {"event": "chat_completion", "session_id": "s", "model": "m"}
    log = written(
        {
            **call,
            "trace_id": f"{day}-{step}",
            "step": 0,
            "ts": f"2026-11-0{day}T09:00:0{step}Z",
            "latency_ms": "soon" if step == day else 5,
        }
        for day in (1, 2, 3)
        for step in range(5)
    )
    archive = tmp_path / "archive"
    assert llmlog("archive", log, "--to", archive).code == 0

    def without_places(command: str, *logs: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(llmlog(command, *logs, "--last", last, "--json").out)
        places = [{**fault, "file": None, "line": None} for fault in found.get("faults", ())]
        return {**found, "files": None, **({"faults": places} if places else {})}

    for command in ("stats", "health"):
        of_file = without_places(command, log)
        assert of_file["records"] == 15
        assert without_places(command, archive) == of_file
        assert without_places(command, archive, log) == of_file


def test_a_file_without_records_is_refused_and_nothing_is_written(
    llmlog: Run, log: Path, folder: Path, tmp_path: Path
) -> None:
    text, why = tmp_path / "README.md", "no line is a record"
    text.write_text("# Title\n\nno record\n")
    before = {*tmp_path.iterdir()}
    new = tmp_path / "new"
    for command, out in (("archive", new), ("export", "a.jsonl"), ("export", "a.csv")):
        assert is_refused(llmlog(command, text, "--to", tmp_path / out), why, text.name)
    assert is_refused(llmlog("report", text, "--to", tmp_path / "r.html"), why, text.name)
    assert {*tmp_path.iterdir()} == before
    done = llmlog("archive", text, log, "--to", folder)
    assert (done.code, why in done.err) == (2, True)
    assert [source.name for source in Manifest.read(folder).sources] == [log.name]
    with text.open("ab") as file:  # a log that began with other lines
        file.write(log.read_bytes().splitlines(keepends=True)[0])
    assert "1 record added, 2 lines without a record" in llmlog("archive", text, "--to", new).err


_FOREIGN = '{"level": "info", "msg": "hello"}\n'


@pytest.mark.parametrize(
    "text",
    [
        *(_FOREIGN * lines for lines in (1, 3, 16, 19, 20, 32)),
        _FOREIGN.strip(),
        "xyz\n",
        '{\n  "level": "info",\n',
        '{\n  "level": "info"\n}\n',
    ],
)
def test_a_file_of_any_length_without_records_makes_no_archive(
    llmlog: Run, tmp_path: Path, text: str
) -> None:
    log, folder = tmp_path / "app.jsonl", tmp_path / "archive"
    log.write_text(text)
    assert is_refused(llmlog("archive", log, "--to", folder), "no line is a record", log.name)
    assert not folder.exists()


@pytest.mark.parametrize("lines", [1, 10, 25])
def test_the_lines_of_an_app_before_the_first_record_are_left_out_and_counted(
    llmlog: Run, log: Path, tmp_path: Path, lines: int
) -> None:
    log.write_text(_FOREIGN * lines + log.read_text().splitlines()[0] + "\n")
    done = llmlog("archive", log, "--to", tmp_path / "archive")
    assert done.code == 0
    assert f"1 record added, {lines} line{'s' * (lines > 1)} without a record left out" in done.err


def test_a_damaged_archive_is_one_line(
    llmlog: Run, log: Path, folder: Path, tmp_path: Path
) -> None:
    newest = max(folder.glob("*.parquet"))
    good = newest.read_bytes()
    newest.write_bytes(good[:-500] + bytes(500))
    assert is_refused(llmlog("stats", folder), newest.name, "is damaged")
    newest.unlink()
    assert is_refused(llmlog("stats", folder), newest.name, "No such file")
    newest.write_bytes(good)
    manifest = folder / MANIFEST
    text = manifest.read_text()
    for bad, why in (
        (text[:100], "is damaged"),
        ("[]", "is damaged"),
        ('"' + "[" * 100_000, "is damaged"),
        (text.replace(newest.name, "../calls.jsonl"), "is damaged"),
        (text.replace('"version":1', '"version":2'), "a later llmlog"),
        (re.sub('"next_part":[0-9]+', '"next_part":1e400', text), "is damaged"),
    ):
        manifest.write_text(bad)
        assert is_refused(llmlog("stats", folder), str(folder), why)
        assert is_refused(llmlog("archive", log, "--to", folder), str(folder), why)
    manifest.unlink()
    os.mkfifo(manifest)
    assert is_refused(llmlog("stats", folder), str(folder), "is not a regular file")
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").touch()
    assert is_refused(llmlog("archive", log, "--to", other), "is not empty, and no archive")
    assert is_refused(llmlog("archive", "-", "--to", other), "standard input")
    assert is_refused(llmlog("archive", tmp_path / "none", "--to", other), "no such file")


def test_words_are_found_in_the_raw_lines_of_an_archive_and_its_log_once(
    llmlog: Run, log: Path, tmp_path: Path
) -> None:
    content = {"messages": [{"role": "user", "content": "Where is the needle?"}]}
    *others, last = log.read_text().splitlines(keepends=True)
    line = json.dumps({**json.loads(last), **content}) + "\n"
    log.write_text("".join([*others, line]))
    raw, fields = tmp_path / "raw", tmp_path / "fields"
    assert llmlog("archive", log, "--to", raw, "--raw").code == 0
    assert llmlog("archive", log, "--to", fields).code == 0
    for logs in ([raw], [raw, log], [fields, log], [log]):
        (found,) = answers(llmlog("find", "--text", "the needle", *logs, "--json"))
        assert (found["found_in"], found["excerpt"]) == ("messages", "Where is the needle?")
    assert llmlog("find", "--text", "the needle", fields).code == 1


def test_an_archive_without_its_only_part_is_never_an_empty_log(
    llmlog: Run, sample: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    assert llmlog("archive", sample, "--to", folder).code == 0
    (part,) = folder.glob("*.parquet")
    for lose, why in ((part.unlink, "No such file"), (part.touch, "is damaged")):
        lose()
        assert is_refused(llmlog("stats", folder), part.name, why)
        # Nothing is added to it, and nothing counts as archived: the log may be pruned after it.
        assert is_refused(llmlog("archive", sample, "--to", folder), part.name, why)


def test_an_archive_without_records_is_an_empty_log(llmlog: Run, log: Path, tmp_path: Path) -> None:
    empty, folder = tmp_path / "empty.jsonl", tmp_path / "archive"
    empty.touch()
    assert llmlog("archive", empty, "--to", folder).code == 0
    assert answers(llmlog("stats", folder, "--json"))[0]["records"] == 0
    both = answers(llmlog("stats", folder, log, "--json"))
    assert both == answers(llmlog("stats", log, "--json"))


def test_a_full_disk_is_one_line_and_a_part_is_no_log(
    llmlog: Run, log: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_refused(llmlog("archive", folder, "--to", tmp_path / "copy"), "part of an archive")
    assert not (tmp_path / "copy").exists()

    def fail(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("parquet: No space left on device (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    assert is_refused(llmlog("archive", log, "--to", tmp_path / "full"), "full", "No space left")
    exported = tmp_path / "calls.parquet"
    assert is_refused(llmlog("export", folder, "--to", exported), exported.name, "No space left")
    assert not exported.exists()


@pytest.mark.parametrize("url", ["clickhouse://127.0.0.1:1/llm.calls", "clickhouses://a/b.c"])
def test_a_table_is_neither_archived_nor_a_folder_of_that_name(
    llmlog: Run, log: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_refused(llmlog("archive", log, "--to", url), f"{url} is a table")
    for command in ("demo", "listen"):
        assert is_refused(llmlog(command, "--out", url), f"{url} is a table")
    for words in (["bundle", "latest"], ["report"]):
        assert is_refused(llmlog(*words, log, "--to", url), f"{url} is a table")
    assert is_refused(llmlog("archive", url, "--to", "archive"), f"{url}: a table")
    assert [path.name for path in tmp_path.iterdir()] == [log.name]
    pytest.importorskip("clickhouse_connect")  # a table's name needs it
    # Nor is such a folder taken for the table.
    (tmp_path / url).parent.mkdir(parents=True)
    assert llmlog("archive", log, "--to", "archive").code == 0
    (tmp_path / "archive").rename(tmp_path / url)
    assert not is_part(Sources([url], must_exist=False).files()[0])


_SLOWLY = """
import sys
from llmlog_tui.log import archivable_log, archive_writer
archive_writer.MAX_ROWS = 20
archivable_log._READ_BYTES = 10_000
from llmlog_tui.cli import headless
sys.exit(headless())
"""
"""The command with a step every few records."""


def test_after_a_kill_each_record_is_added_once(log: Path, tmp_path: Path) -> None:
    folder, records = tmp_path / "killed", load([log]).frame["span_id"].to_list()
    command = [sys.executable, "-c", _SLOWLY, "archive", str(log), "--to", str(folder)]
    known = 0
    for _ in range(3):
        running = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            # Killed once it has written something: wherever it is then.
            while running.poll() is None:
                manifest = folder / MANIFEST
                if manifest.exists() and Manifest.read(folder).records > known:
                    break
            running.kill()
        finally:
            running.communicate()
        known = Manifest.read(folder).records
        found = load(Sources([str(folder)], must_exist=False)).frame["span_id"].to_list()
        assert found == records[:known]
    assert 0 < known < len(records)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    added = re.search(r"(\d+) records added; ", done.stderr)
    assert added
    assert int(added[1]) == len(records) - known
    found = load(Sources([str(folder)], must_exist=True)).frame["span_id"].to_list()
    assert found == records


def test_figures_of_a_big_archive_are_of_all_of_it_and_no_part_is_loaded(
    llmlog: Run, log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads(*_: object, **__: object) -> NoReturn:
        raise AssertionError

    asked = [each for each in commands_of(log) if each[0] in {"stats", "status"}]
    of_file = [answers(llmlog(command, log, *options)) for command, _, *options in asked]
    for module in ("stats", "status"):
        monkeypatch.setattr(f"llmlog_tui.commands.{module}.open_log", loads)
    of_archive = [answers(llmlog(command, folder, *options)) for command, _, *options in asked]
    assert len(asked) == 6
    assert of_archive == of_file
    assert is_refused(llmlog("stats", folder, "--where", "nope = 1"), "no column nope")


@pytest.mark.parametrize(
    "options",
    [
        ("--by", "extra.tier", "--content"),
        ("--where", "latency_ms > 200 AND extra.tier = 'free'", "--slow-ms", "900"),
        ("--where", "model = 'none'"),
        ("--where", "latency_ms > avg(latency_ms) AND cost_usd > min(cost_usd)", "--last", "600"),
    ],
)
def test_the_report_on_an_archive_is_that_of_its_records_in_memory_and_loads_none(
    llmlog: Run,
    log: Path,
    tmp_path: Path,
    options: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "archive"
    lines = log.read_bytes().splitlines(keepends=True)
    tagged = (line.rstrip()[:-1] + b', "extra": {"tier": "free"}}\n' for line in lines[::3])
    log.write_bytes(b"".join([*lines[1::3], *tagged]))
    assert llmlog("archive", log, "--to", folder).code == 0
    assert len(Manifest.read(folder).parts) > 3
    in_parts, loaded = tmp_path / "parts.html", tmp_path / "loaded.html"
    with monkeypatch.context() as patch:
        patch.setattr("llmlog_tui.commands.report.is_archive_stream", lambda *_: False)
        of_log = llmlog("report", folder, "--to", loaded, *options)
    monkeypatch.setattr("llmlog_tui.commands.report.open_log", None)
    of_parts = llmlog("report", folder, "--to", in_parts, *options)
    assert (of_parts.code, of_log.code) == (0, 0)
    assert of_parts.err.replace("parts.html", "loaded.html") == of_log.err
    assert in_parts.read_bytes() == loaded.read_bytes()


def test_ids_are_looked_up_in_a_big_archive_without_reading_all_of_it(
    llmlog: Run, log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_part, "BIG", 100)
    read: list[int] = []
    records_of = archive_part.ArchiveParts.with_ids

    def noted(parts: archive_part.ArchiveParts, path: Path) -> pl.Expr | None:
        found = records_of(parts, path)
        read.append(0 if found is not None else parts.of(path).named(path.name).records)
        return found

    monkeypatch.setattr(archive_part.ArchiveParts, "with_ids", noted)
    parts = Manifest.read(folder).parts
    newest = max(parts, key=lambda part: part.last or 0)
    for command, argument, *options in commands_of(log):
        if command in {"find", "trace", "session"}:
            read.clear()
            of_file = answers(llmlog(command, argument, log, *options))
            assert answers(llmlog(command, argument, folder, *options)) == of_file, command
            assert (len(read), sum(read)) == (len(parts), newest.records)
    assert is_refused(llmlog("trace", "nothing-like-that", folder), "no trace_id is or begins with")
