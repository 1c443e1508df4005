"""Searches outside the window of a table: a cancelled one ends its own query alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import pytest
from tests.clickhouse.calls_table import call, create_table, insert
from tests.clickhouse.running import PATIENCE_SECONDS, ClickHouse
from textual.message import Message

from llmlog_tui.log.retention import Retention
from llmlog_tui.tui.messages import Loaded
from llmlog_tui.tui.queries import FetchResult
from llmlog_tui.tui.workers.reader import ReaderWorker


@pytest.fixture
def slow_table(clickhouse: ClickHouse) -> str:
    """A table in which an id is looked up slowly, and a window read at once."""
    create_table(clickhouse)
    insert(
        clickhouse, [call(step, id=f"call-{step}", trace_id=f"run-{step}") for step in range(20)]
    )
    clickhouse.query(
        "CREATE VIEW llm.slow AS SELECT * REPLACE (if(sleepEachRow(0.03) = 0, id, id) AS id)"
        " FROM llm.calls"
    )
    return str(clickhouse.url("llm.slow"))


@pytest.fixture
def worker(slow_table: str) -> Iterator[ReaderWorker]:
    """A worker that has read the newest 5 records."""
    posted = Queue[Message]()

    def post(message: Message) -> bool:
        posted.put(message)
        return True

    worker = ReaderWorker([Path(slow_table)], post, last=Retention(records=5))
    worker.first_paint_done()
    reading = Thread(target=worker.run)
    reading.start()
    while not (isinstance(last := posted.get(timeout=PATIENCE_SECONDS), Loaded) and is_live(last)):
        pass
    assert last.snapshot.counts.records == 5
    yield worker
    worker.stop()
    reading.join(PATIENCE_SECONDS)
    assert not reading.is_alive()


def is_live(message: Loaded) -> bool:
    return message.progress.state == "live"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline


def test_a_cancelled_search_ends_its_own_query_and_no_other_one(
    worker: ReaderWorker, clickhouse: ClickHouse
) -> None:
    def search(wanted: str) -> tuple[Event, Future[FetchResult]]:
        is_cancelled = Event()
        work = threads.submit(worker.fetch, wanted, is_cancelled, lambda _: None)
        return is_cancelled, work

    def is_looked_up() -> bool:
        asked = "SELECT count() FROM system.processes WHERE startsWith(query, 'SELECT 1 FROM')"
        return clickhouse.query(asked) != "0"

    with ThreadPoolExecutor() as threads:
        _, first = search("call-3")
        until(is_looked_up)
        other, second = search("call-4")
        worker.cancel_fetch(other)
        assert first.result(PATIENCE_SECONDS) == FetchResult(1)
        assert second.result(PATIENCE_SECONDS) == FetchResult()

        own, third = search("call-5")
        until(is_looked_up)
        worker.cancel_fetch(own)
        assert third.result(PATIENCE_SECONDS) == FetchResult(problem="cancelled")
        until(lambda: not is_looked_up())
        worker.cancel_fetch(own)
        _, again = search("call-5")
        assert again.result(PATIENCE_SECONDS) == FetchResult(1)
