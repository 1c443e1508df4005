"""Parameter types of the command line."""

from __future__ import annotations

import math

import click


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
