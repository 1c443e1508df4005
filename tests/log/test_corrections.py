"""Records that later lines correct: read line by line, a log is what it is read at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tests.formats.otlp import CHAT, ROOT, TRACE, Json, envelope, span
from tests.searches import examples

from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, overview
from llmlog_tui.log import reader
from llmlog_tui.log.load import load
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.schema import decategorize

SPANS = [
    span({"session.id": "s-1"}, 0, 9, spanId=ROOT),
    *(span(CHAT, at, at + 1, spanId=f"{at}" * 16, parentSpanId=ROOT) for at in range(1, 5)),
    span(CHAT, 2, 3, traceId="b" * 32, spanId="b" * 16),
]


@pytest.fixture(autouse=True)
def _flushed_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "QUIET_S", 0.0)
        yield


def lines(spans: list[Json]) -> list[bytes]:
    return [json.dumps(envelope(each)).encode() + b"\n" for each in spans]


def by_start(frame: pl.DataFrame) -> pl.DataFrame:
    plain = decategorize(frame).drop("row", "line", "block")
    return plain.sort("trace_id", "ts")


@settings(max_examples=examples(20))
@given(order=st.permutations(SPANS), repeated=st.integers(0, 5))
def test_a_log_that_grew_span_by_span_is_what_it_is_read_at_once(
    tmp_path_factory: pytest.TempPathFactory, order: list[Json], repeated: int
) -> None:
    log = tmp_path_factory.mktemp("grown") / "otel.jsonl"
    log.write_bytes(b"")
    analyzer = IncrementalAnalyzer(500)
    with closing(Reader([log])) as grown:
        grown.loaded()
        for line in lines([*order, order[repeated]]):
            with log.open("ab") as file:
                file.write(line)
            while grown.step():
                pass
            found = analyzer.overview(grown.snapshot())
        snapshot = grown.snapshot()
    assert_frame_equal(by_start(snapshot.frame), by_start(load([log]).frame))
    whole = overview(snapshot, 500)
    assert_frame_equal(found.traces, whole.traces)
    assert found.timeline(TRACE) == whole.timeline(TRACE)
    assert found.kpis == whole.kpis


def test_a_correction_reaches_records_of_other_files(tmp_path: Path) -> None:
    early, late = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    early.write_bytes(lines(SPANS[2:3])[0])
    late.write_bytes(b"")
    with closing(Reader([early, late])) as both:
        both.read_to_end()
        both.loaded()
        assert both.snapshot().frame["step"].to_list() == [0]
        late.write_bytes(lines(SPANS[1:2])[0])
        while both.step():
            pass
        snapshot = both.snapshot()
    assert snapshot.frame.sort("ts")["step"].to_list() == [0, 1]
    assert snapshot.revision == 1
