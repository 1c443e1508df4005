"""`llmlog prune`: remove a log's oldest records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

import llmlog
from llmlog_tui import humanize
from llmlog_tui.commands.options import complete_file
from llmlog_tui.errors import reason
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import expand


def age(value: str) -> timedelta:
    """Return the time span of a text like 24h, or fail with a usage error."""
    try:
        span = Retention.of(value).span
        datetime.now(UTC) - (span or timedelta())
    except (ValueError, OverflowError):
        span = None
    if span is None:
        raise click.BadParameter(f"{value} is not a time like 24h or 30d.")
    return span


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_file)
@click.option(
    "--older-than", type=age, required=True, metavar="AGE", help="Time span, such as 24h or 30d."
)
@click.option("--dry-run", is_flag=True, help="Only count the lines.")
def prune(file: str, *, older_than: timedelta, dry_run: bool) -> None:
    """Remove the records at the start of a log that are older than AGE.

    Safe while applications write and dashboards follow: no other record is lost.
    """
    (path,) = expand([file], must_exist=True) if not Path(file).is_dir() else (None,)
    if path is None or path.suffix in (".gz", ".zst") or file == "-":
        raise click.ClickException(f"{file}: only one plain file can be pruned")
    try:
        lines = llmlog.prune(path, older_than, dry_run=dry_run)
    except (OSError, OverflowError) as error:
        raise click.ClickException(f"{file}: {reason(error)}") from error
    done = "would be removed" if dry_run else "removed"
    click.echo(f"{file}: {humanize.plural(lines, 'line')} {done}", err=True)
