"""One row for each run of an application."""

from __future__ import annotations

from typing import Any

from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.traces.traces import traces


def at(second: float, **fields: object) -> Record:
    return {"ts": f"2026-11-23T09:00:{second:06.3f}Z", "trace_id": "t", **fields}


def only(frame: Frame, *records: Record) -> dict[str, Any]:
    return traces(frame(records)).row(0, named=True)


def test_traces_stand_in_the_order_of_their_first_records(frame: Frame) -> None:
    found = traces(frame([{"trace_id": trace} for trace in "babcb"]))
    rows = found.select("trace_id", "steps", "row").rows()
    assert rows == [("b", 3, 0), ("a", 1, 1), ("c", 1, 3)]


def test_records_without_a_trace_are_left_out(frame: Frame) -> None:
    assert traces(frame([{}, {"trace_id": None, "model": "m"}])).height == 0


def test_a_trace_takes_from_its_earliest_start_to_its_latest_end(frame: Frame) -> None:
    # Starts 1.0, 0.5, 2.0 and ends 1.1, 4.5, 2.2: 4.5 - 0.5 is 4 s.
    trace = only(frame, at(1, latency_ms=100), at(0.5, latency_ms=4_000), at(2, latency_ms=200))
    assert trace["time_ms"] == 4_000
    assert trace["ts"].isoformat() == "2026-11-23T09:00:00.500000+00:00"


def test_a_fraction_of_a_millisecond_counts(frame: Frame) -> None:
    assert only(frame, at(1, latency_ms=0.25))["time_ms"] == 0.25


def test_without_ts_a_trace_takes_the_sum_of_its_latencies(frame: Frame) -> None:
    trace = only(
        frame,
        {"trace_id": "t", "latency_ms": 100},
        {"trace_id": "t"},
        {"trace_id": "t", "latency_ms": 250},
    )
    assert (trace["ts"], trace["time_ms"]) == (None, 350)


def test_the_time_of_a_single_record_without_latency_is_unknown(frame: Frame) -> None:
    assert only(frame, at(1))["time_ms"] is None


def test_two_records_without_latencies_are_as_far_apart_as_their_starts(frame: Frame) -> None:
    assert only(frame, at(1), at(3))["time_ms"] == 2_000


def test_without_ts_and_latencies_the_time_is_unknown(frame: Frame) -> None:
    assert only(frame, {"trace_id": "t"}, {"trace_id": "t"})["time_ms"] is None


def test_the_session_is_the_first_that_is_known(frame: Frame) -> None:
    trace = only(frame, at(1), at(2, session_id="s"), at(3, session_id="other"))
    assert trace["session_id"] == "s"


def test_tokens_are_totals_and_what_has_none_is_added_up(frame: Frame) -> None:
    trace = only(
        frame,
        at(1, total_tokens=100, prompt_tokens=1, completion_tokens=1),
        at(2, prompt_tokens=20, completion_tokens=3),
        at(3),
        at(4, event="tool_call", total_tokens=5_000),
    )
    assert trace["tokens"] == 123


def test_tokens_are_unknown_where_no_call_has_any(frame: Frame) -> None:
    assert only(frame, at(1), at(2, prompt_tokens=5))["tokens"] is None


def test_what_happened_to_any_step_happened_to_the_trace(frame: Frame) -> None:
    quiet = only(frame, at(1), at(2, retries=0, finish_reason="stop"))
    assert not any(quiet[name] for name in ("failed", "truncated", "retried", "changed"))
    loud = only(
        frame,
        at(1, model="m", system_fingerprint="fp_a", retries=1),
        at(2, model="m", system_fingerprint="fp_b", finish_reason="length"),
        at(3, event="tool_call", status="error"),
    )
    assert all(loud[name] for name in ("failed", "truncated", "retried", "changed"))


def test_models_stand_in_the_order_of_their_first_use(frame: Frame) -> None:
    models = ["b", "a", None, "b"]
    records = [at(n, model=model) for n, model in enumerate(models)]
    trace = only(frame, *records, at(9, event="tool_call", model="tool"))
    assert trace["models"] == ["b", "a"]


def test_a_call_that_no_model_answered_has_the_requested_one(frame: Frame) -> None:
    asked = [("only", None, "gpt"), ("fell back", None, "gpt"), ("fell back", "claude", "claude")]
    routed = [("routed", None, "x/gpt"), ("routed", "gpt", "x/gpt"), ("none", None, None)]
    records = [
        at(n, trace_id=trace, model=model, requested_model=requested)
        for n, (trace, model, requested) in enumerate((*asked, *routed))
    ]
    found = traces(frame(records))
    assert dict(found.select("trace_id", "models").iter_rows()) == {
        "only": ["gpt"],
        "fell back": ["gpt", "claude"],
        "routed": ["gpt"],
        "none": [],
    }


def test_a_tool_has_no_model(frame: Frame) -> None:
    trace = only(frame, at(0, event="tool_call", requested_model="gpt"))
    assert trace["models"] == []


def test_a_log_without_records_has_no_traces(frame: Frame) -> None:
    assert traces(frame([])).height == 0


def test_a_foreign_event_neither_counts_nor_fails_a_trace(frame: Frame) -> None:
    deploy: Record = {"trace_id": "t", "event": "deploy", "error": "rolled back"}
    (found,) = traces(frame([{"trace_id": "t"}, deploy])).to_dicts()
    assert (found["steps"], found["failed"]) == (1, False)
