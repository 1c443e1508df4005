"""The journeys that people make, over a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.clickhouse.calls_table import create_table, in_order, insert
from tests.clickhouse.running import ClickHouse
from tests.conftest import ROOT
from tests.tui.conftest import SMALL, WIDE, Shown, Until, shown, until
from tests.tui.journeys import JOURNEYS, Journey, Walk

__all__ = ["shown", "until"]


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return in_order((ROOT / "sample_logs" / "calls.jsonl").read_bytes().splitlines())


@pytest.fixture(scope="module")
def table(_server: ClickHouse, lines: list[bytes]) -> str:
    """The sample in a table that is made once: a journey changes nothing in it."""
    _server.query("DROP DATABASE IF EXISTS llm")
    _server.query("CREATE DATABASE llm")
    name = create_table(_server)
    insert(_server, lines)
    return name


@pytest.mark.parametrize("journey", JOURNEYS)
async def test_a_journey(  # noqa: PLR0913, PLR0917 - fixtures
    table: str,
    lines: list[bytes],
    journey: Journey,
    shown: Shown,
    until: Until,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    size = SMALL if "paste" in journey.__name__ else WIDE
    await journey(Walk(table, list(map(json.loads, lines)), size, shown, until, tmp_path))
