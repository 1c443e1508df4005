"""`llmlog sql`: queries in SQL."""

from __future__ import annotations

from typing import Literal

import click
import polars as pl

from llmlog_tui.analysis.query.sql import describe, query
from llmlog_tui.commands.common import (
    echo_json,
    files_argument,
    hint_at_health,
    interruptible,
    open_log,
)
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.text_tables import table
from llmlog_tui.config.rules import Rules
from llmlog_tui.humanize import CSV_TIME
from llmlog_tui.log.schema import restore_integers

Format = Literal["table", "json", "csv"]

_TABLES = """\b
Tables:
  calls    model calls; columns are the record's fields, cost_usd and saved_usd (by caching)
  traces   runs; columns of llmlog traces --json
  records  all records: calls, tool executions, spans and foreign events; columns of calls
"""


def _print_columns(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's
    if wanted:
        columns = describe()
        click.echo("\n".join(table(columns.columns, columns.iter_rows())))
        context.exit()


@click.command("sql", epilog=_TABLES, short_help="Query the log in SQL.")
@click.argument("sql", metavar="QUERY", required=False)
@files_argument
@click.option(
    "--columns",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_columns,
    help="List the tables, their columns and types, and exit.",
)
@click.option(
    "--format",
    "as_",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="json: one object a line.",
)
@rules_option
def sql(sql: str | None, files: tuple[str, ...], *, as_: Format, rules: Rules) -> None:
    """Query in SQL (polars' dialect), e.g. "select model, count(*) from calls group by model".

    quantile_cont(latency_ms, 0.9) is the percentile of `llmlog stats`. Times are UTC. A column
    without an alias is named as written. "describe calls" lists the columns of a table.
    """
    if sql is None:
        raise click.UsageError("Missing argument 'QUERY'.")
    with open_log(files) as log:
        hint_at_health(log)
        found = interruptible(lambda: query(log.frame, sql, rules))
    if as_ == "json":
        echo_json(found.iter_rows(named=True))
    elif as_ == "csv":
        click.echo(flat(found).write_csv(datetime_format=CSV_TIME), nl=False)
    else:
        click.echo("\n".join(table(found.columns, found.iter_rows())))


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame for CSV: a list as its values, separated by commas."""
    frame = restore_integers(frame)
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(","))
