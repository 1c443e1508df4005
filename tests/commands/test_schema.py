from __future__ import annotations

import pytest
from tests.commands.conftest import Run, is_refused

from llmlog_tui.log.schema import COLUMNS


def test_the_ddl_has_a_column_for_every_field(llmlog: Run) -> None:
    done = llmlog("schema", "clickhouse")
    assert done.code == 0
    database, table, lines, view = done.out.split(";\n\n")[:4]
    assert database == "CREATE DATABASE IF NOT EXISTS `llm`"
    assert all(f"\n    `{name}` " in table for name in (*COLUMNS, "line", "ingested"))
    assert "TTL" not in table
    assert lines.endswith("ENGINE = Null")
    assert all(f" AS `{name}`" in view for name in (*COLUMNS, "line"))


def test_database_retention_and_project_are_options(llmlog: Run) -> None:
    done = llmlog("schema", "clickhouse", "--database", "logs", "--ttl-days", "30", "--project")
    assert "CREATE TABLE IF NOT EXISTS `logs`.`calls`" in done.out
    assert "+ INTERVAL 30 DAY DELETE" in done.out
    assert "ORDER BY (project, ts)" in done.out
    assert "`llm`" not in done.out


@pytest.mark.parametrize(
    "arguments", [["--database", "a`b"], ["--ttl-days", "0"], ["--ttl-days", "x"]]
)
def test_unusable_options_are_one_line(llmlog: Run, arguments: list[str]) -> None:
    assert is_refused(llmlog("schema", "clickhouse", *arguments))


def test_another_engine_is_refused(llmlog: Run) -> None:
    assert is_refused(llmlog("schema", "postgres"), "clickhouse")
