"""When the files are looked at: at rest, and before the newest records are on screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
from tests.tui.conftest import Shown, record, top_row
from textual.message import Message

from llmlog_tui.log import follow
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.messages import Loaded
from llmlog_tui.tui.workers import reader
from llmlog_tui.tui.workers.reader import (
    PollDurations,
    ReaderWorker,
    gather_time,
    pause_after,
    post_interval,
)

PATIENCE_S = 30.0
BLOCKS = 8


@pytest.mark.parametrize(
    ("took", "pause"), [(0.0, 0.02), (0.0005, 0.02), (0.005, 0.08), (1.0, 0.25)]
)
def test_hundreds_of_files_which_take_long_to_look_at_are_looked_at_less_often(
    took: float, pause: float
) -> None:
    assert pause_after(took, quiet_s=0.0) == pytest.approx(pause)


def test_neither_parsing_nor_a_busy_processor_makes_the_next_poll_late() -> None:
    polls = PollDurations()
    polls.add(0.04, has_more=True)
    assert polls.quickest == 0.0
    for took in (0.001, 0.04, 0.05, 0.06):
        polls.add(took, has_more=False)
    assert polls.quickest == pytest.approx(0.001), "the others waited"
    polls.add(0.07, has_more=False)
    assert polls.quickest == pytest.approx(0.04), "there are more files now"


@pytest.mark.parametrize(("quiet_s", "pause"), [(0.9, 0.02), (1.0, 0.05), (5.0, 0.1), (3600, 0.1)])
def test_files_are_looked_at_less_often_while_nothing_comes(quiet_s: float, pause: float) -> None:
    assert pause_after(0.0005, quiet_s=quiet_s) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("quiet_s", "until_due_s", "seconds"),
    [(0.02, 0.09, 0.1), (0.02, 0.3, 0.3), (0.1, -0.1, 0.1), (0.2, 0.0, 0.0), (60.0, 0.0, 0.0)],
)
def test_lines_of_a_stream_are_read_together_and_a_lone_one_at_once(
    quiet_s: float, until_due_s: float, seconds: float
) -> None:
    assert gather_time(quiet_s, until_due_s=until_due_s) == pytest.approx(seconds)


@pytest.mark.parametrize(("loading_s", "seconds"), [(0, 0.11), (4, 0.11), (10, 0.2), (600, 0.5)])
def test_progress_of_a_log_that_takes_long_to_load_is_shown_less_often(
    loading_s: float, seconds: float
) -> None:
    assert post_interval(loading_s) == pytest.approx(seconds)


@pytest.fixture
def big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of one record a block; nobody goes on reading it just because time passes."""
    log = tmp_path / "big.jsonl"
    log.write_bytes(b"".join(record(step=step) for step in range(BLOCKS)))
    monkeypatch.setattr(follow, "BLOCK_BYTES", len(record(step=0)))
    monkeypatch.setattr(reader, "_FIRST_PAINT_SECONDS", 20 * PATIENCE_S)
    return log


@pytest.fixture
def posted() -> Queue[Loaded | str]:
    """What a Feed has posted, and what the test has done meanwhile."""
    return Queue()


@pytest.fixture
def reading(big: Path, posted: Queue[Loaded | str]) -> Iterator[tuple[ReaderWorker, Thread]]:
    """A Feed that reads the big log in a thread and has posted the newest records."""

    def post(message: Message) -> bool:
        assert isinstance(message, Loaded)
        posted.put(message)
        return True

    reader = ReaderWorker([big], post)
    worker = Thread(target=reader.run)
    worker.start()
    first = posted.get(timeout=PATIENCE_S)
    assert isinstance(first, Loaded)
    assert (first.progress.state, first.snapshot.counts.records) == ("loading", 1)
    yield reader, worker
    reader.stop()
    worker.join(PATIENCE_S)


def test_the_rest_of_a_log_is_read_when_the_newest_records_are_on_screen(
    reading: tuple[ReaderWorker, Thread], posted: Queue[Loaded | str]
) -> None:
    posted.put("shown")
    reading[0].first_paint_done()
    after = [posted.get(timeout=PATIENCE_S)]
    assert after == ["shown"]
    while not (isinstance(last := after[-1], Loaded) and last.progress.state == "live"):
        after.append(posted.get(timeout=PATIENCE_S))
    assert last.snapshot.counts.records == BLOCKS


def test_a_dashboard_that_is_left_at_once_reads_no_further(
    reading: tuple[ReaderWorker, Thread], posted: Queue[Loaded | str]
) -> None:
    reader, worker = reading
    reader.stop()
    worker.join(PATIENCE_S)
    assert not worker.is_alive()
    assert posted.empty()


async def test_the_dashboard_says_when_the_newest_records_are_on_screen(
    big: Path, shown: Shown
) -> None:
    async with LogApp([big]).run_test() as pilot:
        app = await shown(pilot, BLOCKS)
        assert "● live" in top_row(app)
