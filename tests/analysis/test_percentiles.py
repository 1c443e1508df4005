"""Latency and throughput, in all and by group."""

from __future__ import annotations

import pytest
from tests.analysis.conftest import Frame

from llmlog_tui.analysis.calls.percentiles import FIGURES, By
from llmlog_tui.analysis.reports.stats import stats


def test_percentiles_are_linear_between_what_is_known(calls: Frame) -> None:
    records = [{"latency_ms": ms} for ms in (100, None, 400, 200, 300)]
    found = calls(records).select(**FIGURES).row(0, named=True)
    # Of 100, 200, 300, 400: 1.5, 2.7, 2.85 and 2.97 steps from the first.
    percentiles = [found[f"p{percent}_ms"] for percent in (50, 90, 95, 99)]
    assert percentiles == pytest.approx([250, 370, 385, 397])


def test_the_first_token_and_the_speed_have_theirs(calls: Frame) -> None:
    records = [{"ttft_ms": ttft, "tokens_per_sec": speed} for ttft, speed in [(100, 50), (200, 80)]]
    found = calls([*records, {}]).select(**FIGURES).row(0, named=True)
    assert (found["ttft_p50_ms"], found["ttft_p95_ms"]) == (150, pytest.approx(195))
    assert found["tokens_per_sec_p50"] == 65


def test_what_no_call_has_is_unknown(calls: Frame) -> None:
    found = calls([{}]).select(**FIGURES).row(0, named=True)
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("model", [("b", 2), ("a", 1)]),
        ("session", [("s", 2), (None, 1)]),
        ("trace", [("t", 1), (None, 1), ("u", 1)]),
        ("provider", [("h", 3)]),
        ("hour", [("2026-11-23T10:00:00Z", 2), ("2026-11-23T09:00:00Z", 1)]),
    ],
)
def test_groups_stand_by_calls(frame: Frame, by: By, keys: list[tuple[str | None, int]]) -> None:
    records = [
        {"model": "a", "session_id": "s", "trace_id": "t", "ts": "2026-11-23T09:59:59Z"},
        {"model": "b", "session_id": "s", "ts": "2026-11-23T10:00:00Z"},
        {"model": "b", "trace_id": "u", "ts": "2026-11-23T11:30:00+01:00"},
    ]
    found = stats(frame([{**record, "provider": "h"} for record in records]), by=by)
    assert found.groups.select("key", "calls").rows() == keys
