"""A table read page by page has the records, and the order, of one read whole."""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from tests.analysis.planted import seeded
from tests.clickhouse.calls_table import call, create_table, insert
from tests.clickhouse.running import ClickHouse

from llmlog_tui.clickhouse.url import TableUrl
from llmlog_tui.log import table_pages
from llmlog_tui.log.load import read_all
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.table_pages import TablePages
from llmlog_tui.log.table_queries import Condition

COLUMNS = ("ts", "latency_ms", "model", "step", "tool_args_ok", "max_tokens")


def odd(rng: random.Random, number: int) -> bytes:
    """A record at one of few times, or without a ts, or in another century."""
    step = rng.choice((0, 1, 2, 3_599, 3_600, 7_300, 90_000))
    record = json.loads(call(step, latency_ms=number + 0.5))
    record["model"] = rng.choice(("m", None))
    record["max_tokens"] = rng.choice((None, 2**40))
    record["tool_args_ok"] = rng.choice((None, True, False))
    change = rng.choice((None, None, None, "step", "ts", "late"))
    if change == "late":
        record["ts"] = f"{2_200 - step % 7}-01-01T00:00:00Z"
    elif change is not None:
        record[change] = None
    return json.dumps(record).encode()


def filled(server: ClickHouse) -> str:
    """A table of odd records, some of them copied, and the start of one."""
    rng, table = seeded(7), create_table(server)
    lines = [odd(rng, number) for number in range(200)]
    start = json.dumps({**json.loads(lines[0]), "event": "start"}).encode()
    insert(server, [*lines, start, *rng.choices(lines, k=60), call(3, ts="1931-05-05T05:05:05Z")])
    return table


def loaded(table: str, window: Retention) -> pl.DataFrame:
    with closing(Reader([Path(table)], window=window)) as reader:
        return read_all(reader).frame.select(COLUMNS)


WINDOWS = [*map(Retention, (100_000, 150, 100, 60)), Retention(span=timedelta(hours=30))]


@pytest.mark.parametrize("rows", [3, 1_000])
def test_the_order_is_the_one_of_the_window(clickhouse: ClickHouse, rows: int) -> None:
    table = filled(clickhouse)
    for window in WINDOWS:
        with (
            patch.object(table_pages, "_PAGE_ROWS", rows),
            closing(TablePages(TableUrl.of(table), window)) as pages,
        ):
            assert pages.has(COLUMNS)
            found = pl.concat(list(pages.frames(COLUMNS, Condition())))
        whole = loaded(table, window)
        assert found.select(COLUMNS).equals(whole), (window, rows)
        assert whole.height > 30
