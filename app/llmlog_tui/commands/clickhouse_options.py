"""Options of the commands that connect to a ClickHouse server."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

ca_option: Final = click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Certificate of the authority that signed that of a clickhouses:// server.",
)
insecure_option: Final = click.option(
    "--insecure",
    is_flag=True,
    help="Send CLICKHOUSE_PASSWORD to another machine without TLS.",
)
