"""`llmlog schema`: the DDL of a table, for an administrator to run."""

from __future__ import annotations

import click

from llmlog_tui.shipping import schema as ddl


@click.command()
@click.argument("engine", metavar="clickhouse", type=click.Choice(["clickhouse"]))
@click.option(
    "--database", metavar="D", default=ddl.DATABASE, show_default=True, help="Name of the database."
)
@click.option(
    "--ttl-days", metavar="N", type=click.IntRange(1, 36_500), help="Delete records after N days."
)
@click.option(
    "--project",
    "has_project",
    is_flag=True,
    help="Add a column project, by which the table is sorted first: for several applications.",
)
def schema(*, engine: str, database: str, ttl_days: int | None, has_project: bool) -> None:
    """Print the DDL of a ClickHouse database for records; nothing is created by llmlog.

    Lines are inserted into the table lines, which keeps nothing; a view reads them as llmlog does,
    and fills the table calls. The raw line is a column of it. A record without a time has the ts
    1970-01-01. Lines without a record are dropped.

    llmlog schema clickhouse | clickhouse-client --multiquery
    """
    del engine
    for statement in ddl.statements(database, ttl_days=ttl_days, project=has_project):
        click.echo(f"{statement};\n")
