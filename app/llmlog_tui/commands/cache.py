"""`llmlog cache`: show or delete the cache of big logs."""

from __future__ import annotations

import click

from llmlog_tui import humanize
from llmlog_tui.log.cache_folder import NO_CACHE, cache_folder
from llmlog_tui.log.parse_cache import MAX_BYTES, MIN_FILE_BYTES, ParseCache


@click.command(
    help=f"""Show the cache of parsed logs, or delete it.

    Logs of {MIN_FILE_BYTES >> 20} MB or more are parsed once; opened again, their records come from
    the cache, if the bytes of the log are the same. It holds what the dashboard's columns show, no
    content, in files that only their owner can read, {MAX_BYTES >> 20:,} MB at most. It is off with
    --no-cache, and with {NO_CACHE}=1.
    """
)
@click.option("--clear", is_flag=True, help="Delete it.")
def cache(*, clear: bool) -> None:
    folder = cache_folder()
    parsed = ParseCache(folder)
    try:
        number, size = parsed.size()
        if clear:
            parsed.clear()
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from error
    blocks = humanize.plural(number, "block")
    click.echo(f"{folder}: {blocks}, {size / 1e6:.1f} MB" + (" deleted" if clear else ""))
