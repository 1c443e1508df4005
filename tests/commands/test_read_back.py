"""What `llmlog export` writes as tables is a log: read back, it gives the same records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tests.commands.conftest import Run, is_refused
from tests.searches import examples

from llmlog.record import EVENTS, FIELDS
from llmlog_tui.commands import llmlog as group
from llmlog_tui.log import parquet
from llmlog_tui.log.load import load
from llmlog_tui.log.schema import COLUMNS, decategorize

Json = dict[str, Any]
TABLES = pytest.mark.parametrize("name", ["back.parquet", "back.csv"])


@TABLES
def test_every_command_says_the_same_of_an_exported_log(
    llmlog: Run, sample: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / name
    assert llmlog("export", sample, "--to", out).code == 0
    for command in (
        *(("stats", "--json"), ("stats", "--json", "--by", "tool"), ("slow", "--json")),
        *(("alerts", "--json"), ("traces", "--json"), ("trace", "latest", "--json")),
    ):
        of_log, of_table = (llmlog(*command, log).out for log in (sample, out))
        in_place = re.compile(r'"line":\d+')  # one further in a .csv, which has a header
        assert in_place.sub("", of_table.replace(str(out), str(sample))) == in_place.sub("", of_log)


@TABLES
def test_an_exported_table_is_exported_again_as_the_same_records(
    llmlog: Run, sample: Path, tmp_path: Path, name: str
) -> None:
    out, again = tmp_path / name, tmp_path / "again.jsonl"
    llmlog("export", sample, "--to", out)
    llmlog("export", out, "--to", again)
    assert_frame_equal(records(again), records(sample))


def records(log: Path) -> pl.DataFrame:
    """The records of a log as plain types."""
    snapshot = load([log])
    assert not snapshot.counts.skipped
    assert not snapshot.counts.nulled
    return decategorize(snapshot.frame).select(COLUMNS.keys())


# A text that begins with '= is read as one that an export kept from being evaluated.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
texts = texts.filter(lambda text: text.strip() and not text.startswith("'"))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": texts,
    "int": st.integers(0, 2**40),
    "float": st.floats(0, 1e9, allow_nan=False, width=32),
    "bool": st.booleans(),
    "strings": st.lists(st.text("abc_-=", min_size=1, max_size=5), min_size=1, max_size=3),
    "time": st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - as `timezones` says
        lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    ),
}
FIELD_TYPES = {field.name: field.type for field in FIELDS if field.name in COLUMNS}
OF_FIELD = {
    "event": st.sampled_from(EVENTS),
    "status": st.sampled_from(["ok", "error"]),
    "latency_ms": st.integers(0, 10**7) | st.floats(0, 1e6, width=32),
}


@st.composite
def rows(draw: st.DrawFn) -> Json:
    some = draw(st.sets(st.sampled_from(sorted(FIELD_TYPES))))
    named = {*some, "event", "status", "trace_id"}
    return {
        name: draw(OF_FIELD.get(name, VALUES[type_]))
        for name, type_ in FIELD_TYPES.items()
        if name in named
    }


@settings(max_examples=examples(15))
@given(st.lists(rows(), min_size=1, max_size=4))
@example([{"event": "span", "status": "ok", "trace_id": "t", "name": 'a "quoted"\n\n, \r\nname'}])
@example([{"event": "span", "status": "ok", "trace_id": "=1+1", "name": "@sum"}])
def test_any_records_come_back_from_a_table(written: list[Json]) -> None:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "calls.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in written))
        for name in ("back.parquet", "back.csv"):
            out = log.with_name(name)
            done = CliRunner().invoke(group, ["export", str(log), "--to", str(out)])
            assert done.exit_code == 0, done.output
            assert_frame_equal(records(out), records(log))


def test_rows_are_read_in_parts_and_each_record_is_found_again(
    llmlog: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_ROWS_READ", 100)
    monkeypatch.setattr(parquet, "_ROWS_WRITTEN", 7)
    out, again = tmp_path / "back.parquet", tmp_path / "again.jsonl"
    llmlog("export", sample, "--to", out)
    assert_frame_equal(records(out), records(sample))
    llmlog("export", out, "--to", again)
    steps = [json.loads(line)["step"] for line in again.read_text().splitlines()]
    assert steps == [json.loads(line)["step"] for line in sample.read_text().splitlines()]


def test_a_parquet_file_that_is_none_is_one_line(llmlog: Run, tmp_path: Path) -> None:
    path = tmp_path / "calls.parquet"
    path.write_bytes(b"PAR1 and nothing of the kind")
    assert is_refused(llmlog("stats", path), "calls.parquet", "is damaged")


def test_columns_of_tags_come_back_in_extra(llmlog: Run, tmp_path: Path) -> None:
    out = tmp_path / "tags.parquet"
    frame = pl.DataFrame(
        {
            "event": ["span"], "trace_id": ["t"], "extra.user": ["ann"], "extra.n": [7],
            "file": ["calls.jsonl"], "line": [1],
        }
    )  # fmt: skip
    frame.write_parquet(out)
    table = out.with_suffix(".csv")
    frame.select(
        ts=None, session_id=None, span_id=None, status=pl.lit("ok"), **dict(columns(frame))
    ).write_csv(table)
    for log, number in ((out, 7), (table, "7")):
        again = tmp_path / "again.jsonl"
        assert llmlog("export", log, "--to", again).code == 0
        record = json.loads(again.read_text())
        assert record["extra"] == {"user": "ann", "n": number}
        assert "file" not in record


def columns(frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    return ((name, frame[name]) for name in frame.columns)


def test_parquet_files_of_other_tools_are_known_by_their_columns(
    llmlog: Run, tmp_path: Path
) -> None:
    out = tmp_path / "observations.parquet"
    pl.DataFrame(
        {
            "id": ["o-1"], "traceId": ["t"], "type": ["GENERATION"], "model": ["gpt-5"],
            "startTime": [datetime(2026, 10, 5, tzinfo=UTC)], "usageDetails": ['{"input": 7}'],
        }
    ).write_parquet(out)  # fmt: skip
    said = json.loads(llmlog("stats", "--json", out).out)
    assert (said["format"], said["calls"], said["prompt_tokens"]) == ("Langfuse", 1, 7)
