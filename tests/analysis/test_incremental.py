"""A log that grew has the answers of the same log read at once, and is not begun again."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.grown import RULES, Growing, Row, assert_same, rows
from tests.analysis.planted import seeded

from llmlog_tui.analysis.alerts.engine import DETECTORS
from llmlog_tui.analysis.calls import kpis
from llmlog_tui.analysis.live import incremental
from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, Overview, overview
from llmlog_tui.analysis.query.predicate import is_by_row
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log import follow, new_files
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources
from llmlog_tui.log.store import Snapshot

SLOW_MS = 500.0
WHERE = (
    None,
    "latency_ms > 300",
    "model = 'm' or cost_usd > 0.01",
    "trace_id is not null and status = 'error'",
    "latency_ms > avg(latency_ms)",
)


@pytest.fixture(autouse=True)
def courses_are_always_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kpis, "_REDRAW_GROWTH", 0.0)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Growing]:
    log = Growing(tmp_path / "calls.jsonl")
    yield log
    log.close()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """The snapshots with which all was begun again."""
    found: list[Snapshot] = []
    real = incremental.LogState.__init__

    def init(self: incremental.LogState, snapshot: Snapshot, rules: object) -> None:
        found.append(snapshot)
        real(self, snapshot, rules)  # type: ignore[arg-type]

    monkeypatch.setattr(incremental.LogState, "__init__", init)
    return found


def at_once(snapshot: Snapshot, where: str | None = None) -> Overview:
    return overview(snapshot, SLOW_MS, RULES, where)


def check(running: IncrementalAnalyzer, snapshot: Snapshot, where: str | None = None) -> Overview:
    found = running.overview(snapshot, where)
    assert found.snapshot is snapshot
    assert_same(found, at_once(snapshot, where))
    return found


def batches(records: list[Row], sizes: list[int]) -> Iterator[list[Row]]:
    at = 0
    for size in sizes:
        yield records[at : at + size]
        at += size
    yield records[at:]


any_growth = given(
    seed=st.integers(0, 10**6),
    records=st.sampled_from((40, 150, 400)),
    sizes=st.lists(st.integers(0, 80), max_size=6),
    where=st.sampled_from(WHERE),
)


@any_growth
@settings(max_examples=4)
def test_however_a_log_grew_every_answer_is_that_of_the_whole(
    seed: int, records: int, sizes: list[int], where: str | None
) -> None:
    check_growth(seed, records, sizes, where)


@pytest.mark.slow
@any_growth
@settings(max_examples=50)
def test_however_a_log_grew_in_many_more_ways_every_answer_is_that_of_the_whole(
    seed: int, records: int, sizes: list[int], where: str | None
) -> None:
    check_growth(seed, records, sizes, where)


def check_growth(seed: int, records: int, sizes: list[int], where: str | None) -> None:
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    with tempfile.TemporaryDirectory() as folder:
        log = Growing(Path(folder, "calls.jsonl"))
        for number, batch in enumerate(batches(rows(seeded(seed), records), sizes)):
            snapshot = log.write(batch)
            if not number:
                log.reader.loaded()
                snapshot = log.read()
            check(running, snapshot, where)
        log.close()


@pytest.mark.parametrize("size", [100, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("where", [None, WHERE[2], WHERE[4]])
def test_a_long_log_that_grew_in_small_steps_has_all_the_alerts_of_the_whole(
    log: Growing, where: str | None, begun: list[Snapshot], size: int
) -> None:
    records = rows(seeded(7), 1_200)
    log.write(records[:200])
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    running.overview(log.read(), where)
    for at in range(200, len(records), size):
        found = running.overview(log.write(records[at : at + size]), where)
    assert len(begun) == 1
    assert_same(found, at_once(found.snapshot, where))
    fired = Counter(alert.rule for alert in found.alerts)
    assert fired.keys() == {detector.name for detector in DETECTORS}, fired


def test_of_a_log_that_loads_every_snapshot_is_answered_then_it_goes_on_from_there(
    log: Growing, begun: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "NEWEST_BYTES", 3_000)
    monkeypatch.setattr(follow, "BLOCK_BYTES", 8_000)
    records = rows(seeded(2), 300)
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    log.append(records[:200])
    while log.reader.step():
        assert check(running, log.reader.snapshot()).alerts == ()
    log.reader.loaded()
    check(running, log.read())
    begun.clear()
    for at in range(200, 300, 25):
        running.overview(log.write(records[at : at + 25]))
    assert begun == []
    check(running, log.read())


def test_a_file_that_appears_is_one_more_part_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_files, "SCAN_S", 0.0)
    records = [{**row, "extra": "x" * 300} for row in rows(seeded(3), 300)]
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    lines = [json.dumps(record) + "\n" for record in records]
    for name, part in (("a", lines[:100:2]), ("b", lines[1:100:2])):
        (tmp_path / f"{name}.jsonl").write_text("".join(part))
    reader = Reader(Sources([str(tmp_path)], must_exist=False), newest_first=True)
    while reader.step():
        running.overview(reader.snapshot())
    reader.loaded()
    check(running, reader.snapshot())
    for at, name in ((100, "c"), (150, "a"), (200, "c"), (250, "d")):
        with (tmp_path / f"{name}.jsonl").open("a") as file:
            file.writelines(lines[at : at + 50])
        while reader.step():
            pass
        found = check(running, reader.snapshot())
    assert len(found.snapshot.files) == 4
    reader.close()


@pytest.mark.parametrize("compared", [4, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "window", [Retention(records=400), Retention(span=timedelta(seconds=16_000))]
)
def test_of_a_window_a_few_records_more_are_kept_and_all_answers_are_about_these(
    tmp_path: Path, window: Retention, begun: list[Snapshot], compared: int
) -> None:
    log = Growing(tmp_path / "calls.jsonl", window)
    records = rows(seeded(4), 600)
    log.write(records[:450])
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    running.overview(log.read())
    begun.clear()
    refreshes = begun_again = 0
    for at in range(450, 600, 10):
        snapshot = log.write(records[at : at + 10])
        found = running.overview(snapshot)
        begun_again += len(begun)
        refreshes += 1
        if refreshes % compared == 0 or at == 590:
            assert_same(found, at_once(found.snapshot))
        begun.clear()  # at_once() begins each time
        mine, kept = (frame["row"].to_list() for frame in (found.snapshot.frame, snapshot.frame))
        assert set(kept) <= set(mine)
        assert len(mine) <= len(kept) * 17 // 16
    log.close()
    assert begun_again < refreshes / 2 - 1


def test_a_filter_that_is_put_on_or_taken_off_does_not_begin_the_log_again(
    log: Growing, begun: list[Snapshot]
) -> None:
    log.write(rows(seeded(6), 100))
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    snapshot = log.read()
    whole, some = running.overview(snapshot), running.overview(snapshot, WHERE[1])
    assert some.calls.height < whole.calls.height
    again = running.overview(snapshot)
    assert len(begun) == 1
    assert_same(again, at_once(snapshot))
    assert_same(some, at_once(snapshot, WHERE[1]))


def test_a_filter_of_a_log_that_has_grown_has_the_traces_that_began_before_and_since(
    log: Growing,
) -> None:
    records = rows(seeded(8), 150)
    log.write(records[:100])
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    running.overview(log.read())
    for begin, end in ((100, 120), (120, 150)):
        log.write(records[begin:end])
        snapshot = log.read()
        for where in WHERE[1:]:
            assert_same(running.overview(snapshot, where), at_once(snapshot, where))
    log.close()


def test_after_a_filter_that_has_no_answer_the_next_question_has_one(log: Growing) -> None:
    records = rows(seeded(7), 100)
    log.write(records[:50])
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    check(running, log.read())
    snapshot = log.write(records[50:])
    with pytest.raises(QueryError):
        running.overview(snapshot, "latency_ms > nonsense")
    check(running, snapshot, WHERE[1])
    check(running, snapshot)


def test_an_older_snapshot_is_answered_too_and_the_newer_one_again(log: Growing) -> None:
    records = rows(seeded(8), 100)
    log.write(records[:50])
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS, RULES)
    older, newer = log.read(), log.write(records[50:])
    for snapshot in (older, newer, older, newer):
        check(running, snapshot)
    assert running.overview(newer) is running.overview(newer)


CALL: Row = {"model": "m", "trace_id": "t"}


def test_a_step_that_comes_late_marks_it_and_no_more_the_one_behind_it(log: Growing) -> None:
    log.write(
        [CALL | {"step": step, "system_fingerprint": fp} for step, fp in ((0, "a"), (2, "b"))]
    )
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS)
    for where in (None, "model = 'm'"):
        running.overview(log.read(), where)
    assert running.overview(log.read()).calls["changed"].to_list() == [False, True]
    snapshot = log.write([CALL | {"step": 1, "system_fingerprint": "b"}])
    for where in (None, "model = 'm'"):
        found = running.overview(snapshot, where)
        assert found.calls["changed"].to_list() == [False, False, True]
        assert found.frame["changed"].to_list() == [False, False, True]


def test_a_foreign_event_is_no_step_of_the_trace_that_it_names(log: Growing) -> None:
    log.write([CALL, {"trace_id": "u", "model": "m"}, CALL])
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS)
    running.overview(log.read())
    snapshot = log.write([{"event": "deploy", "trace_id": "t"}, {"event": "deploy"}])
    assert running.overview(snapshot).traces["steps"].to_list() == [2, 1]


def test_courses_are_drawn_anew_when_there_is_a_hundredth_more_and_figures_always(
    log: Growing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kpis, "_REDRAW_GROWTH", 0.01)
    call: Row = {"event": "chat_completion"}
    one: list[Row] = [{**call, "ts": 1_780_000_000 + n, "latency_ms": n} for n in range(1_000)]
    log.write(one)
    log.reader.loaded()
    running = IncrementalAnalyzer(SLOW_MS, DEFAULT)
    before = running.overview(log.read()).kpis[0]
    more: list[Row] = [{**call, "ts": 1_780_001_000, "latency_ms": 5_000}]
    lagging = running.overview(log.write(more * 10)).kpis[0]
    assert lagging.value == at_once(log.read()).kpis[0].value != before.value
    assert lagging.series == before.series
    assert_same(running.overview(log.write(more)), overview(log.read(), SLOW_MS))


@pytest.mark.parametrize(
    ("predicate", "by_row"),
    [
        ("latency_ms > 5 and (model like 'gpt%' or (step + 1) in (2, 3))", True),
        ("lower(model) = 'x' and coalesce(retries, 0) = 0", True),
        ("latency_ms > avg(latency_ms)", False),
        ("latency_ms > AVG (latency_ms)", False),
        ('latency_ms > "avg"(latency_ms)', False),
        ("row_number() over (order by ts) < 5", False),
        ("ts > (select max(ts) from records)", False),
        ("ts > now() - interval '5 minutes'", False),
        ("ts > CURRENT_TIMESTAMP - interval '5 minutes'", False),
    ],
)
def test_a_predicate_that_may_look_at_other_records_or_the_clock_is_not_by_row(
    predicate: str, *, by_row: bool
) -> None:
    assert is_by_row(predicate) is by_row
