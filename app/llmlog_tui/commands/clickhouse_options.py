"""Options of the commands that may connect to a ClickHouse server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from llmlog_tui.clickhouse.url import connecting


def _trust(context: click.Context, _: click.Parameter, ca: Path | None) -> None:
    if ca is not None:
        context.with_resource(connecting(ca=ca))


def _permit(context: click.Context, _: click.Parameter, insecure: bool) -> None:  # noqa: FBT001 - click's
    if insecure:
        context.with_resource(connecting(insecure=True))


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options --ca and --insecure, which hold for every connection of the command."""
    ca = click.option(
        "--ca",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        expose_value=False,
        callback=_trust,
        help="Certificate of the authority behind that of a clickhouses:// server.",
    )
    insecure = click.option(
        "--insecure",
        is_flag=True,
        expose_value=False,
        callback=_permit,
        help="Send CLICKHOUSE_PASSWORD to another machine without TLS.",
    )
    return ca(insecure(command))
