"""`llmlog prune`: cut off a log's oldest records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

import llmlog
from llmlog_tui.commands.common import complete_file
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import expand


class Age(click.ParamType[timedelta]):
    """A time like 90s, 30m, 24h or 30d."""

    name = "age"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The time `value` stands for, or a usage error."""
        try:
            span = Retention.of(value).span
            datetime.now(UTC) - (span or timedelta())
        except (ValueError, OverflowError):
            span = None
        if span is None:
            self.fail(f"{value} is not a time like 24h or 30d.", param, ctx)
        return span


@click.command(short_help="Cut off what is old, while applications write.")
@click.argument("file", metavar="FILE", shell_complete=complete_file)
@click.option("--older-than", type=Age(), required=True, metavar="AGE", help="Such as 24h or 30d.")
def prune(file: str, *, older_than: timedelta) -> None:
    """Cut off the records at the start of a log that began longer ago than AGE.

    Safe while applications write and dashboards follow: nothing else is lost.
    """
    (path,) = expand([file], must_exist=True) if not Path(file).is_dir() else (None,)
    if path is None or path.suffix in (".gz", ".zst") or file == "-":
        raise click.ClickException(f"{file}: only one plain file can be pruned")
    try:
        lines = llmlog.prune(path, older_than)
    except (OSError, OverflowError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise click.ClickException(f"{file}: {why}") from error
    click.echo(f"{file}: {lines:,} {'line' if lines == 1 else 'lines'} cut off", err=True)
