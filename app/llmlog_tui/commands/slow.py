"""`llmlog slow`: slow calls, and why they were slow."""

from __future__ import annotations

from itertools import chain

import click
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.analysis.calls import calls as calls_
from llmlog_tui.analysis.calls.slow_reason import slow_reason
from llmlog_tui.commands.open_log import OpenLog, hint_at_health, open_log
from llmlog_tui.commands.options import files_argument, json_option, utc_option, where_option
from llmlog_tui.commands.output import echo_records, echo_texts
from llmlog_tui.commands.param_types import FiniteFloat
from llmlog_tui.commands.text_tables import head, line_of


@click.command()
@files_argument
@click.option(
    "--over",
    "over_ms",
    type=FiniteFloat(0),
    default=500.0,
    show_default=True,
    metavar="MS",
    help="A call is slow if it took longer.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Only the N slowest; default: all."
)
@json_option
@where_option
@utc_option
def slow(
    files: tuple[str, ...],
    *,
    over_ms: float,
    limit: int | None,
    as_json: bool,
    where: str | None,
) -> None:
    """List the calls that took longer than --over, the slowest first, and why.

    JSON columns: the record's fields (null where unknown), file, line, and why.
    """
    with open_log(files, where) as log:
        hint_at_health(log.snapshot)
        calls = calls_.model_calls(log.frame)
        found = slowest(calls, over_ms).head(limit or calls.height)
        whys = reasons(log, found, over_ms)
        if as_json:
            echo_records(log.placed(found).with_columns(pl.Series("why", whys, dtype=pl.String)))
            return
    click.echo(_summary(calls, over_ms))
    if found.height:
        rows = zip(found.iter_rows(named=True), whys, strict=True)
        echo_texts(chain([head()], (line_of(call, why) for call, why in rows)))


def slowest(calls: pl.DataFrame, over_ms: float) -> pl.DataFrame:
    """Return the model calls that took longer, the slowest first."""
    found = calls.filter(calls_.slow(over_ms))
    return found.sort("latency_ms", descending=True, maintain_order=True)


def reasons(log: OpenLog, calls: pl.DataFrame, over_ms: float) -> list[str]:
    """Return why each call was slow, against the baselines of the complete log."""
    baselines = calls_.baselines(calls_.model_calls(log.snapshot.frame))
    return [
        slow_reason(call, baselines.get(call["model"]), over_ms, log.server_moment(call))
        for call in calls.iter_rows(named=True)
    ]


def _summary(calls: pl.DataFrame, over_ms: float) -> str:
    """Return one sentence on all slow calls, or on latencies that are unknown."""
    sentence = calls_.slow_summary(calls, over_ms).sentence()
    if sentence:
        return sentence
    unknown = calls["latency_ms"].null_count()
    found = f"no call took over {humanize.duration(over_ms)}"
    if not unknown:
        return found
    return f"{found}; the latency of {humanize.plural(unknown, 'call')} is unknown"
