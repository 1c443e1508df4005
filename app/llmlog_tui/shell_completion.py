"""Completion of `llmlog-tui` in bash, zsh and fish, by click from the options of argparse.

The shells' scripts, and the protocol between them and a program, are click's; `llmlog` has both
from click already.
"""

from __future__ import annotations

import argparse
import os

import click
from click.shell_completion import shell_complete

from llmlog_tui.cli_args import actions, parser


def main(variable: str) -> int:
    """Print the script or the completions that a shell asks for in this environment variable.

    Returns 1 if the variable holds anything else.
    """
    options = parser()
    command = click.Command(options.prog, params=[_parameter(each) for each in actions(options)])
    return shell_complete(command, {}, options.prog, variable, os.environ[variable])


def _parameter(action: argparse.Action) -> click.Parameter:
    """Return click's equivalent of an action, for completion only."""
    is_path = action.metavar is not None and "FILE" in action.metavar
    kind = click.Path() if is_path else click.STRING
    if not action.option_strings:
        return click.Argument([action.dest], type=kind, nargs=-1)
    names = [*action.option_strings, action.dest]
    if action.nargs == 0:
        return click.Option(names, is_flag=True, help=action.help)
    if action.nargs == "?":
        return click.Option(names, type=kind, is_flag=False, flag_value="", help=action.help)
    return click.Option(names, type=kind, help=action.help)
