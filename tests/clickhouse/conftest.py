"""A ClickHouse server, where chdb is installed: `pip install 'llmlog[scale-test]'`."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest
from tests.clickhouse.running import ClickHouse


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    if importlib.util.find_spec("chdb") is None:
        assert "LLMLOG_NEEDS_CLICKHOUSE" not in os.environ  # set where these tests must run
        pytest.skip("no ClickHouse: pip install 'llmlog[scale-test]'")
    with ClickHouse(tmp_path_factory.mktemp("clickhouse")) as running:
        yield running


@pytest.fixture
def clickhouse(_server: ClickHouse) -> Iterator[ClickHouse]:
    """A server with one database, `llm`, which is empty; the tests of a process share it."""
    for database in ("llm", "other", "otel"):
        _server.query(f"DROP DATABASE IF EXISTS {database}")
    _server.query("CREATE DATABASE llm")
    yield _server
    if not _server.is_running:
        _server.start()
    _server.fail()
