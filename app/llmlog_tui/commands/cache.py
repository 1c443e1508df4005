"""`llmlog cache`: show or delete the cache of big logs."""

from __future__ import annotations

import click

from llmlog_tui import humanize
from llmlog_tui.errors import reason
from llmlog_tui.log.cache_folder import cache_folder
from llmlog_tui.log.parse_cache import ParseCache


@click.command()
@click.option("--clear", is_flag=True, help="Delete it.")
def cache(*, clear: bool) -> None:
    """Show the cache of parsed logs, or delete it.

    Logs of 64 MB or more are parsed once; opened again, their records come from the cache, if the
    bytes of the log are the same. It holds the fields of records, no content, and the prices of
    models that were looked up, in files that only their owner can read, 1 GB at most. It is off
    with --no-cache, and with LLMLOG_NO_CACHE=1.
    """
    folder = cache_folder()
    parsed = ParseCache(folder)
    try:
        number, size = parsed.size()
        if clear:
            parsed.clear()
    except OSError as error:
        raise click.ClickException(f"{folder}: {reason(error)}") from error
    blocks = humanize.plural(number, "block")
    click.echo(f"{folder}: {blocks}, {size / 1e6:.1f} MB" + (" deleted" if clear else ""))
