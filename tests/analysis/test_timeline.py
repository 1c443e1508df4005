"""One trace as a timeline: order, tree, times, and what is worth a remark."""

from __future__ import annotations

import pytest
from tests.analysis.conftest import Log, Record

from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.analysis.traces.timeline import LastTimeline, Note, Step, Timeline, timeline

BEGIN = "2026-11-23T09:00:00"


def step(number: int, at_ms: int | None = 0, **fields: object) -> Record:
    ts = None if at_ms is None else f"{BEGIN}.{at_ms:03}Z"
    return {"trace_id": "t", "step": number, "ts": ts, **fields}


def span(name: str, parent: str | None = None, **fields: object) -> Record:
    return {"trace_id": "t", "span_id": name, "parent_span_id": parent, "name": name, **fields}


def of(log: Log, *records: Record, last: LastTimeline | None = None) -> Timeline:
    return timeline(with_changed(log(records).frame), "t", slow_ms=500.0, last=last)


def only(log: Log, record: Record) -> Step:
    (found,) = of(log, record).steps
    return found


def drawn(log: Log, *records: Record) -> list[str]:
    return [found.branch + found.name for found in of(log, *records).steps]


def test_steps_stand_in_step_order_whatever_the_order_of_the_log(log: Log) -> None:
    other: Record = {"trace_id": "other", "step": 0}
    found = of(log, step(2), other, {"trace_id": "t"}, step(0), step(1))
    assert [s.step for s in found.steps] == [0, 1, 2, None]
    assert [s.row for s in found.steps] == [3, 4, 0, 2]


def test_times_count_from_the_earliest_start(log: Log) -> None:
    found = of(log, step(0, 200, latency_ms=50), step(1, 100, latency_ms=700))
    assert [(s.start, s.end) for s in found.steps] == [(100, 150), (0, 700)]
    assert found.duration_ms == 700
    assert (found.timed, str(found.begin)) == (True, "2026-11-23 09:00:00.100000+00:00")


def test_if_one_ts_is_missing_all_steps_stand_in_sequence(log: Log) -> None:
    found = of(log, step(0, latency_ms=50), step(1, None), step(2, latency_ms=30))
    assert [(s.start, s.end) for s in found.steps] == [(0, 50), (50, 50), (50, 80)]
    assert (found.timed, found.begin, found.duration_ms) == (False, None, 80)


def test_an_unknown_latency_takes_no_room_and_stays_unknown(log: Log) -> None:
    found = only(log, step(0))
    assert (found.start, found.end, found.latency_ms) == (0, 0, None)


def test_a_trace_that_is_not_there_has_no_steps(log: Log) -> None:
    found = timeline(with_changed(log([step(0)]).frame), "nobody", slow_ms=500.0)
    assert (found.steps, found.duration_ms, found.timed, found.session_id) == (
        (),
        None,
        False,
        None,
    )


def test_the_session_is_the_first_that_is_known(log: Log) -> None:
    assert of(log, step(0), step(1, session_id="s")).session_id == "s"


def test_a_retried_call_waited_until_the_server_began_to_work(log: Log) -> None:
    # 3,000 ms in all, the last 800 of them work: 2,200 ms of waiting.
    found = only(log, step(0, latency_ms=3_000, retries=2, server_ms=800))
    assert (found.waited, found.answer, found.end) == (2_200, 2_200, 3_000)


def test_the_answer_of_a_stream_begins_at_its_first_token(log: Log) -> None:
    found = only(log, step(0, latency_ms=3_000, stream=True, ttft_ms=900))
    assert (found.waited, found.answer, found.end) == (0, 900, 3_000)


def test_a_retried_stream_waits_then_works_then_answers(log: Log) -> None:
    # First token after 900 ms, of which the server worked 300: 600 ms of waiting.
    fields: Record = {"stream": True, "ttft_ms": 900, "retries": 1, "server_ms": 300}
    found = only(log, step(0, latency_ms=3_000, **fields))
    assert (found.waited, found.answer, found.end) == (600, 900, 3_000)


def test_no_part_of_a_step_is_longer_than_the_step(log: Log) -> None:
    found = only(log, step(0, latency_ms=100, stream=True, ttft_ms=900, retries=1, server_ms=1))
    assert (found.waited, found.answer, found.end) == (100, 100, 100)


def test_ttft_means_nothing_without_a_stream(log: Log) -> None:
    assert only(log, step(0, latency_ms=100, ttft_ms=50)).answer == 0


def test_children_stand_below_their_parent(log: Log) -> None:
    assert drawn(
        log, span("root"), span("a", "root"), span("b", "a"), span("c", "root"), span("next")
    ) == ["root", "├ a", "│ └ b", "└ c", "next"]


def test_children_come_right_behind_their_parent_in_step_order(log: Log) -> None:
    records = [
        span("leaf", "root", step=3),
        span("next", step=1),
        span("root", step=0),
        span("first", "root", step=2),
    ]
    assert drawn(log, *records) == ["root", "├ first", "└ leaf", "next"]


