"""Headless commands: the dashboard's answers as text and JSON."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Final, TextIO

import click

from llmlog_tui.errors import UserError, reason
from llmlog_tui.glyphs import in_ascii
from llmlog_tui.sanitize import sanitize
from llmlog_tui.terminal import takes_ascii_only

BAD_INPUT = 2
"""Exit code for an unusable file, id, query or option, and for a missing extra."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

BROKEN_PIPE = 141
"""Exit code if the reader of the output has ended: 128 + SIGPIPE."""

_COMPLETION = """\b
Completion of commands and options in the shell:
  bash  eval "$(_LLMLOG_COMPLETE=bash_source llmlog)"
  zsh   eval "$(_LLMLOG_COMPLETE=zsh_source llmlog)"
  fish  _LLMLOG_COMPLETE=fish_source llmlog | source
The same with _LLMLOG_TUI_COMPLETE and llmlog-tui completes the dashboard's.
"""


_COMMANDS: Final = {
    "alerts": ("alerts", "List alerts, and the remaining rate limits."),
    "archive": ("archive", "Append new records of a log to parquet files by day."),
    "bundle": ("bundle", "Write one run for a support ticket, as .md or .html."),
    "cache": ("cache", "Show or delete the cache of big logs."),
    "check": ("alerts", "For CI: exit 1 if a rule fired or calls are missing."),
    "demo": ("demo", "Write the log of a simulated agent."),
    "diff": ("diff", "Show two runs side by side, with their first difference."),
    "export": ("export", "Write the records to .parquet, .csv, .jsonl or .otlp.jsonl."),
    "find": ("find", "Find records by any id or its first 6 characters, or by words."),
    "health": ("health", "List the faults of a log, and where each first occurs."),
    "listen": ("listen", "Receive OTLP over HTTP, append it to a log."),
    "mcp": ("mcp", "Serve the answers as tools to a coding agent (MCP, stdio)."),
    "prune": ("prune", "Remove old records, safely while applications write."),
    "report": ("report", "Write an HTML page: charts, alerts, slow and failed calls."),
    "schema": ("schema", "Print the DDL of a ClickHouse table for records."),
    "session": ("traces", "Show one conversation, run by run, with its totals."),
    "slow": ("slow", "List slow calls, the slowest first, and why."),
    "sql": ("sql", "Query the log in SQL."),
    "stats": ("stats", "Count calls, errors, tokens and cost, with latencies by group."),
    "status": ("status", "Print one line for tmux and prompts."),
    "tail": ("tail", "Show the last records, then new ones as they arrive."),
    "trace": ("traces", "Show one run, step by step."),
    "traces": ("traces", "List runs, in the order of their first record."),
}
"""Command -> the module of this package that defines it, and its summary."""


class _Commands(click.Group):
    """Group that imports a command's module only when the command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            module, summary = _COMMANDS[cmd_name]
            command: click.Command = getattr(import_module(f"{__name__}.{module}"), cmd_name)
            command.short_help = summary
            self.add_command(command)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click's exit code would be 1, which has a meaning of its own
            raise click.exceptions.Exit(BROKEN_PIPE) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_COMPLETION,
)
@click.version_option(package_name="llmlog", message="%(version)s")
@click.pass_context
def llmlog(context: click.Context) -> None:
    """Answer questions about the log of an application's LLM calls.

    LOG is a file, a glob, a folder, clickhouse[s]://user@host/db.table, or - for standard input;
    calls.jsonl if none is named.
    Colour is used on terminals only, and never with NO_COLOR or TERM=dumb. Output is ASCII on a
    terminal whose locale is not UTF-8, or whose TERM is linux or dumb; LLMLOG_ASCII=1 or 0
    overrides that.
    """
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    context.color = False if is_plain else None


def _for_terminal(stream: TextIO) -> TextIO:
    """Return the stream, wrapped to write ASCII if its terminal shows nothing else."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="replace")
    if not takes_ascii_only(stream):
        return stream

    class InAscii(io.TextIOWrapper):
        def write(self, text: str, /) -> int:
            return super().write(in_ascii(text))

    return InAscii(stream.detach(), encoding="utf-8", line_buffering=True)


def main() -> int:
    """Run `llmlog`; return its exit code. An error is one line on stderr."""
    sys.stdout, sys.stderr = _for_terminal(sys.stdout), _for_terminal(sys.stderr)
    try:
        result = llmlog.main(prog_name="llmlog", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return BAD_INPUT
    except (click.ClickException, UserError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else error
        message = str(message).replace(":\n\t", ": ")  # of click, before the choices
        usage = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See {usage.command_path} --help" if usage else ""
        end = "." if hint and not message.endswith((".", "?")) else ""
        click.echo(f"llmlog: {sanitize(message)}{end}{hint}", err=True)
        return BAD_INPUT
    except OSError as error:
        click.echo(f"llmlog: cannot write: {reason(error)}", err=True)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return result if isinstance(result, int) else 0
