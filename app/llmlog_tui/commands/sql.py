"""`llmlog sql`: queries in SQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

import click

from llmlog_tui.analysis.query.sql import describe, query
from llmlog_tui.analysis.reports.csv_cells import flat
from llmlog_tui.commands import INTERRUPTED
from llmlog_tui.commands.open_log import hint_at_health, open_log
from llmlog_tui.commands.options import files_argument, formulas_option
from llmlog_tui.commands.output import echo_json, echo_texts
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.commands.text_tables import table
from llmlog_tui.config.rules import Rules
from llmlog_tui.humanize import CSV_TIME

Format = Literal["table", "json", "csv"]
_R = TypeVar("_R")

_TABLES = """\b
Tables:
  calls    model calls; columns are the record's fields, cost_usd and saved_usd (by caching)
  traces   runs with a record; columns of llmlog traces --json without unfinished
  records  all records: calls, tool executions, spans and foreign events; columns of calls
"""


def _print_columns(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's
    if wanted:
        columns = describe()
        echo_texts(table(columns.columns, columns.iter_rows()))
        context.exit()


@click.command("sql", epilog=_TABLES)
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
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@formulas_option
@rules_option
def sql(  # noqa: PLR0913 - options by name
    sql: str | None,
    files: tuple[str, ...],
    *,
    as_: Format,
    as_json: bool,
    keep_formulas: bool,
    rules: Rules,
) -> None:
    """Query in SQL (polars' dialect), e.g. "select model, count(*) from calls group by model".

    quantile_cont(latency_ms, 0.9) is the percentile of `llmlog stats`. Times are UTC. A column
    without an alias is named as written. "describe calls" lists the columns of a table.
    """
    if sql is None:
        raise click.UsageError("Missing argument 'QUERY'.")
    with open_log(files) as log:
        hint_at_health(log.snapshot)
        found = _interruptible(lambda: query(log.frame, sql, rules))
    if as_json or as_ == "json":
        echo_json(found.iter_rows(named=True))
    elif as_ == "csv":
        cells = flat(found, keep_formulas=keep_formulas)
        click.echo(cells.write_csv(datetime_format=CSV_TIME), nl=False)
    else:
        echo_texts(table(found.columns, found.iter_rows()))


def _interruptible(work: Callable[[], _R]) -> _R:
    """Return the result of work that polars does; Ctrl-C ends the process at once.

    polars runs until it is done, and sees no signal: the work is left behind in a thread.
    """
    before = signal.getsignal(signal.SIGINT)
    # Called in this thread, which only waits: an exception might not get past the waiting.
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result()
    finally:
        signal.signal(signal.SIGINT, before)
