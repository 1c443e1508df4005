"""Options and arguments that commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from llmlog_tui import humanize
from llmlog_tui.commands.clickhouse_options import connection_options
from llmlog_tui.log.cache_folder import without_cache
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.sources import DEFAULT_LOG


def complete_file(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a file name in the shell."""
    # click.Path would complete them too, but refuses globs and `-`.
    return [CompletionItem(incomplete, type="file")]


def default_log(context: click.Context, files: tuple[str, ...]) -> tuple[str, ...]:
    """Return the named logs, DEFAULT_LOG for none. Raises UsageError if that is not there."""
    if not files and not Path(DEFAULT_LOG).exists():
        raise click.UsageError(f"no LOG is named, and there is no {DEFAULT_LOG} here.", context)
    return files or (DEFAULT_LOG,)


def _without_cache(context: click.Context, _: click.Parameter, no_cache: bool) -> None:  # noqa: FBT001 - click's
    if no_cache:
        context.with_resource(without_cache())


_WINDOW: Final = ContextVar("window", default=EVERYTHING)
"""The records that open_log() keeps: those of --last."""


@contextmanager
def within(window: Retention) -> Iterator[None]:
    """Set the window of open_log(), as --last does."""
    before = _WINDOW.set(window)
    try:
        yield
    finally:
        _WINDOW.reset(before)


def current_window() -> Retention:
    """Return the window of --last; EVERYTHING without it."""
    return _WINDOW.get()


def has_window() -> bool:
    """Return whether --last is given."""
    return _WINDOW.get() != EVERYTHING


def _keep_last(context: click.Context, _: click.Parameter, last: str | None) -> None:
    if last is not None:
        try:
            context.with_resource(within(Retention.of(last)))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error


last_option: Final = click.option(
    "--last",
    metavar="N|24h",
    expose_value=False,
    callback=_keep_last,
    help="Only the last N records, or the 24 hours before the newest record; of a table, 100000 by "
    "default.",
)


def log_argument(*, must_exist: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that adds the argument `files`, the names of logs.

    DEFAULT_LOG is read where none is named; with `must_exist` only if it is there.
    """
    return click.argument(
        "files",
        nargs=-1,
        metavar="[LOG]...",
        shell_complete=complete_file,
        callback=lambda context, _parameter, files: (
            default_log(context, files) if must_exist else files or (DEFAULT_LOG,)
        ),
    )


def files_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument `files`, logs that are read once, and the options of reading them."""
    option = click.option(
        "--no-cache",
        is_flag=True,
        expose_value=False,
        callback=_without_cache,
        help="Parse a big log in full, and cache nothing.",
    )
    return log_argument()(last_option(option(connection_options(command))))


def followed_files_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument `files`, logs that are followed, and the options of a connection."""
    return log_argument(must_exist=False)(connection_options(command))


json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="JSON, one object a line; its keys are stable."
)


where_option: Final = click.option(
    "--where",
    metavar="SQL",
    help="Only records that match, e.g. \"model = 'gpt-5' and latency_ms > 500\". "
    "Failed calls have only a requested_model. Times in it are UTC.",
)


formulas_option: Final = click.option(
    "--keep-formulas",
    is_flag=True,
    help="Leave CSV cells that begin with = + - @, which spreadsheets take for formulas, as they "
    "are; by default they get a ' in front.",
)


def _in_utc(context: click.Context, _: click.Parameter, utc: bool) -> None:  # noqa: FBT001 - click's
    if utc:
        context.with_resource(humanize.in_utc())


utc_option: Final = click.option(
    "--utc",
    is_flag=True,
    expose_value=False,
    callback=_in_utc,
    help="Show times in UTC, not in local time. (JSON always has UTC.)",
)
