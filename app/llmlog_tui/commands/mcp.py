"""`llmlog mcp`: the log's answers as tools for a coding agent."""

from __future__ import annotations

import click

from llmlog_tui.commands import BAD_INPUT
from llmlog_tui.commands.options import followed_files_argument
from llmlog_tui.commands.rules_option import rules_option
from llmlog_tui.config.rules import Rules
from llmlog_tui.extras import has_extra
from llmlog_tui.log.sources import STDIN


@click.command()
@followed_files_argument
@click.option(
    "--content",
    is_flag=True,
    help="Answer with prompts, answers, arguments, error texts and tags, too, if they were logged.",
)
@rules_option
def mcp(files: tuple[str, ...], *, content: bool, rules: Rules) -> int:
    """Serve stats, find, trace, diff, slow, alerts and sql as read-only tools, over stdio.

    A coding agent starts this command itself; see .github/docs/mcp.md for its configuration.
    Answers are JSON of limited size, with a note on every cut. Secrets and personal data in them
    are replaced, whatever the policy of the log.
    """
    if str(STDIN) in files:
        raise click.UsageError("- is no LOG here: standard input belongs to the agent.")
    if not has_extra("llmlog mcp", ("mcp",), "mcp"):
        return BAD_INPUT
    from llmlog_tui.commands.mcp_server import serve  # noqa: PLC0415 - needs the extra

    serve(files, rules, content=content)
    return 0
