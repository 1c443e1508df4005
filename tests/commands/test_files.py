"""`llmlog export`, `bundle`, `prune`: the commands that write files."""

from __future__ import annotations

import csv
import gzip
import json
import re
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.commands.conftest import Run, Written, is_refused

from llmlog_tui.log.schema import COLUMNS

CONTENT = "my prompt"


@pytest.fixture
def log(written: Written) -> Path:
    path = written(
        [
            {"ts": "2026-11-23T09:00:00Z", "trace_id": "run-a", "step": 1, "model": "gpt-5",
             "latency_ms": 900, "tool_calls": ["x", "y"], "request_id": "req_1",
             "system_fingerprint": "fp_1", "input": CONTENT, "extra": {"user": "u-1"}},
            {"ts": "2026-11-23T09:00:02Z", "trace_id": "run-a", "step": 2, "model": "gpt-5",
             "error_type": "RateLimitError", "error_status": 429, "error_message": CONTENT,
             "request_id": "req_2"},
            {"trace_id": "run-b", "tool_name": "search"},
        ]
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + b"bad\n")
    return path


def test_parquet_has_the_fields_and_the_place(llmlog: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert llmlog("export", log, "--to", out) == (0, "", f"{out}: 3 records written\n")
    found = pl.read_parquet(out)
    assert found.columns == [*COLUMNS, "extra.user", "file", "line"]
    assert pl.Categorical not in found.dtypes
    assert found["line"].to_list() == [1, 2, 3]
    assert found["ts"][0] == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert found["tool_calls"][0].to_list() == ["x", "y"]


def test_csv_has_the_same(llmlog: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert llmlog("export", log, "--to", out, "--where", "latency_ms > 5").code == 0
    (found,) = csv.DictReader(out.read_text().splitlines())
    assert (found["ts"], found["tool_calls"]) == ("2026-11-23T09:00:00.000000Z", "x,y")
    assert found["extra.user"] == "u-1"
    assert (found["line"], found["step"], found["ttft_ms"]) == ("1", "1", "")


def test_jsonl_has_the_lines_as_they_stand(llmlog: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert llmlog("export", log, "--to", out).code == 0
    assert out.read_bytes() == log.read_bytes().removesuffix(b"bad\n")
    assert llmlog("export", log, "--to", out, "--where", "step = 2").code == 0
    assert out.read_bytes() == log.read_bytes().splitlines(keepends=True)[1]


def test_jsonl_of_compressed_and_interleaved_files(
    llmlog: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", 2_000)
    monkeypatch.setattr("llmlog_tui.log.store._RANGE_BYTES", 2_000)
    lines = [
        b'{"event": "span", "ts": %d, "step": %d}\n' % (1_795_424_400 + n, n) for n in range(1_000)
    ]
    old, new = tmp_path / "old.jsonl.gz", tmp_path / "new.jsonl"
    old.write_bytes(gzip.compress(b"".join(lines[::2])))
    new.write_bytes(b"".join(lines[1::2]))
    out = tmp_path / "out.jsonl"
    assert llmlog("export", old, new, "--to", out).code == 0
    assert out.read_bytes() == b"".join(lines)


def test_what_is_exported_is_its_owners(llmlog: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    llmlog("export", log, "--to", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("out.xlsx", "does not end in .parquet, .csv, .otlp.jsonl or .jsonl"),
        ("no/out.csv", "No such file"),
        ("written.jsonl", "one of the input files"),
    ],
)
def test_a_bad_place_to_export_to_is_one_line(
    llmlog: Run, log: Path, tmp_path: Path, name: str, says: str
) -> None:
    before = log.read_bytes()
    assert is_refused(llmlog("export", log, "--to", tmp_path / name), name, says)
    assert log.read_bytes() == before
    assert list(tmp_path.iterdir()) == [log]


def test_a_bundle_has_ids_timings_fingerprints_and_errors(llmlog: Run, log: Path) -> None:
    done = llmlog("bundle", "run-a", log)
    assert (done.code, done.err) == (0, "")
    for word in ("run-a", "900", "fp_1", "req_1", "req_2", "RateLimitError", "429", "gpt-5"):
        assert word in done.out
    assert "2026-11-23T09:00:02.000000Z" in done.out
    assert "search" not in done.out


def test_a_bundle_says_of_how_many_calls_it_does_not_know_the_cost(
    llmlog: Run, tmp_path: Path
) -> None:
    log = tmp_path / "calls.jsonl"
    call = {"trace_id": "run-a", "model": "gpt-5", "provider": "api.openai.com"}
    tokens = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "ts": "2026-11-23T09:00:00Z"}
    log.write_text("".join(json.dumps({**call, **more}) + "\n" for more in (tokens, {})))
    # gpt-5: $1.25 for a million tokens of input
    assert "cost $1.25, 1 call unpriced\n" in llmlog("bundle", "run-a", log).out


def test_a_bundle_has_no_content(llmlog: Run, log: Path) -> None:
    assert CONTENT not in llmlog("bundle", "run-a", log).out


def test_a_bundle_has_the_tags_of_the_run(llmlog: Run, log: Path) -> None:
    assert "- `extra.user`: `u-1`\n" in llmlog("bundle", "run-a", log).out


def test_the_greps_of_a_bundle_find_the_lines(llmlog: Run, log: Path) -> None:
    out = llmlog("bundle", "run-a", log).out
    greps = re.findall(r"^    (grep .*)$", out, re.MULTILINE)
    assert len(greps) == 2
    found = [subprocess.check_output(["sh", "-c", grep]).count(b"\n") for grep in greps]
    assert found == [2, 1]


def test_a_bundle_is_written_to_a_file(llmlog: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "ticket.md"
    done = llmlog("bundle", "run-a", log, "--to", out)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"{out}: run run-a, ")
    assert out.read_text() == llmlog("bundle", "run-a", log).out


def test_an_unknown_run_leaves_a_bundle_as_it_was(llmlog: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "ticket.md"
    out.write_text("kept")
    assert is_refused(llmlog("bundle", "nothing", log, "--to", out), "nothing")
    assert out.read_text() == "kept"


def test_values_are_no_markdown(llmlog: Run, written: Written) -> None:
    hostile = "`|\n# <b>\x1b"
    out = llmlog("bundle", "t", written([{"trace_id": "t", "model": hostile, "id": hostile}])).out
    assert "`'¦␊# <b>␛`" in out
    assert "\x1b" not in out
    rows = [line.count("|") for line in out.splitlines() if line.startswith("|")]
    assert rows == [14, 14, 14, 7, 7, 7]


def ago(**time: float) -> dict[str, str]:
    return {"ts": (datetime.now(UTC) - timedelta(**time)).isoformat()}


def test_prune_cuts_off_what_is_old(llmlog: Run, written: Written) -> None:
    path = written([ago(days=40), ago(days=31), ago(days=29), ago(days=50)])
    kept = path.read_bytes().splitlines(keepends=True)[2:]
    done = llmlog("prune", path, "--older-than", "30d")
    assert done == (0, "", f"{path}: 2 lines removed\n")
    assert path.read_bytes() == b"".join(kept)
    assert llmlog("prune", path, "--older-than", "30d").err == f"{path}: 0 lines removed\n"


@pytest.mark.parametrize("age", ["30", "soon", "0d", "-1d", "999999999d"])
def test_an_age_that_is_none_is_one_line(llmlog: Run, log: Path, age: str) -> None:
    assert is_refused(llmlog("prune", log, "--older-than", age), age)


@pytest.mark.parametrize("name", ["no.jsonl", ".", "-", "old.gz"])
def test_what_cannot_be_pruned_is_one_line(llmlog: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "old.gz").touch()
    path = name if name == "-" else tmp_path / name
    assert is_refused(llmlog("prune", path, "--older-than", "1d"), str(path))


def test_a_folder_is_not_exported_into_itself(llmlog: Run, log: Path) -> None:
    out = log.with_name("all.jsonl")
    assert is_refused(llmlog("export", log.parent, "--to", out), "would be read as a part of")
    assert not out.exists()
    out.write_bytes(log.read_bytes())
    before = out.read_bytes()
    assert is_refused(llmlog("export", log.parent, "--to", out), "one of the input files")
    assert out.read_bytes() == before
