"""Headless commands: the dashboard's answers as text and JSON."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Final, TextIO

import click

from llmlog_tui.analysis.calls.lookup import NoIdError
from llmlog_tui.analysis.query.sql import QueryError
from llmlog_tui.glyphs import in_ascii
from llmlog_tui.log.sources import SourceError
from llmlog_tui.sanitize import sanitize
from llmlog_tui.terminal import takes_ascii_only

BAD_INPUT = 2
"""Exit code for an unusable file, id, query or option, and for a missing extra."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

_COMPLETION = """\b
Completion of commands and options in the shell:
  bash  eval "$(_LLMLOG_COMPLETE=bash_source llmlog)"
  zsh   eval "$(_LLMLOG_COMPLETE=zsh_source llmlog)"
  fish  _LLMLOG_COMPLETE=fish_source llmlog | source
"""


_MODULES: Final = {
    **{name: name for name in ("stats", "slow", "find", "diff", "health", "tail", "sql", "alerts")},
    **{
        name: name
        for name in ("export", "bundle", "listen", "prune", "demo", "status", "mcp", "report")
    },
    **dict.fromkeys(("session", "traces", "trace"), "traces"),
    "check": "alerts",
}
"""Command -> the module of this package that defines it."""


class _Commands(click.Group):
    """Group that imports a command's module only when the command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._import(_MODULES)
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._import([cmd_name] if cmd_name in _MODULES else _MODULES)
        return super().get_command(ctx, cmd_name)

    def _import(self, names: Iterable[str]) -> None:
        for name in names:
            self.add_command(getattr(import_module(f"{__name__}.{_MODULES[name]}"), name))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_COMPLETION,
)
@click.version_option(package_name="llmlog", message="%(version)s")
@click.pass_context
def llmlog(context: click.Context) -> None:
    """Answer questions about the log of an application's LLM calls.

    LOG is a file, a glob, a folder, or - for standard input; calls.jsonl if none is named.
    Colour is used on terminals only, and never with NO_COLOR. Output is ASCII on a terminal whose
    locale is not UTF-8, or whose TERM is linux or dumb; LLMLOG_ASCII=1 or 0 overrides that.
    """
    context.color = False if os.environ.get("NO_COLOR") else None


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
    except (click.ClickException, SourceError, NoIdError, QueryError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else error
        usage = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See {usage.command_path} --help" if usage else ""
        click.echo(f"llmlog: {sanitize(str(message))}{hint}", err=True)
        return BAD_INPUT
    except OSError as error:
        click.echo(f"llmlog: cannot write: {error.strerror}", err=True)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return result if isinstance(result, int) else 0