def test_a_lost_parent_is_no_parent(log: Log) -> None:
    assert drawn(log, span("a", "gone"), span("b", "a")) == ["a", "└ b"]


def test_a_span_that_is_its_own_parent_is_a_root(log: Log) -> None:
    assert drawn(log, span("a", "a"), span("b", "a")) == ["a", "└ b"]


def test_spans_that_are_each_others_parents_are_all_shown_once(log: Log) -> None:
    records = [span("a", "b"), span("b", "a"), span("c", "b"), span("d")]
    assert sorted(drawn(log, *records)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"tool_name": "search", "model": "m"}, "search"),
        ({"event": "span", "name": "research"}, "research"),
        ({"model": "m", "requested_model": "openai/m"}, "m"),
        ({"requested_model": "openai/m"}, "openai/m"),
        ({}, "chat_completion"),
    ],
)
def test_a_step_is_called_by_what_it_did(log: Log, fields: Record, name: str) -> None:
    assert only(log, step(0, **fields)).name == name


def test_nothing_remarkable_is_not_remarked(log: Log) -> None:
    fields: Record = {
        "finish_reason": "stop",
        "retries": 0,
        "reasoning_tokens": 0,
        "cached_tokens": 0,
    }
    found = only(log, step(0, **fields))
    assert (found.notes, found.failed, found.cut_off) == ((), False, False)


def test_everything_remarkable_is_remarked_gravest_first(log: Log) -> None:
    before = step(0, model="m", system_fingerprint="fp_a")
    loud = step(
        1,
        model="m",
        system_fingerprint="fp_b",
        status="error",
        error_type="APIError",
        finish_reason="length",
        retries=2,
        reasoning_tokens=12_345,
        cached_tokens=250,
        prompt_tokens=1_000,
    )
    found = of(log, before, loud).steps[1]
    assert (found.failed, found.cut_off) == (True, True)
    assert found.notes == (
        Note("✗ APIError", "failed"),
        Note("┤ length", "cut off"),
        Note("≠ fingerprint", "changed"),
        Note("↻ 2 retries", "retried"),
        Note("rsn 12.3k", "usage"),
        Note("cached 25%", "usage"),
    )


@pytest.mark.parametrize(
    ("fields", "note"),
    [({"error_status": 503}, "✗ 503"), ({"status": "error"}, "✗ failed")],
)
def test_a_failure_has_the_best_reason_there_is(log: Log, fields: Record, note: str) -> None:
    assert only(log, step(0, **fields)).notes == (Note(note, "failed"),)


def test_one_retry_is_one_retry(log: Log) -> None:
    assert only(log, step(0, retries=1)).notes == (Note("↻ 1 retry", "retried"),)


def test_a_foreign_event_is_no_step(log: Log) -> None:
    assert of(log, step(0), {"trace_id": "t", "event": "deploy"}, step(1)).steps[1].step == 1


def test_a_refresh_without_news_of_a_trace_makes_nothing(log: Log) -> None:
    records = [step(0, latency_ms=50, model="m"), step(1, model="m")]
    other: Record = {"trace_id": "other", "model": "m"}
    last = LastTimeline()
    before = of(log, *records, last=last)
    assert of(log, *records, other, last=last) is before


def test_of_what_a_trace_was_before_it_grew_only_what_changes_is_made_again(log: Log) -> None:
    root, child = span("root", step=0, ts=f"{BEGIN}Z"), span("a", "root", step=2, ts=f"{BEGIN}Z")
    last = LastTimeline()
    before = of(log, root, child, last=last).steps
    late = span("b", "root", step=1, ts=f"{BEGIN}Z"), span("c", "root", step=3, ts=f"{BEGIN}Z")
    after = of(log, root, child, *late, last=last).steps
    assert [found.branch + found.name for found in after] == ["root", "├ b", "├ a", "└ c"]
    assert after[0] is before[0]
    assert before[1].branch == "└ ", "and it stays as it was made"


def test_a_trace_that_grew_is_as_if_it_had_been_read_at_once(log: Log) -> None:
    records = [
        span("b", "a", step=1, ts=f"{BEGIN}.500Z", latency_ms=20, status="error"),
        span("c", "b", step=2, ts=f"{BEGIN}.600Z", latency_ms=10, model="m"),
        span("a", step=0, ts=f"{BEGIN}.100Z", latency_ms=900),
        span("d", "c", step=3, ts=None, latency_ms=5),
    ]
    last = LastTimeline()
    grown = [of(log, *records[:n], last=last) for n in range(1, 5)]
    assert of(log, *records) == grown[-1]
    assert [found.timed for found in grown] == [True, True, True, False]


def test_another_log_with_the_same_keys_is_read_anew(log: Log) -> None:
    last = LastTimeline()
    assert of(log, step(0, latency_ms=50), last=last).steps[0].end == 50
    assert of(log, step(0, latency_ms=51), step(1), last=last).steps[0].end == 51


def test_places_say_where_a_step_stands(log: Log) -> None:
    assert of(log, step(2), step(0), step(1)).index_by_key == {1: 0, 2: 1, 0: 2}
