"""Files of the commands: private, never through a link, never over a log, inert in spreadsheets."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.commands.conftest import Run, Written, is_refused


@pytest.fixture
def log(written: Written) -> Path:
    return written([{"model": "=1+1", "trace_id": "trace-1", "id": "-x", "latency_ms": 5}])


@pytest.fixture(params=[0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def write(llmlog: Run, log: Path, out: Path) -> None:
    commands = {
        "a.md": ["bundle", "trace-1"],
        "b.html": ["bundle", "trace-1"],
        "r.html": ["report"],
    }
    command = commands.get(out.name, ["export"])
    if out.name == "demo.jsonl":
        assert llmlog("demo", "--runs", "1", "--out", out).code == 0
    else:
        assert llmlog(*command, log, "--to", out).code == 0


NAMES = ("a.md", "b.html", "r.html", "a.csv", "a.parquet", "a.jsonl", "a.otlp.jsonl", "demo.jsonl")


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("name", NAMES)
def test_only_its_owner_may_read_a_file(llmlog: Run, log: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    write(llmlog, log, out)
    assert oct(stat.S_IMODE(out.stat().st_mode)) == "0o600"


@pytest.mark.parametrize("name", NAMES)
def test_a_link_is_replaced_and_not_followed(
    llmlog: Run, log: Path, tmp_path: Path, name: str
) -> None:
    out, target = tmp_path / name, tmp_path / "precious"
    target.write_text("precious")
    out.symlink_to(target)
    write(llmlog, log, out)
    assert target.read_text() == "precious"
    assert not out.is_symlink()


def test_no_command_writes_over_a_log_it_reads(llmlog: Run, log: Path, tmp_path: Path) -> None:
    before = log.read_bytes()
    (tmp_path / "link.md").symlink_to(log)
    for out in (log, tmp_path / "link.md"):
        assert is_refused(
            llmlog("bundle", "trace-1", log, "--to", out), "is one of the logs being read"
        )
    (tmp_path / "link.html").symlink_to(log)
    assert is_refused(
        llmlog("report", log, "--to", tmp_path / "link.html"), "is one of the logs being read"
    )
    assert is_refused(llmlog("export", log, "--to", log), "is one of the input files")
    assert log.read_bytes() == before


def test_no_command_writes_a_file_that_it_would_read_next_time(
    llmlog: Run, log: Path, tmp_path: Path
) -> None:
    archive, why = tmp_path / "archive", "is an archive; write outside of it"
    assert llmlog("archive", log, "--to", archive).code == 0
    before = sorted(archive.iterdir())
    for command, name in (
        (["export"], "2026-11-23.000009.parquet"),
        (["report"], "r.html"),
        (["bundle", "trace-1"], "b.md"),
    ):
        for logs in (archive, log):
            assert is_refused(llmlog(*command, logs, "--to", archive / name), why)
    assert sorted(archive.iterdir()) == before
    assert not (out := tmp_path / "out.jsonl").exists()
    assert is_refused(llmlog("export", tmp_path, "--to", out), "would be read as a part of")
    pattern = tmp_path / "*.*"
    page = tmp_path / "r.html"
    assert is_refused(llmlog("report", pattern, "--to", page), "would be read as a part of")
    assert llmlog("report", tmp_path, "--to", page).code == 0
    assert llmlog("export", log, "--to", out).code == 0


def test_a_csv_has_no_formulas_unless_they_are_wanted(
    llmlog: Run, log: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.csv"
    for options, model, id_ in (([], "'=1+1", "'-x"), (["--keep-formulas"], "=1+1", "-x")):
        assert llmlog("export", log, "--to", out, *options).code == 0
        with out.open(encoding="utf-8", newline="") as file:
            (row,) = csv.DictReader(file)
        assert (row["model"], row["id"], row["latency_ms"]) == (model, id_, "5")
        done = llmlog("sql", "select model from calls", log, "--format", "csv", *options)
        assert done.out.splitlines() == ["model", model]
