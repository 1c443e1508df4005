"""A query that may never end runs where it can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import polars as pl
import pytest

from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.sql import query
from llmlog_tui.isolated_query import IsolatedQuery, QueryCancelled
from llmlog_tui.log.load import load

ENDLESS = "with recursive t as (select 1 as n union all select n + 1 from t) select max(n) from t"


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return load([Path(__file__).parent.parent / "sample_logs" / "calls.jsonl"]).frame


@pytest.mark.parametrize(
    "sql",
    [
        "with x as (select model, latency_ms, ts from calls) select * from x order by ts limit 9",
        "select c.model, max(t.steps) as n from calls c join traces t using (trace_id) group by 1",
        "select tool_calls, cost_usd from calls union all select tool_calls, cost_usd from calls",
    ],
)
def test_the_result_is_the_same_as_in_this_process(frame: pl.DataFrame, sql: str) -> None:
    found, expected = IsolatedQuery(sql).run(frame), query(frame, sql)
    assert found.schema == expected.schema
    assert sorted(map(str, found.rows())) == sorted(map(str, expected.rows()))


def test_an_error_names_the_nearest_column_of_all_of_them(frame: pl.DataFrame) -> None:
    sql = "with x as (select latncy_ms from calls) select * from x"
    with pytest.raises(QueryError, match="no column latncy_ms; the nearest is latency_ms"):
        IsolatedQuery(sql).run(frame)
    with pytest.raises(QueryError, match="reads files"):
        IsolatedQuery("with x as (select * from read_csv('x')) select * from x").run(frame)


def test_one_pass_over_one_table_needs_no_process(
    frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(subprocess, "Popen", none)
    assert IsolatedQuery("select count(*) as n from calls").run(frame)["n"][0] > 0


def started(monkeypatch: pytest.MonkeyPatch) -> tuple[Event, list[subprocess.Popen[bytes]]]:
    real, began, processes = subprocess.Popen, Event(), []

    def popen(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = real(*arguments, **options)  # type: ignore[call-overload]
        processes.append(process)
        began.set()
        return process

    monkeypatch.setattr(subprocess, "Popen", popen)
    return began, processes


def test_a_query_that_never_ends_is_ended(
    frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, processes = started(monkeypatch)
    endless, ended = IsolatedQuery(ENDLESS), []

    def run() -> None:
        try:
            endless.run(frame)
        except QueryCancelled as error:
            ended.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    assert began.wait(60)
    endless.cancel()
    thread.join(60)
    assert len(ended) == 1
    assert processes[0].poll() is not None


def test_a_query_cancelled_before_it_runs_does_not_run(frame: pl.DataFrame) -> None:
    endless = IsolatedQuery(ENDLESS)
    endless.cancel()
    with pytest.raises(QueryCancelled):
        endless.run(frame)


def test_a_query_that_is_killed_is_an_error(
    frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, processes = started(monkeypatch)

    def kill() -> None:
        assert began.wait(60)
        processes[0].kill()

    Thread(target=kill, daemon=True).start()
    with pytest.raises(QueryError, match="ended early"):
        IsolatedQuery(ENDLESS).run(frame)


ORPHAN = """
import os, subprocess, threading
from pathlib import Path
from llmlog_tui.isolated_query import IsolatedQuery
from llmlog_tui.log.load import load

real = subprocess.Popen
def popen(*arguments, **options):
    process = real(*arguments, **options)
    print(process.pid, flush=True)
    return process
subprocess.Popen = popen
IsolatedQuery({sql!r}).run(load([Path({log!r})]).frame)
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")
def test_a_query_ends_with_the_program_that_asked(
    tmp_path: Path, until_true: Callable[[Callable[[], bool]], None]
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b'{"event": "chat_completion", "model": "m"}\n')
    program = ORPHAN.format(sql=ENDLESS, log=str(log))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        pid = int(asking.stdout.readline())
        assert is_alive(pid)
        asking.kill()
    until_true(lambda: not is_alive(pid))


@pytest.fixture
def until_true() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        pause = Event()
        for _ in range(600):
            if condition():
                return
            pause.wait(0.1)
        raise AssertionError

    return wait


def test_nothing_is_left_on_disk(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    IsolatedQuery("with x as (select model from calls) select * from x").run(frame)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names
