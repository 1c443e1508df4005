"""`llmlog slow`: calls that took long, and why."""

from __future__ import annotations

import click
import polars as pl

from llmlog_tui import units
from llmlog_tui.analysis import calls as calls_
from llmlog_tui.analysis.why import why_slow
from llmlog_tui.commands.common import echo_json, files_argument, json_option, opened, where_option
from llmlog_tui.commands.numbers import Finite
from llmlog_tui.commands.shown import HEAD, line_of


@click.command()
@files_argument
@click.option(
    "--over",
    "over_ms",
    type=Finite(0),
    default=500.0,
    show_default=True,
    metavar="MS",
    help="A call is slow if it took longer.",
)
@json_option
@where_option
def slow(files: tuple[str, ...], *, over_ms: float, as_json: bool, where: str | None) -> None:
    """List the calls that took over so many ms, the slowest first, with why they did.

    JSON columns: the record's fields (null where unknown), file, line, and why.
    """
    with opened(files, where) as log:
        usual = calls_.usual(calls_.model_calls(log.snapshot.frame))
        calls = calls_.model_calls(log.frame)
        verdict = calls_.verdict(calls, over_ms).sentence()
        found = calls.filter(calls_.slow(over_ms)).sort(
            "latency_ms", descending=True, maintain_order=True
        )
        reasons = [
            why_slow(call, usual.get(call["model"]), over_ms)
            for call in found.iter_rows(named=True)
        ]
        if as_json:
            why = pl.Series("why", reasons, dtype=pl.String)
            echo_json(log.placed(found).with_columns(why).iter_rows(named=True))
            return
    rows = zip(found.iter_rows(named=True), reasons, strict=True)
    click.echo(verdict or f"no call took over {units.duration(over_ms)}")
    if found.height:
        click.echo("\n".join([HEAD, *(line_of(call, why) for call, why in rows)]))
