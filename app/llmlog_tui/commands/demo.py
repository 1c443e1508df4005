"""`llmlog demo`: write the log of a simulated agent, without key or network."""

from __future__ import annotations

import importlib.util
import os
import secrets
import warnings
from pathlib import Path
from typing import Final

import click
import orjson

import llmlog
from llmlog_tui.commands.param_types import FiniteFloat, OutPath
from llmlog_tui.errors import reason
from llmlog_tui.humanize import plural
from llmlog_tui.private_file import open_append

_RUNS = 50
_SLOWEST, _FASTEST = 0.01, 1_000


@click.command()
@click.option(
    "--out",
    type=OutPath(dir_okay=False),
    default="calls.jsonl",
    show_default=True,
    help="File to append to; none with records that are not the demo's.",
)
@click.option(
    "--runs",
    type=click.IntRange(1),
    help=f"Runs of the agent; default: {_RUNS}, with --rate until Ctrl-C.",
)
@click.option("--seed", type=int, help="Seed of the log; default: 1, with --rate a random one.")
@click.option(
    "--rate",
    type=FiniteFloat(_SLOWEST, _FASTEST),
    help="Write in real time, at about this number of records a second.",
)
def demo(out: Path, runs: int | None, seed: int | None, rate: float | None) -> None:
    """Write the log of a small agent that runs through the real openai SDK.

    No key and no network are needed: the provider is simulated in the process. Without --rate all
    runs are written at once, on a simulated clock that starts at a fixed time.
    """
    if importlib.util.find_spec("openai") is None:
        raise click.ClickException("demo needs openai: pip install 'llmlog[openai]'")
    from llmlog_tui.demo.run import LostRecordError, live, simulate  # noqa: PLC0415 - imports openai, 0.75 s

    # A lost record ends the demo with an error.
    warnings.simplefilter("ignore", llmlog.CaptureWarning)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if _has_records_of_others(out):
            raise click.ClickException(
                f"{out} has records that are not the demo's: give another file with --out"
            )
        os.close(open_append(out))
        if rate is None:
            number = runs or _RUNS
            simulate(out, number, 1 if seed is None else seed)
            click.echo(
                f"{out}: {plural(number, 'run')} written; llmlog-tui {out} shows them", err=True
            )
        else:
            click.echo(f"{out}: about {rate:g} records a second; Ctrl-C ends it", err=True)
            live(out, rate, runs, secrets.randbits(32) if seed is None else seed)
    except OSError as error:
        raise click.ClickException(f"{out}: {reason(error)}") from error
    except LostRecordError as error:
        raise click.ClickException(f"{out}: {error}") from error


def _has_records_of_others(out: Path) -> bool:
    """Return whether the first line of a file is not the demo's. Raises OSError."""
    from llmlog_tui.demo.run import MARK  # noqa: PLC0415 - as above

    # A link is replaced; opening a pipe or a device would wait, or take bytes out of it.
    if out.is_symlink() or not out.is_file():
        return False
    with out.open("rb") as file:
        line = file.readline(_MAX_LINE)
    try:
        extra = orjson.loads(line)["extra"] if line.strip() else MARK
        return not MARK.items() <= extra.items()
    except (ValueError, TypeError, KeyError, AttributeError):
        return True


_MAX_LINE: Final = 65_536
"""Maximum bytes of a line of the demo."""
