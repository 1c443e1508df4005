"""When a system_fingerprint changed, and what that did."""

from __future__ import annotations

from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.fingerprints import CHANGES_SHOWN, Side, changes


def call(fingerprint: str | None, model: str = "m", **fields: object) -> Record:
    return {"model": model, "system_fingerprint": fingerprint, "trace_id": "t", **fields}


def marked(frame: Frame, *records: Record) -> list[bool]:
    return frame(records)["changed"].to_list()


def test_a_call_is_marked_if_the_one_before_it_had_another_fingerprint(frame: Frame) -> None:
    assert marked(frame, call("a"), call("a"), call("b"), call("b"), call("a")) == [
        False, False, True, False, True,
    ]  # fmt: skip


def test_an_unknown_fingerprint_is_no_change(frame: Frame) -> None:
    found = marked(frame, call(None), call("a"), call(None), call("a"), call(None), call("b"))
    assert found == [False, False, False, False, False, True]


def test_models_and_traces_are_compared_with_themselves_only(frame: Frame) -> None:
    records = [call("a"), call("b", "other"), call("c", trace_id="u"), call("a")]
    assert marked(frame, *records) == [False] * 4


def test_calls_without_a_trace_are_no_neighbours(frame: Frame) -> None:
    records = [call("a", trace_id=None), call("b", trace_id=None)]
    assert marked(frame, *records) == [False, False]


def test_a_change_compares_the_calls_on_both_sides(calls: Frame) -> None:
    before = [call("a", latency_ms=100 * n) for n in range(1, 6)]
    after = [
        call("b", latency_ms=1_000, finish_reason="length", ts="2026-11-23T09:00:05Z"),
        call("b", latency_ms=2_000),
    ]
    (change,) = changes(calls([*before, *after]))
    assert (change.model, change.previous, change.fingerprint) == ("m", "a", "b")
    assert (change.row, change.current) == (5, True)
    assert str(change.ts) == "2026-11-23 09:00:05+00:00"
    # 0.95 * (5 - 1) = 3.8: from 400 on 0.8 of the way to 500; 0.95 * 1: from 1,000 to 2,000
    assert change.before == Side(5, 480.0, 0.0)
    assert change.after == Side(2, 1_950.0, 0.5)


def test_a_fingerprint_seen_before_is_no_change_but_ends_the_other(calls: Frame) -> None:
    (change,) = changes(calls([call("a"), call("b"), call("a")]))
    assert (change.row, change.current) == (1, False)


def test_each_new_fingerprint_is_a_change_from_the_one_that_answered_before_it(
    calls: Frame,
) -> None:
    found = changes(calls([call("a"), call("b"), call("a"), call("c")]))
    assert [(c.previous, c.fingerprint, c.row, c.current) for c in found] == [
        ("a", "b", 1, False),
        ("a", "c", 3, True),
    ]


def test_each_model_changes_by_itself_and_changes_stand_in_order(calls: Frame) -> None:
    records = [call("a"), call("x", "n"), call("y", "n"), call("b"), call(None, "o")]
    assert [(c.model, c.row) for c in changes(calls(records))] == [("n", 2), ("m", 3)]


def test_unknown_latencies_have_no_percentile(calls: Frame) -> None:
    (change,) = changes(calls([call("a"), call("b")]))
    assert (change.before.p95_ms, change.after.p95_ms) == (None, None)


def test_a_log_without_fingerprints_has_no_changes(calls: Frame) -> None:
    assert changes(calls([call(None), call(None)])) == []
    assert changes(calls([])) == []


def test_the_order_is_that_of_the_frame_whatever_the_keys_of_the_rows(calls: Frame) -> None:
    merged = calls([call("new"), call("old")]).reverse()
    (change,) = changes(merged)
    assert (change.previous, change.fingerprint, change.current) == ("old", "new", True)


def test_a_step_that_was_written_later_is_compared_in_step_order(frame: Frame) -> None:
    records = [call("b", step=1), call("a", step=0)]
    assert marked(frame, *records) == [True, False]


def test_of_very_many_fingerprints_the_latest_are_told(calls: Frame) -> None:
    found = changes(calls([call(f"fp_{n}") for n in range(CHANGES_SHOWN + 50)]))
    assert [change.row for change in found] == list(range(50, CHANGES_SHOWN + 50))
