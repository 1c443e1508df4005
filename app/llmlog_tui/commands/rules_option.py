"""Option --rules: a validated rules file."""

from __future__ import annotations

from pathlib import Path

import click

from llmlog_tui.config.rules import DEFAULT, Rules, RulesError, read_rules


def _of_option(_ctx: click.Context, _param: click.Parameter, path: Path | None) -> Rules:
    if path is None:
        return DEFAULT
    try:
        return read_rules(path)
    except RulesError as error:
        raise click.ClickException(str(error)) from error


rules_option = click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_of_option,
    metavar="FILE",
    help="TOML: alert rules and their thresholds, and prices of models.",
)
