"""Everything the Overview shows, and the ways around in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.live import overview as overviews
from llmlog_tui.analysis.live.overview import Overview, overview
from llmlog_tui.config.rules import parse_rules
from llmlog_tui.log.load import load
from llmlog_tui.log.record_key import RecordLocation

RECORDS: list[Record] = [
    {"trace_id": "t", "latency_ms": 100, "ts": "2026-11-23T09:00:05Z"},
    {"trace_id": "t", "event": "tool_call", "latency_ms": 9_000, "ts": "2026-11-23T09:00:09Z"},
    {"trace_id": "t", "latency_ms": 600, "status": "error", "error_status": 400},
    {"trace_id": "u", "latency_ms": 5_000, "ts": "2026-11-23T09:00:01Z"},
    {"latency_ms": None, "status": "error"},
    {"trace_id": "tools", "event": "tool_call"},
]


@pytest.fixture
def view(log: Log) -> Overview:
    return overview(log(RECORDS), slow_ms=500)


def test_calls_are_numbered_by_their_records(view: Overview) -> None:
    assert view.calls["row"].to_list() == [0, 2, 3, 4]


def test_rows_say_whether_they_are_slow_or_among_the_worst_and_why(view: Overview) -> None:
    rows = view.call_rows(0, 4)
    assert [row["slow"] for row in rows] == [False, True, True, False]
    # p95 of 100, 600, 5,000: 0.95 * 2 = 1.9, so 600 + 0.9 * 4,400 = 4,560 ms
    assert view.worst_ms == pytest.approx(4_560)
    assert [row["worst"] for row in rows] == [False, False, True, False]
    assert [row["why"] for row in rows] == ["", "failed, 400", "unexplained", ""]


def test_any_stretch_of_rows_can_be_had(view: Overview) -> None:
    assert [row["row"] for row in view.call_rows(1, 3)] == [2, 3]
    assert [row["row"] for row in view.call_rows(3, 99)] == [4]
    assert [row["trace_id"] for row in view.trace_rows(1, 3)] == ["u", "tools"]


def test_the_newest_record_is_the_latest_start_of_any_record(view: Overview) -> None:
    assert str(view.newest) == "2026-11-23 09:00:09+00:00"


def test_the_trace_of_a_call_is_known(view: Overview) -> None:
    assert [view.trace_of(row) for row in (0, 3, 4)] == ["t", "u", None]


def test_a_tool_execution_leads_to_its_trace_too(view: Overview) -> None:
    assert [view.trace_of(row) for row in (0, 1)] == ["t", "t"]


def test_a_record_that_is_not_there_has_no_trace_and_no_location(view: Overview) -> None:
    assert view.trace_of(99) is None
    assert not view.has(99)
    with pytest.raises(KeyError):
        view.location(99)


def test_the_last_call_of_a_trace_is_no_tool(view: Overview) -> None:
    assert [view.last_call_of(trace) for trace in ("t", "u", "tools", "nobody")] == [
        2, 3, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("where", [None, "latency_ms > 1000"])
def test_the_steps_of_a_trace_are_found_however_far_apart_they_are(
    log: Log, where: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overviews, "_SEARCH_RECORDS", 2)
    records = [*RECORDS, *[{"trace_id": "u"}] * 9, {"event": "deploy", "trace_id": "t"}]
    view = overview(log([*records, {"trace_id": "t"}]), slow_ms=500, where=where)
    steps = {trace: view.steps_of(trace)["row"].to_list() for trace in ("t", "tools", "nobody")}
    assert steps == {"t": [0, 1, 2, 16], "tools": [5], "nobody": []}
    assert view.steps_of("t").columns == view.frame.columns


@pytest.mark.parametrize(
    ("row", "forward", "back"),
    [
        *[(None, 2, None), (0, 2, None), (2, 4, None), (3, 4, 2), (4, None, 2)],
        *[(1, 2, None), (5, None, 4), (99, 2, None)],  # tools, and one that was let go of
    ],
)
def test_failed_calls_are_found_in_both_directions(
    view: Overview, row: int | None, forward: int | None, back: int | None
) -> None:
    assert view.next_call("failed", row, 1) == forward
    assert view.next_call("failed", row, -1) == back


def test_cut_off_and_slow_calls_are_found_in_both_directions(log: Log) -> None:
    broken = {"stream": True, "stream_end": "truncated"}
    slow: list[Record] = [{"latency_ms": 501}, broken, {"latency_ms": 500}]
    records = [{}, {"finish_reason": "length"}, *slow]
    view = overview(log(records), slow_ms=500)
    assert [view.next_call("cut-off", row, 1) for row in (None, 1, 3)] == [1, 3, None]
    assert [view.next_call("cut-off", row, -1) for row in (4, 3, 1)] == [3, 1, None]
    assert [view.next_call("slow", row, 1) for row in (0, 2)] == [2, None]
    assert [row["cut_off"] for row in view.call_rows(0, 5)] == [False, True, False, True, False]
    assert view.trace_rows(0, 9) == []


def test_from_a_call_that_a_filter_hides_the_next_failed_one_is_found(log: Log) -> None:
    view = overview(log(RECORDS), slow_ms=500, where="status = 'error'")
    assert [view.next_call("failed", row, 1) for row in (0, 3)] == [2, 4]
    assert [view.next_call("failed", row, -1) for row in (0, 3)] == [None, 2]


def test_the_nearest_of_several_failed_calls_is_next(log: Log) -> None:
    view = overview(log([{"status": "error"}] * 5), slow_ms=500)
    assert (view.next_call("failed", 2, 1), view.next_call("failed", 2, -1)) == (3, 1)


def _at(second: int) -> str:
    return f'{{"event": "chat_completion", "ts": "2026-11-23T09:00:0{second}Z"}}\n'


def test_the_place_of_a_record_is_its_file_block_and_line(tmp_path: Path) -> None:
    late, early = tmp_path / "late.jsonl", tmp_path / "early.jsonl"
    late.write_text("\n" + _at(2) + "bad\n" + _at(3))
    early.write_text(_at(1))
    view = overview(load([late, early]), slow_ms=500)
    assert view.calls["row"].to_list() == [2, 0, 1]
    assert [view.location(row) for row in (2, 0, 1)] == [
        RecordLocation(str(early), 1, 0, 2),
        RecordLocation(str(late), 0, 1, 0),
        RecordLocation(str(late), 0, 3, 1),
    ]


def test_only_alerts_that_are_not_cleared_are_ongoing(log: Log) -> None:
    records = [{"model": "m", "system_fingerprint": name} for name in "abac" for _ in range(20)]
    view = overview(log(records), slow_ms=500)
    assert (len(view.alerts), view.ongoing) == (2, 1)


def test_the_rules_say_what_is_watched_for(log: Log) -> None:
    records = [{"model": "m", "system_fingerprint": name} for name in "ab" for _ in range(20)]
    rules = parse_rules("[fingerprint]\nenabled = false")
    view = overview(log(records), slow_ms=500, rules=rules)
    assert (view.alerts, len(view.enabled_rules)) == ((), 6)


def test_an_empty_log_has_an_overview(log: Log) -> None:
    view = overview(log([]), slow_ms=500)
    assert (view.worst_ms, view.newest, view.alerts, view.ongoing) == (None, None, (), 0)
    assert (view.call_rows(0, 9), view.trace_rows(0, 9), view.next_call("failed", None, 1)) == (
        [],
        [],
        None,
    )
    assert (view.slow_summary.sentence(), view.last_call_of("t")) == ("", None)


def test_a_filter_lets_the_records_of_a_trace_through_that_has_such_a_call(log: Log) -> None:
    records: list[Record] = [
        {"trace_id": "a", "latency_ms": 900},
        {"trace_id": "a", "tool_name": "search"},
        {"trace_id": "b", "latency_ms": 1},
        {"latency_ms": 900},
        {"latency_ms": 1},
    ]
    answers = overview(log(records), slow_ms=500, where="latency_ms > 500")
    assert [answers.matches_filter(row) for row in range(5)] == [True, True, False, True, False]
    assert overview(log(records), slow_ms=500).matches_filter(4), "without a filter, all"
    assert answers.has(4)
    assert not answers.has(5)
