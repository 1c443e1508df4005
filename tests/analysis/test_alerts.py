"""What somebody should look at, in the order in which they should."""

from __future__ import annotations

from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.alerts import RULES, alerts


def served(fingerprint: str, finish_reason: str, calls: int, model: str = "m") -> list[Record]:
    call = {"model": model, "system_fingerprint": fingerprint, "finish_reason": finish_reason}
    return [{**call, "latency_ms": 100 + n} for n in range(calls)]


def test_a_fingerprint_change_says_what_it_did(calls: Frame) -> None:
    (alert,) = alerts(calls([*served("fp_a", "stop", 3), *served("fp_b", "length", 1)]))
    assert (alert.rule, alert.subject, alert.row, alert.state) == ("fingerprint", "m", 3, "ongoing")
    assert alert.what == "fp_a → fp_b"
    # 0.95 * (3 - 1) = 1.9: 101.9 ms, of one call 100 ms
    assert alert.evidence == "p95 102 → 100 ms, cut off 0% → 100%"
    assert alert.calls == 1


def test_a_truncation_rise_says_how_far_and_how_likely_by_chance(calls: Frame) -> None:
    (alert,) = alerts(
        calls([*served("a", "stop", 80), *served("a", "length", 30), *served("a", "stop", 40)])
    )
    # Windows of 50: 0, then 20 of 50 (calls 80 to 99), then 10 of 50 (calls 100 to 109).
    assert (alert.rule, alert.row, alert.calls) == ("truncation", 80, 30)
    assert alert.what == "length 0% → 30% of 100 calls"
    assert alert.evidence == "p < 0.001"


def test_ongoing_alerts_come_first_then_the_latest(calls: Frame) -> None:
    records = [
        *served("a", "stop", 1),
        *served("b", "stop", 1),  # row 1, cleared by the next
        *served("a", "stop", 1),
        *served("x", "stop", 1, model="n"),
        *served("y", "stop", 1, model="n"),  # row 4, ongoing
        *served("c", "stop", 1),  # row 5, cleared by the next
        *served("a", "stop", 1),
        *served("x", "stop", 1, model="o"),
        *served("y", "stop", 1, model="o"),  # row 8, ongoing
    ]
    found = [(alert.row, alert.state) for alert in alerts(calls(records))]
    assert found == [(8, "ongoing"), (4, "ongoing"), (5, "cleared"), (1, "cleared")]


def test_a_model_without_a_name_has_a_dash(calls: Frame) -> None:
    fingerprints: list[Record] = [{"system_fingerprint": "a"}, {"system_fingerprint": "b"}]
    assert [alert.subject for alert in alerts(calls(fingerprints))] == ["–"]


def test_a_quiet_log_has_no_alerts(calls: Frame) -> None:
    assert alerts(calls(served("a", "stop", 200))) == []
    assert alerts(calls([])) == []


def test_every_rule_is_named(calls: Frame) -> None:
    records = [*served("a", "stop", 60), *served("b", "length", 60)]
    assert sorted(alert.rule for alert in alerts(calls(records))) == sorted(RULES)
