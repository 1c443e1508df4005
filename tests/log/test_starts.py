"""Lines that announce records: counted nowhere, and joined with their records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llmlog_tui.log import follow
from llmlog_tui.log.load import load
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.starts import GONE_AFTER
from llmlog_tui.log.store import Snapshot

BEGAN = datetime(2026, 11, 23, 9, tzinfo=UTC)


def line(event: str, span: str | None, **more: str | None) -> bytes:
    record = {"ts": "2026-11-23T09:00:00Z", "event": event, "trace_id": "t", "step": 0}
    return json.dumps({**record, "span_id": span, **more}).encode() + b"\n"


def start(span: str | None, **more: str | None) -> bytes:
    return line("start", span, **{"requested_model": "m", **more})


def spans(snapshot: Snapshot) -> list[str]:
    return [step.span_id for step in snapshot.running]


def test_starts_are_no_records_and_are_counted_apart(path: Path) -> None:
    path.write_bytes(start("a") + line("chat_completion", "a") + b"\n" + b"torn {\n")
    snapshot = load([path])
    assert snapshot.frame["event"].to_list() == ["chat_completion"]
    counts = snapshot.counts
    assert (counts.lines, counts.records, counts.starts, counts.blanks) == (4, 1, 1, 1)
    assert counts.skipped.total() == 1
    assert not snapshot.running


def test_what_has_begun_and_not_ended_is_running(path: Path) -> None:
    path.write_bytes(
        start("a") + start("b", requested_model=None, tool_name="look") + line("response", "a")
    )
    (step,) = load([path]).running
    assert (step.span_id, step.trace_id, step.ts, step.label) == ("b", "t", BEGAN, "look")


def test_a_record_that_comes_ends_its_start(path: Path) -> None:
    path.write_bytes(start("a") + start("b"))
    reader = Reader([path])
    reader.read_to_end()
    reader.loaded()
    assert spans(reader.snapshot()) == ["a", "b"]
    with path.open("ab") as file:
        file.write(line("chat_completion", "a"))
    reader.read_to_end()
    assert spans(reader.snapshot()) == ["b"]
    reader.close()


@pytest.mark.parametrize("newest_first", [False, True])
def test_starts_and_records_of_other_blocks_are_joined(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, newest_first: bool
) -> None:
    monkeypatch.setattr(follow, "BLOCK_BYTES", 200)
    ended = b"".join(start(f"s{n}") for n in range(9))
    ended += b"".join(line("chat_completion", f"s{n}") for n in range(9))
    path.write_bytes(ended + start("open"))
    reader = Reader([path], newest_first=newest_first)
    reader.read_to_end()
    reader.loaded()
    assert spans(reader.snapshot()) == ["open"]
    reader.close()


def test_a_start_without_a_span_cannot_be_joined_and_is_only_counted(path: Path) -> None:
    path.write_bytes(start(None))
    snapshot = load([path])
    assert (snapshot.counts.starts, snapshot.running) == (1, ())


def test_wrapped_starts_are_joined_too(path: Path) -> None:
    inner = (start("a"), line("chat_completion", "a"), start("b"))
    wrapped = (json.dumps({"log": each.decode(), "stream": "stdout"}) for each in inner)
    path.write_text("\n".join(wrapped) + "\n")
    snapshot = load([path])
    assert spans(snapshot) == ["b"]
    assert snapshot.counts.records == 1


def test_after_a_clients_timeout_a_step_is_taken_to_have_died(path: Path) -> None:
    path.write_bytes(start("a"))
    (step,) = load([path]).running
    assert not step.is_gone(BEGAN + GONE_AFTER)
    assert step.is_gone(BEGAN + GONE_AFTER + timedelta(seconds=1))
