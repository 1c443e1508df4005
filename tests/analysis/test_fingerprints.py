"""When a system_fingerprint changed, and what that did."""

from __future__ import annotations

from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.conftest import Frame, Record
from tests.searches import examples

from llmlog_tui.analysis.alerts.comparison import CohortStats
from llmlog_tui.analysis.alerts.fingerprint import (
    CHANGES_SHOWN,
    FingerprintChange,
    FingerprintDetector,
)
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log.schema import COLUMNS

SETTLED = DEFAULT.fingerprint.settled_calls


def fingerprint_changes(calls: pl.DataFrame) -> list[FingerprintChange]:
    detector = FingerprintDetector(DEFAULT.fingerprint)
    detector.add(calls)
    return detector.found


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


def runs(*names: str, of: int = SETTLED, model: str = "m") -> list[Record]:
    return [call(name, model) for name in names for _ in range(of)]


def test_a_change_compares_the_calls_on_both_sides(calls: Frame) -> None:
    before = [call("a", latency_ms=100 * n, completion_tokens=10 * n) for n in range(1, 21)]
    after = [call("b", latency_ms=4_000, finish_reason="length") for _ in range(20)]
    failed: Record = {"requested_model": "m", "status": "error"}
    before[0] = {**before[0], "requested_model": "m"}
    (change,) = fingerprint_changes(
        calls([*before, failed, *after, call("b", ts="2026-11-23T09:00:05Z")])
    )
    assert (change.model, change.previous, change.fingerprint) == ("m", "a", "b")
    assert (change.row, change.fired_row, change.last_row, change.current) == (21, 40, 41, True)
    assert (change.ts, str(change.last_ts)) == (None, "2026-11-23 09:00:05+00:00")
    # 0.95 * 19 = 18.05: 1,900 and a twentieth of the way to 2,000; 1 of the 21 before failed
    assert change.before == CohortStats(20, 1_050.0, 1_905.0, 100.0, 0.0, 1 / 21)
    assert change.after == CohortStats(21, 4_000.0, 4_000.0, None, 20 / 21, 0.0)
    assert [(row.name, row.is_chance) for row in change.table] == [
        ("p50 ms", False), ("p95 ms", False), ("tok/s", True), ("cut off", False), ("failed", True),
    ]  # fmt: skip
    assert change.table[2].p is None


def test_answers_cut_off_under_another_finish_reason_count_among_those_that_can_be_cut_off(
    calls: Frame,
) -> None:
    embeddings = [call("b", event="embedding") for _ in range(SETTLED)]
    hidden = [call("b", tool_args_ok=False), call("b", stream_end="truncated")]
    after = [*hidden, *runs("b", of=2 * SETTLED - 2)]
    (change,) = fingerprint_changes(calls([*runs("a"), *after, *embeddings]))
    assert (change.before.cut_off, change.after.cut_off) == (0.0, 2 / (2 * SETTLED))


def test_nothing_is_a_change_before_it_has_settled(calls: Frame) -> None:
    assert fingerprint_changes(calls([*runs("a"), *runs("b", of=SETTLED - 1)])) == []
    assert fingerprint_changes(calls([*runs("a", of=SETTLED - 1), *runs("b")])) == []
    assert len(fingerprint_changes(calls(runs("a", "b")))) == 1


def test_several_fingerprints_at_once_are_a_mix_and_no_change(calls: Frame) -> None:
    assert fingerprint_changes(calls([call(name) for name in "abacbb" * 100])) == []


def test_one_that_joins_now_and_then_is_no_change(calls: Frame) -> None:
    assert (
        fingerprint_changes(calls([*runs("a"), call("b"), *runs("a"), call("b"), *runs("a")])) == []
    )


def test_a_fingerprint_seen_before_is_no_change_but_ends_the_other(calls: Frame) -> None:
    (change,) = fingerprint_changes(calls(runs("a", "b", "a")))
    assert (change.row, change.last_row, change.current) == (20, 39, False)


def test_each_new_fingerprint_is_a_change_from_the_one_that_answered_before_it(
    calls: Frame,
) -> None:
    found = fingerprint_changes(calls(runs("a", "b", "a", "c")))
    assert [(c.previous, c.fingerprint, c.row, c.current) for c in found] == [
        ("a", "b", 20, False),
        ("a", "c", 60, True),
    ]


def test_each_model_changes_by_itself_and_changes_stand_in_order(calls: Frame) -> None:
    records = [*runs("a"), *runs("x", "y", model="n"), *runs("b"), call(None, "o")]
    assert [(c.model, c.row) for c in fingerprint_changes(calls(records))] == [("n", 40), ("m", 60)]


