"""What somebody should look at, in the order in which they should."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.alerts.detector import Detector
from llmlog_tui.analysis.alerts.engine import DETECTORS, enabled_rules, explain, find_alerts
from llmlog_tui.config.rules import DEFAULT, parse_rules


def served(fingerprint: str, finish_reason: str, calls: int, model: str = "m") -> list[Record]:
    call = {"model": model, "system_fingerprint": fingerprint, "finish_reason": finish_reason}
    return [{**call, "latency_ms": 100} for _ in range(calls)]


def test_a_fingerprint_change_says_what_it_did(calls: Frame) -> None:
    (alert,) = find_alerts(calls([*served("fp_a", "stop", 20), *served("fp_b", "length", 20)]))
    assert (alert.rule, alert.subject, alert.row) == ("fingerprint", "m", 20)
    assert (alert.fired_row, alert.last_row, alert.state) == (39, 39, "ongoing")
    assert alert.what == "fp_a → fp_b"
    assert alert.evidence == "p95 100 → 100 ms, cut off 0% → 100%"
    assert (alert.calls, [row.name for row in alert.table if not row.is_chance]) == (
        20,
        ["cut off"],
    )


def test_a_rise_says_how_far_and_how_likely_by_chance(calls: Frame) -> None:
    records = [*served("a", "stop", 100), *served("a", "length", 20), *served("a", "stop", 80)]
    (alert,) = find_alerts(calls(records))
    # 20 of 25 calls, then 3 windows without one, of which two clear it.
    assert (alert.rule, alert.row, alert.last_row, alert.calls) == ("truncation", 100, 119, 20)
    assert alert.what == "length 0% → 80% of 25 calls"
    assert (alert.evidence, alert.fired_row, alert.state) == ("p < 0.000001", 124, "cleared")


def test_a_slower_model_says_how_slow(calls: Frame) -> None:
    usual: list[Record] = [{"model": "m", "latency_ms": 400}] * 100
    slower: list[Record] = [{"model": "m", "latency_ms": 800}] * 50
    (alert,) = find_alerts(calls([*usual, *slower]))
    assert (alert.rule, alert.row, alert.fired_row, alert.calls) == ("latency", 100, 124, 50)
    assert alert.what == "usual 400 → 800 ms over 50 calls"


def test_failures_count_for_the_model_that_was_asked_for(calls: Frame) -> None:
    good: Record = {"model": "m-2026", "requested_model": "m"}
    bad: Record = {"requested_model": "m", "status": "error", "ts": "2026-11-23T09:00:00Z"}
    (alert,) = find_alerts(calls([*[good] * 75, *[bad] * 25]))
    assert (alert.rule, alert.subject, alert.row, alert.calls) == ("error rate", "m", 75, 25)
    assert str(alert.ts) == "2026-11-23 09:00:00+00:00"


def test_retries_count_for_the_provider(calls: Frame) -> None:
    records: list[Record] = [
        {"model": "ab"[n % 2], "provider": "p", "retries": int(n >= 75)} for n in range(100)
    ]
    (alert,) = find_alerts(calls(records))
    assert (alert.rule, alert.subject, alert.what) == (
        "retry storm", "p", "retried 0% → 100% of 25 calls",
    )  # fmt: skip


def test_a_model_at_two_providers_is_two_models(calls: Frame) -> None:
    fast: Record = {"model": "m", "provider": "p", "latency_ms": 400}
    slow: Record = {"model": "m", "provider": "q", "latency_ms": 900}
    assert find_alerts(calls([*[fast] * 100, *[slow] * 100])) == []
    (alert,) = find_alerts(
        calls([*[fast] * 100, *[slow] * 100, *[{**slow, "latency_ms": 2_000}] * 25])
    )
    assert (alert.subject, alert.provider, alert.row) == ("m", "q", 200)


def test_a_short_rate_limit_says_what_is_left(calls: Frame) -> None:
    records: list[Record] = [
        {
            "model": "m",
            "provider": "p",
            "ts": f"2026-11-23T09:00:{n:02}Z",
            "ratelimit_limit_tokens": 1_000,
            "ratelimit_remaining_tokens": 1_000 - 100 * n,
        }
        for n in range(10)
    ]
    assert find_alerts(calls(records)) == []  # a tenth is not less than a tenth
    (alert,) = find_alerts(calls([*records, {**records[-1], "ratelimit_remaining_tokens": 90}]))
    assert (alert.rule, alert.subject, alert.row) == ("rate limit", "m", 10)
    # From 1,000 to 90 in 9 s: 90 more take 0.89 s.
    assert (alert.what, alert.evidence) == (
        "tokens: down to 9.0%",
        "90 of 1,000 left, 429 in 890 ms",
    )


def test_ongoing_alerts_come_first_then_the_latest(calls: Frame) -> None:
    records = [
        *served("a", "stop", 20),
        *served("b", "stop", 20),  # row 20, cleared by the next
        *served("a", "stop", 20),
        *served("x", "stop", 20, model="n"),
        *served("y", "stop", 20, model="n"),  # row 80, ongoing
        *served("c", "stop", 20),  # row 100, cleared by the next
        *served("a", "stop", 20),
        *served("x", "stop", 20, model="o"),
        *served("y", "stop", 20, model="o"),  # row 160, ongoing
    ]
    found = [(alert.row, alert.state) for alert in find_alerts(calls(records))]
    assert found == [(160, "ongoing"), (80, "ongoing"), (100, "cleared"), (20, "cleared")]


def test_a_model_without_a_name_has_a_dash(calls: Frame) -> None:
    fingerprints: list[Record] = [{"system_fingerprint": "ab"[n // 20]} for n in range(40)]
    assert [alert.subject for alert in find_alerts(calls(fingerprints))] == ["–"]


def test_a_quiet_log_has_no_alerts(calls: Frame) -> None:
    assert find_alerts(calls(served("a", "stop", 200))) == []
    assert find_alerts(calls([])) == []


def test_a_rule_that_is_switched_off_watches_nothing(calls: Frame) -> None:
    rules = parse_rules("[hidden_truncation]\nenabled = false")
    assert {detector.name for detector in DETECTORS} - set(enabled_rules()) == {"budget"}, (
        "which has no amount yet"
    )
    assert set(enabled_rules()) - set(enabled_rules(rules)) == {"hidden cut"}
    cut: Record = {"model": "m", "tool_args_ok": False}
    assert [alert.rule for alert in find_alerts(calls([cut]))] == ["hidden cut"]
    assert find_alerts(calls([cut]), rules) == []


def test_the_signs_of_a_hidden_cut_are_counted(calls: Frame) -> None:
    cut: Record = {"model": "m", "tool_args_ok": False}
    assert [alert.evidence for alert in find_alerts(calls([cut]))] == ["1 broken argument"]
    assert [alert.evidence for alert in find_alerts(calls([cut] * 2))] == ["2 broken arguments"]


def test_an_hour_that_costs_more_than_it_may_is_an_alert_from_the_call_that_went_over(
    calls: Frame,
) -> None:
    # 60 cents a call: the second of an hour goes over a dollar.
    spent: list[Record] = [
        {"ts": f"2026-11-23T{hour:02}:{minute:02}:00Z", "model": "m"}
        for hour, minutes in ((9, (0, 30, 50)), (10, (0,)), (11, (0, 1)))
        for minute in minutes
    ]
    rules = parse_rules("[budget]\nusd_per_hour = 1.0")
    frame = calls(spent).with_columns(cost_usd=pl.lit(0.6))
    now, before = find_alerts(frame, rules)
    assert (before.rule, before.subject, before.state) == ("budget", "all models", "cleared")
    assert (before.row, before.last_row, before.calls) == (1, 2, 2)
    assert before.what.startswith("$1.80 since ")
    assert before.evidence == "the budget is $1.00 an hour"
    assert (now.row, now.state) == (5, "ongoing")
    assert find_alerts(frame) == [], "without a budget"
    assert find_alerts(calls(spent), rules) == [], "without prices"


@pytest.mark.parametrize("detector", DETECTORS)
def test_each_rule_explains_in_a_sentence_what_it_compares(detector: type[Detector[Any]]) -> None:
    assert explain(detector.name, DEFAULT).endswith(".")


def test_the_explanation_has_the_configured_numbers() -> None:
    rules = parse_rules("[truncation]\nwindow_calls = 40\nlevel = 0.02")
    explanation = explain("truncation", rules)
    assert explanation.startswith(
        "The share of length among calls with a finish_reason, in windows"
    )
    assert "in windows of 40 calls" in explanation
    assert explanation.endswith("the chance of any such alert is 2.0%.")


@pytest.mark.parametrize("detector", DETECTORS)
def test_each_rule_has_a_section_of_the_rules_file_and_a_module_of_that_name(
    detector: type[Detector[Any]],
) -> None:
    assert detector.__module__.endswith(f".{detector.config_key}")
    assert hasattr(DEFAULT, detector.config_key)
