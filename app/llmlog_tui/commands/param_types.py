"""Parameter types of the command line."""

from __future__ import annotations

import math
import os
from pathlib import Path

import click

from llmlog_tui.log.sources import url_of


class OutPath(click.Path):
    """A file or folder to write, never a ClickHouse table."""

    # Else one would become a folder `clickhouse:`.

    def __init__(self, **options: bool) -> None:
        super().__init__(path_type=Path, **options)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Return the path, or fail with a usage error."""
        if url := url_of(Path(value)):
            self.fail(f"{url} is a table: llmlog export writes to it.", param, ctx)
        return super().convert(value, param, ctx)


class Id(click.types.StringParamType):
    """An id of the log, without the spaces that a copy may have around it."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the id."""
        return super().convert(value, param, ctx).strip()


class FiniteFloat(click.FloatRange):
    """A finite number within a range."""

    name = "number"

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail with a usage error."""
        # click's range lets nan through: no comparison with it is true.
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number
