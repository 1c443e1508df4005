"""New records are among an Overview's calls before everything else is analysed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from tests.analysis.grown import RULES, Growing, Row, rows
from tests.analysis.planted import seeded

from llmlog_tui.analysis.live.appended import appended
from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, Overview
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.schema import decategorize
from llmlog_tui.log.store import Snapshot

SLOW_MS = 500.0
RECORDS = 150


@pytest.fixture(params=[False, True], ids=["without tags", "with tags"])
def records(request: pytest.FixtureRequest) -> list[Row]:
    tags = {"user_tier": "pro", "extra": {"n": 1}} if request.param else {}
    return [{**row, **tags} for row in rows(seeded(7), RECORDS)]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Growing]:
    log = Growing(tmp_path / "calls.jsonl")
    yield log
    log.close()


def live(log: Growing, records: list[Row]) -> Snapshot:
    """The snapshot of a log that was read and is followed."""
    log.write(records)
    log.reader.loaded()
    return log.read()


@pytest.mark.parametrize("where", [None, "latency_ms > 300", "model = 'm' or cost_usd > 0.01"])
def test_records_calls_and_counts_are_those_of_an_analysis(
    log: Growing, records: list[Row], where: str | None
) -> None:
    analyzer = IncrementalAnalyzer(SLOW_MS, RULES)
    shown: Overview | None = analyzer.overview(live(log, records[:100]), where)
    traces = shown.traces if shown else None
    for begin in (100, 101, 120):
        snapshot = log.write(records[begin : begin + 20])
        assert shown is not None
        shown = appended(shown, snapshot)
        assert shown is not None
        whole = analyzer.overview(snapshot, where)
        assert shown.snapshot is snapshot
        assert shown.traces is traces
        assert (shown.newest, shown.all_calls) == (whole.newest, whole.all_calls)
        assert astuple(shown.cost) == pytest.approx(astuple(whole.cost))
        assert table(shown, "calls") == table(whole, "calls")
        assert table(shown, "frame") == table(whole, "frame")


def table(overview: Overview, name: str) -> list[Row]:
    """The records or calls, but for `changed`, which other records decide."""
    return decategorize(
        (overview.calls.frame() if name == "calls" else overview.frame).drop("changed")
    ).to_dicts()


def test_a_record_that_is_younger_than_the_analysis_is_found_by_its_key(
    log: Growing, records: list[Row]
) -> None:
    before = IncrementalAnalyzer(SLOW_MS, RULES).overview(live(log, records[:-1]))
    shown = appended(before, log.write(records[-1:]))
    assert shown is not None
    row = RECORDS - 1
    assert not before.has(row)
    assert shown.record(row)["step"] == records[-1]["step"]
    assert shown.location(row).row == row
    assert shown.detail(row).record["row"] == row


def test_records_outside_the_retention_window_stay_until_the_analysis(
    tmp_path: Path, records: list[Row]
) -> None:
    log = Growing(tmp_path / "window.jsonl", Retention(records=100))
    before = IncrementalAnalyzer(SLOW_MS, RULES).overview(live(log, records[:140]))
    shown = appended(before, log.write(records[140:]))
    assert shown is not None
    assert shown.frame.height == before.frame.height + 10
    assert shown.snapshot.frame["row"].to_list() == shown.frame["row"].to_list()
    log.close()


def test_an_analysis_is_needed_while_loading_for_new_columns_and_for_aggregates(
    log: Growing, records: list[Row]
) -> None:
    analyzer = IncrementalAnalyzer(SLOW_MS, RULES)
    loading = log.write(records[:50])
    assert appended(analyzer.overview(loading), loading) is None
    log.reader.loaded()
    shown = analyzer.overview(log.read())
    snapshot = log.write(records[50:60])
    assert appended(shown, snapshot) is not None
    of_all = analyzer.overview(log.read(), "latency_ms > avg(latency_ms)")
    assert appended(of_all, snapshot) is None
    tagged = log.write([{**records[60], "region": "eu"}])
    assert appended(shown, tagged) is None


def test_without_new_records_it_is_the_same_overview(log: Growing, records: list[Row]) -> None:
    snapshot = live(log, records)
    shown = IncrementalAnalyzer(SLOW_MS, RULES).overview(snapshot)
    assert appended(shown, snapshot) is shown


def test_a_run_that_was_listed_while_in_flight_stays_until_it_is_among_the_traces(
    log: Growing,
) -> None:
    def step(trace: str, event: str, number: int) -> Row:
        return {"trace_id": trace, "span_id": f"{trace}{number}", "event": event, "step": number}

    analyzer = IncrementalAnalyzer(SLOW_MS, RULES)
    analysed = analyzer.overview(live(log, [step("a", "chat_completion", 0)]))
    shown: Overview | None = analysed
    counts, in_flight = [analysed.run_count], []
    for records in (
        [step("b", "start", 0), step("a", "chat_completion", 1)],
        [step("b", "chat_completion", 0)],  # between two steps
        [step("b", "start", 1), step("a", "chat_completion", 2)],
        [step("b", "chat_completion", 1)],
    ):
        snapshot = log.write(records)
        assert shown is not None
        shown = appended(shown, snapshot)
        assert shown is not None
        counts.append(shown.run_count)
        in_flight.append(len(shown.steps_in_flight("b")))
    assert (counts, in_flight) == ([1, 2, 2, 2, 2], [1, 0, 1, 0])
    # A result that was computed before run b began.
    late = appended(analysed, snapshot, shown)
    assert late is not None
    assert late.run_count == analyzer.overview(snapshot).run_count == 2
