"""`llmlog export` of a log of any size: what it writes does not depend on how it was read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from tests.commands.conftest import Run, is_refused

from llmlog_tui.commands import export_source, record_stream
from llmlog_tui.log import archive_writer

ENDINGS = ("csv", "jsonl", "otlp.jsonl", "parquet")


@contextmanager
def in_memory() -> Iterator[None]:
    """Load logs instead of streaming them."""

    def never(*_: object) -> bool:
        return False

    with patch.multiple(export_source, is_archive_stream=never, _is_streamed=never):
        yield


def record(number: int) -> dict[str, object]:
    """A record in one of six overlapping hours; later ones have other tags, and fractions."""
    extra = {"tier": number} if number < 90 else {"tier": "gold", "=late": number % 2 == 0}
    return {
        "ts": f"2026-11-{23 + number // 120:02}T{number * 7 % 6:02}:{number % 60:02}:00Z",
        "event": "tool_call" if number % 9 == 0 else "chat_completion",
        "trace_id": f"{number // 8:08x}",
        "span_id": f"{number:016x}",
        "model": "gpt-5",
        "latency_ms": number + (0.5 if number > 200 else 0),
        "ttft_ms": 3,
        "tool_calls": ["search", "=read"] if number % 5 == 0 else None,
        "extra": extra if number % 4 else None,
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    lines = [json.dumps(record(number)) for number in range(240)]
    path.write_text("\n".join([*lines[:100], "noise", "", *lines[100:]]))
    return path


@pytest.fixture
def folder(llmlog: Run, log: Path, tmp_path: Path) -> Path:
    """The log as an archive of many parts, half of them with raw lines."""
    halves = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    lines = log.read_text().splitlines(keepends=True)
    for half, part in zip(halves, (lines[:130], lines[130:]), strict=True):
        half.write_text("".join(part))
    with patch.multiple(archive_writer, MAX_ROWS=1, SMALL_BYTES=0, MAX_BYTES=1):
        llmlog("archive", halves[0], "--to", tmp_path / "archive")
        llmlog("archive", halves[1], "--to", tmp_path / "archive", "--raw")
    return tmp_path / "archive"


def content(path: Path) -> object:
    return pl.read_parquet(path).to_dicts() if path.suffix == ".parquet" else path.read_bytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stream_is_written_as_a_log_in_memory(
    llmlog: Run, log: Path, folder: Path, ending: str
) -> None:
    streamed, whole = (log.with_name(f"{name}.{ending}") for name in ("streamed", "whole"))
    where = ("--where", "latency_ms > 20 and extra.tier is not null")
    for name, options in product((log, folder), ((), where, ("--last", "90"), ("--last", "27h"))):
        one = llmlog("export", name, "--to", streamed, *options)
        with in_memory():
            other = llmlog("export", name, "--to", whole, *options)
        assert one.err.replace("streamed", "whole") == other.err
        assert (one.code, other.code) == (0, 0)
        assert content(streamed) == content(whole)
    assert len(list(folder.glob("*.parquet"))) > 2


def test_a_log_without_records_has_the_columns(llmlog: Run, log: Path, tmp_path: Path) -> None:
    llmlog("export", log, "--to", tmp_path / "o.csv", "--where", "step = 9")
    (header,) = (tmp_path / "o.csv").read_text().splitlines()
    assert header.startswith("ts,event,session_id,trace_id")
    assert header.endswith("file,line")


def test_a_tag_that_no_record_has_is_refused(llmlog: Run, log: Path, folder: Path) -> None:
    for name in (log, folder):
        done = llmlog("export", name, "--to", log.with_name("o.csv"), "--where", "extra.x = 1")
        assert is_refused(done, "extra.x")
    assert not log.with_name("o.csv").exists()


def test_what_is_broken_off_is_not_there(
    llmlog: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, last = sorted(folder.glob("*.parquet"))
    last.write_bytes(last.read_bytes()[:-9])
    before = sorted(tmp_path.iterdir())
    for ending in ENDINGS:
        done = llmlog("export", folder, "--to", tmp_path / f"out.{ending}")
        assert is_refused(done, last.name, "is damaged")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(record_stream.ArchiveRecords, "frames", interrupted)
    assert llmlog("export", folder, "--to", tmp_path / "out.csv").code == 130
    assert sorted(tmp_path.iterdir()) == before
