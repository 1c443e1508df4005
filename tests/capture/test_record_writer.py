"""Records that come from elsewhere are written as a session writes its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmlog.record_writer import ContentPolicy, RecordWriter

CALL = {"event": "chat_completion", "session_id": "s", "trace_id": "t", "step": 0}
SAID = {"input": [{"role": "user", "content": "mail me: a@example.org"}], "error_message": "no"}


@pytest.mark.parametrize(
    ("policy", "said"),
    [("none", None), ("redacted", "mail me: [redacted:email]"), ("full", "mail me: a@example.org")],
)
def test_content_is_written_by_its_policy(policy: ContentPolicy, said: str | None) -> None:
    record = json.loads(RecordWriter("calls.jsonl", policy).line(CALL | SAID))
    assert record.get("input", [{}])[0].get("content") == said
    assert ("prefix_hashes" in record) == (policy != "none")
    assert record.get("error_message") == (None if policy == "none" else "no")


def test_an_event_that_is_none_of_ours_is_written_with_the_fields_it_has() -> None:
    line = RecordWriter("calls.jsonl").line({"event": "deploy", "trace_id": "t"})
    assert json.loads(line) == {"event": "deploy", "trace_id": "t"}


def test_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "calls.jsonl"
    writer = RecordWriter(path)
    for step in range(2):
        writer.write(writer.line(CALL | {"step": step}))
    assert [json.loads(line)["step"] for line in path.read_bytes().splitlines()] == [0, 1]
