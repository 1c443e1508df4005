"""`llmlog sql`: any question, in SQL."""

from __future__ import annotations

from typing import Literal

import click
import polars as pl

from llmlog_tui.analysis.query.sql import query
from llmlog_tui.commands.common import echo_json, files_argument, hint_at_health, open_log
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.text_tables import table
from llmlog_tui.config.rules import Rules
from llmlog_tui.humanize import CSV_TIME

Format = Literal["table", "json", "csv"]

_TABLES = """\b
Tables:
  calls    model calls; columns are the record's fields, cost_usd and saved_usd (by caching)
  traces   runs; columns as of llmlog traces --json
  records  everything, tool executions, spans and foreign events too; columns as of calls
"""


@click.command("sql", epilog=_TABLES, short_help="Ask any question, in SQL.")
@click.argument("sql", metavar="QUERY")
@files_argument
@click.option(
    "--format",
    "as_",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="json: one object a line.",
)
@rules_option
def sql(sql: str, files: tuple[str, ...], *, as_: Format, rules: Rules) -> None:
    """Ask in SQL (polars' dialect), e.g. "select model, count(*) from calls group by model".

    quantile_cont(latency_ms, 0.9) is a percentile as stats has it. Times are UTC.
    """
    with open_log(files) as log:
        hint_at_health(log)
        found = query(log.frame, sql, rules)
    if as_ == "json":
        echo_json(found.iter_rows(named=True))
    elif as_ == "csv":
        click.echo(flat(found).write_csv(datetime_format=CSV_TIME), nl=False)
    else:
        click.echo("\n".join(table(found.columns, found.iter_rows())))


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as CSV can hold it: lists as their values with a comma between."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(","))
