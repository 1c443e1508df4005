"""What is wrong with a log's records: each fault counted, with the first that shows it."""

from __future__ import annotations

import pytest
from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.calls.health import Finding, health
from llmlog_tui.log.load import load


def step(number: int | None, trace: str = "t", **fields: object) -> Record:
    return {"session_id": "s", "trace_id": trace, "step": number, **fields}


def at(second: float, number: int, latency_ms: float | None = None, trace: str = "t") -> Record:
    ts = f"2026-11-23T09:00:{second:06.3f}Z"
    return step(number, trace, ts=ts, latency_ms=latency_ms)


def of(log: Log, *records: Record) -> list[Finding]:
    return health(log(records).frame)


def test_a_sound_log_has_no_faults(log: Log) -> None:
    # Written as calls end: step 1 began later and ended first.
    assert of(log, at(2, 1, 100), at(1, 0, 1_500), at(3, 0, trace="u")) == []


def test_a_log_without_records_has_no_faults(log: Log) -> None:
    assert of(log) == []


@pytest.mark.parametrize("name", ["session_id", "trace_id", "step"])
def test_records_that_cannot_be_joined_are_counted_by_what_they_lack(log: Log, name: str) -> None:
    lacking = ({**step(number), name: None} for number in (1, 2))
    assert of(log, step(0), *lacking) == [Finding("unjoinable", name, 2, 1)]


def test_a_foreign_event_need_not_be_joined(log: Log) -> None:
    assert of(log, {"event": "deploy", "trace_id": "t"}) == [
        Finding("unknown_event", "deploy", 1, 0)
    ]


def test_unknown_events_stand_by_how_often_they_came(log: Log) -> None:
    records = [step(0), *({"event": name, "trace_id": "t"} for name in ("a", "b", "c", "b"))]
    assert of(log, *records) == [
        Finding("unknown_event", "b", 2, 2),
        Finding("unknown_event", "a", 1, 1),
        Finding("unknown_event", "c", 1, 3),
    ]


def test_a_step_that_comes_again_is_a_duplicate(log: Log) -> None:
    records = [step(1), step(0), step(0, "u"), step(1), step(1)]
    assert of(log, *records) == [Finding("duplicate_step", "", 2, 3)]


def test_missing_steps_are_counted_from_zero_to_the_last(log: Log) -> None:
    # t lacks 0 and 3, 4; u lacks nothing; v lacks 0 to 9.
    records = [step(5), step(1), step(2), step(0, "u"), step(10, "v")]
    assert of(log, *records) == [Finding("missing_step", "", 13, 0)]


def test_a_step_that_has_begun_is_not_missing(log: Log) -> None:
    # 1, 3 and 8 of t, and 0 of u have begun; 2 of t began and ended; 4 and 5 of t are missing.
    ends = [step(0), {**step(2), "span_id": "t2"}, step(6), step(1, "u")]
    begun = (("t", 1), ("t", 1), ("t", 2), ("t", 3), ("t", 8), ("u", 0))
    starts = [
        {**step(number, trace), "event": "start", "span_id": f"{trace}{number}{at}"}
        for at, (trace, number) in enumerate(begun)
    ]
    found = log([*starts, *ends])
    assert len(found.running) == len(starts)
    assert health(found.frame, found.running) == [Finding("missing_step", "", 2, 2)]


def test_shown_records_are_compared_with_all(log: Log) -> None:
    # Ends at 4.0, 3.2, 2.4 and 0.9 s.
    records = [at(4, 1), at(3.2, 3), at(2.4, 4), at(0.9, 4)]
    frame = log(records).frame
    assert [each.kind for each in health(frame, shown=frame[[0, 2]])] == [
        "missing_step",
        "step_backwards",
    ]
    assert health(frame, shown=frame[3:]) == [
        Finding("duplicate_step", "", 1, 3),
        Finding("end_backwards", "", 1, 3),
    ]
    assert "missing_step" not in {each.kind for each in health(frame, is_whole=False)}


def test_a_later_step_that_began_earlier_is_time_running_backwards(log: Log) -> None:
    records = [at(1, 0), at(1, 1), at(0.9, 2), at(0.95, 3), at(0.5, 0, trace="u")]
    assert of(log, *records) == [Finding("step_backwards", "", 1, 2)]


def test_a_step_without_ts_is_passed_over(log: Log) -> None:
    assert of(log, at(2, 0), step(1), at(1, 2)) == [Finding("step_backwards", "", 1, 2)]


def test_an_end_more_than_a_second_before_the_last_is_time_running_backwards(log: Log) -> None:
    # Ends at 3.0, 2.0 (a second before: no fault), 0.999 and 5.0 s.
    records = [
        at(1, 0, 2_000, "a"), at(2, 0, None, "b"), at(0.5, 0, 499, "c"), at(4, 0, 1_000, "d"),
    ]  # fmt: skip
    assert of(log, *records) == [Finding("end_backwards", "", 1, 2)]


def test_several_files_are_looked_at_one_by_one(log: Log) -> None:
    first = log([at(10, 0), at(20, 1)]).files[0]
    second = first.with_name("other.jsonl")
    second.write_bytes(first.read_bytes().replace(b'"t"', b'"u"'))
    assert health(load([first, second]).frame) == []


def test_no_number_is_too_large_to_look_at(log: Log) -> None:
    records = [at(1, 0, 1e300), at(2, 2**62, -1e300), at(3, -5), at(4, -(2**63))]
    assert health(log(records).frame)