def test_each_provider_changes_by_itself(calls: Frame) -> None:
    at = {"p": runs("a"), "q": runs("b", "c")}
    records = [{**record, "provider": name} for name, part in at.items() for record in part]
    assert [(c.provider, c.row) for c in fingerprint_changes(calls(records))] == [("q", 40)]


def test_a_log_without_fingerprints_has_no_changes(calls: Frame) -> None:
    assert fingerprint_changes(calls([call(None), call(None)])) == []
    assert fingerprint_changes(calls([])) == []


def test_the_order_is_that_of_the_frame_whatever_the_keys_of_the_rows(calls: Frame) -> None:
    (change,) = fingerprint_changes(calls(runs("new", "old")).reverse())
    assert (change.previous, change.fingerprint, change.current) == ("old", "new", True)


def test_a_step_that_was_written_later_is_compared_in_step_order(frame: Frame) -> None:
    records = [call("b", step=1), call("a", step=0)]
    assert marked(frame, *records) == [True, False]


def test_of_very_many_changes_the_latest_are_told(calls: Frame) -> None:
    found = fingerprint_changes(calls(runs(*(f"fp_{n}" for n in range(CHANGES_SHOWN + 6)))))
    assert [c.row for c in found] == [SETTLED * n for n in range(6, CHANGES_SHOWN + 6)]


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 2 * SETTLED)), max_size=12),
    st.lists(st.integers(1, 90), max_size=8),
)
@settings(max_examples=examples(40))
def test_calls_that_come_in_pieces_have_the_changes_of_all_at_once(
    series: list[tuple[str, int]], sizes: list[int]
) -> None:
    names = [name for name, calls in series for _ in range(calls)]
    calls = answered_by(names)
    detector = FingerprintDetector(DEFAULT.fingerprint)
    at = 0
    for size in [*sizes, len(names)]:
        detector.add(calls.slice(at, size))
        at += size
    assert detector.found == fingerprint_changes(calls)


def answered_by(names: list[str]) -> pl.DataFrame:
    rows = len(names)
    fields = {
        "system_fingerprint": names,
        "row": range(rows),
        **{name: ["m"] * rows for name in ("model", "requested_model", "provider")},
        "latency_ms": [float(row % 70) for row in range(rows)],
        "status": ["ok"] * rows,
        "finish_reason": ["stop"] * rows,
    }
    schema = {name: COLUMNS.get(name, pl.UInt32()) for name in (*fields, *COLUMNS)}
    nulls = {name: [None] * rows for name in COLUMNS if name not in fields}
    return pl.DataFrame(fields | nulls, schema=schema)


@pytest.mark.parametrize("name", ["unique", "filter"])
def test_the_rows_that_are_looked_at_follow_the_calls_however_many_fingerprints(name: str) -> None:
    def looked_at(fingerprints: int) -> int:
        names = [f"fp_{n}" for n in range(fingerprints) for _ in range(SETTLED)]
        calls, rows = answered_by(names), 0
        method = getattr(pl.DataFrame, name)

        def counted(frame: pl.DataFrame, *args: object, **options: object) -> pl.DataFrame:
            nonlocal rows
            rows += frame.height
            found: pl.DataFrame = method(frame, *args, **options)
            return found

        with patch.object(pl.DataFrame, name, counted):
            FingerprintDetector(DEFAULT.fingerprint).add(calls)
        return rows

    assert looked_at(400) <= 4.4 * looked_at(100)


def requested(model: str, fingerprint: str | None, **fields: object) -> Record:
    """A call that no model answered, as servers that leave the model out have it."""
    return {**call(fingerprint), "model": None, "requested_model": model, **fields}


def test_calls_without_a_model_are_compared_by_the_requested_one(frame: Frame) -> None:
    steps = [("a", "fp_1"), ("b", "fp_2"), ("a", "fp_1"), ("b", "fp_3")]
    records = [requested(*each, step=n) for n, each in enumerate(steps)]
    assert marked(frame, *records) == [False, False, False, True]


def test_a_change_in_them_is_the_requested_models(calls: Frame) -> None:
    both = [(("a", "fp_1"), ("b", "fp_2" if n < SETTLED else "fp_3")) for n in range(2 * SETTLED)]
    failed = [requested("b", None, status="error") for _ in range(5)]
    records = [requested(*each) for pair in both for each in pair]
    (change,) = fingerprint_changes(
        calls([*records[: 2 * SETTLED], *failed, *records[2 * SETTLED :]])
    )
    assert (change.model, change.previous, change.fingerprint) == ("b", "fp_2", "fp_3")
    assert change.calls == SETTLED
    shares = {each.name: (each.before, each.after) for each in change.table}
    assert shares["failed"] == (5 / (SETTLED + 5), 0), "each failed call counts once"
