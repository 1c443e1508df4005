"""Numbers on a command line."""

from __future__ import annotations

import math

import click


class FiniteFloat(click.FloatRange):
    """A number within a range; `nan`, which no range keeps out, and `inf` are none."""

    name = "number"

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number `value` stands for, or a usage error."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number
