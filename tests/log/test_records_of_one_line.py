"""Several records of one line: each has its place, its content, and counts once."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from tests.formats.otlp import CHAT, Json, envelope, span

from llmlog_tui.log.load import read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.schema import decategorize


def call(number: int, trace: str) -> Json:
    messages = [{"role": "user", "content": f"question {number}"}]
    said = {"gen_ai.input.messages": json.dumps(messages)}
    return span(CHAT | said, number, number + 1, spanId=f"{number}" * 16, traceId=trace * 32)


def test_spans_of_one_line_are_records_with_the_content_of_their_own(tmp_path: Path) -> None:
    log = tmp_path / "otel.jsonl"
    items = [envelope(call(1, "a"), call(2, "b")), envelope(call(3, "a"))]
    log.write_text("".join(json.dumps(item) + "\n" for item in items))
    with closing(Reader([log])) as reader:
        snapshot = read_all(reader)
        frame = decategorize(snapshot.frame).sort("ts")
        rows = frame.to_dicts()
        written = reader.lines(frame, LineForm.WITH_CONTENT)
        found = [json.loads(line or b"{}")["input"] for line in written]
        raw = list(reader.lines(frame))
    assert [each[0]["content"] for each in found] == ["question 1", "question 2", "question 3"]
    assert [row["line"] for row in rows] == [0, 0, 1]
    assert raw[0] == raw[1] == json.dumps(items[0]).encode()
    assert (snapshot.counts.lines, snapshot.counts.records, snapshot.counts.skipped.total()) == (
        2, 3, 0,
    )  # fmt: skip


def test_records_of_ours_in_an_array_are_found_again(tmp_path: Path) -> None:
    log = tmp_path / "calls.json"
    own = [{"event": "span", "trace_id": "t", "step": n, "name": f"n{n}"} for n in range(3)]
    log.write_text(json.dumps(own) + "\n")
    with closing(Reader([log])) as reader:
        written = reader.lines(read_all(reader).frame, LineForm.WITH_CONTENT)
        assert [json.loads(line or b"{}") for line in written] == own


def test_two_objects_side_by_side_are_a_counted_fault_and_cost_only_their_line(
    tmp_path: Path,
) -> None:
    log = tmp_path / "calls.jsonl"
    one = json.dumps({"event": "span", "trace_id": "t", "step": 1})
    log.write_text(f"{one}{one}\n{one}\n")
    with closing(Reader([log])) as reader:
        counts = read_all(reader).counts
    assert (counts.lines, counts.records, dict(counts.skipped)) == (2, 1, {"two_objects": 1})
