"""New records alone are analysed about once a second, few of them every two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmlog_tui.log.store import RecordCounts, Snapshot
from llmlog_tui.tui import analysis_schedule
from llmlog_tui.tui.analysis_schedule import LONG_PAUSE_S, MANY_RECORDS, PAUSE_S, AnalysisSchedule
from llmlog_tui.tui.messages import AnalysisRequest


@pytest.fixture(autouse=True)
def _pauses_are_as_long_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis_schedule, "PAUSE_S", PAUSE_S)
    monkeypatch.setattr(analysis_schedule, "LONG_PAUSE_S", LONG_PAUSE_S)


class Clock:
    """The time, and the one timer of the App that a schedule has."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return self.now

    def set_timer(self, delay: float, callback: Callable[[], None]) -> Clock:
        self.timers.append((self.now + delay, callback))
        return self

    def stop(self) -> None:
        self.timers.clear()

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for timer in [timer for timer in self.timers if timer[0] <= self.now]:
            timer[1]()


class Log:
    """A log that grows, and what was sent to be analysed."""

    def __init__(self, clock: Clock) -> None:
        app: Any = clock
        self.records = 0
        self.sent: list[AnalysisRequest] = []
        self.where: str | None = None
        self.schedule = AnalysisSchedule(app, self.sent.append, self.request)
        self.snapshot = Snapshot.empty([])

    def grow(self, new: int = MANY_RECORDS) -> None:
        empty = Snapshot.empty([])
        self.records += new
        counts = RecordCounts(records=self.records)
        self.snapshot = Snapshot(empty.files, empty.frame, counts, live_from=0)
        self.request()

    def load(self, records: int) -> None:
        empty = Snapshot.empty([])
        counts = RecordCounts(records=records)
        self.snapshot = Snapshot(empty.files, empty.frame, counts, is_loading=True)
        self.request(at_once=True)

    def request(self, *, at_once: bool = False) -> None:
        request = AnalysisRequest(self.snapshot, self.where, None)
        self.schedule.request(request, at_once=at_once)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(analysis_schedule, "time", clock)
    monkeypatch.setattr(analysis_schedule, "PAUSE_S", PAUSE_S)
    monkeypatch.setattr(analysis_schedule, "LONG_PAUSE_S", LONG_PAUSE_S)
    return clock


@pytest.fixture
def log(clock: Clock) -> Log:
    """A log that has just been loaded and analysed."""
    log = Log(clock)
    log.request()
    log.grow()
    assert len(log.sent) == 2
    return log


@pytest.mark.parametrize(("new", "analyses"), [(10, 11), (1, 6)])
def test_a_hundred_growths_in_ten_seconds_are_eleven_analyses_or_six_of_few_records(
    log: Log, clock: Clock, new: int, analyses: int
) -> None:
    log.sent.clear()
    for _ in range(100):
        log.grow(new)
        clock.advance(0.1)
    clock.advance(LONG_PAUSE_S)
    assert len(log.sent) == analyses
    assert log.sent[-1].snapshot is log.snapshot, "the last has all"


def test_few_records_wait_no_longer_once_they_are_many(log: Log, clock: Clock) -> None:
    log.grow()
    log.sent.clear()
    log.grow(1)
    clock.advance(PAUSE_S)
    assert not log.sent
    log.grow(MANY_RECORDS)
    assert len(log.sent) == 1
    log.grow(1)
    log.grow(MANY_RECORDS)
    clock.advance(PAUSE_S)
    assert len(log.sent) == 2


def test_a_lone_record_is_analysed_at_once(log: Log, clock: Clock) -> None:
    log.grow()
    clock.advance(5 * PAUSE_S)
    log.sent.clear()
    log.grow(1)
    assert len(log.sent) == 1


def test_another_filter_does_not_wait_and_takes_the_newest_records_with_it(
    log: Log, clock: Clock
) -> None:
    log.grow()
    log.grow()
    log.sent.clear()
    log.where = "latency_ms > 1"
    log.request()
    assert [each.snapshot for each in log.sent] == [log.snapshot]
    clock.advance(2 * PAUSE_S)
    assert len(log.sent) == 1, "what was put off was in it"


def test_what_only_an_analysis_can_show_does_not_wait(log: Log) -> None:
    log.grow()
    log.sent.clear()
    log.grow()
    assert not log.sent
    log.request(at_once=True)
    assert len(log.sent) == 1


def test_it_is_pending_until_what_was_put_off_has_its_result(log: Log, clock: Clock) -> None:
    log.grow()
    log.schedule.done = log.schedule.requested
    assert not log.schedule.is_pending
    log.grow()
    assert log.schedule.is_pending
    clock.advance(PAUSE_S)
    assert log.schedule.is_pending
    log.schedule.done = log.schedule.requested
    assert not log.schedule.is_pending


def test_the_same_request_is_sent_once_and_again_after_its_result_was_dropped(log: Log) -> None:
    log.sent.clear()
    log.request()
    assert not log.sent
    log.schedule.forget()
    log.request()
    assert len(log.sent) == 1


def test_while_loading_the_log_is_analysed_whenever_its_records_have_doubled_and_at_the_end(
    clock: Clock,
) -> None:
    log = Log(clock)
    for records in range(300, 300_000, 300):
        log.load(records)
        log.schedule.done = log.schedule.requested  # the App asks again after each result
        log.request()
        clock.advance(0.1)
    assert [each.snapshot.counts.records // 300 for each in log.sent] == [
        1 << doubled for doubled in range(10)
    ], "of a log twice as long one more, not twice as many"
    log.grow()
    assert log.sent[-1].snapshot is log.snapshot


def test_another_filter_is_answered_while_loading_with_all_records_so_far(clock: Clock) -> None:
    log = Log(clock)
    log.load(300)
    log.load(301)
    log.where = "latency_ms > 1"
    log.request()
    assert [each.snapshot.counts.records for each in log.sent] == [300, 301]
