"""Progress of a long command, on stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import click

Progress = Callable[[int, int], object]
"""Callback (done, total) of a long operation."""


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Show a progress bar, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def update(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(max(0, done - bar.pos))

        yield update
        update(bar.length or 1, bar.length or 1)
