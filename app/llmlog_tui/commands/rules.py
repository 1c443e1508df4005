"""The option --rules: a rules file, read and checked."""

from __future__ import annotations

from pathlib import Path

import click

from llmlog_tui.analysis.rules import DEFAULT, Rules, RulesError, parse

_MOST_BYTES = 2**20


def read(path: Path) -> Rules:
    """The rules of a file. Raises click.ClickException, one line that says what is wrong."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise click.ClickException(f"{path}: too big for rules, more than 1 MiB")
        return parse(text.decode())
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path}: not UTF-8") from error
    except RulesError as error:
        raise click.ClickException(f"{path}: {error}") from error


def _of_option(_ctx: click.Context, _param: click.Parameter, path: Path | None) -> Rules:
    return DEFAULT if path is None else read(path)


rules_option = click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_of_option,
    metavar="FILE",
    help="TOML: what is watched for, and how closely.",
)
