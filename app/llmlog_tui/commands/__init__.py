"""The headless `llmlog`: the same answers as the dashboard's, as text and JSON."""

from __future__ import annotations

import io
import os
import sys

import click

from llmlog_tui.analysis.find import NoIdError
from llmlog_tui.analysis.sql import QueryError
from llmlog_tui.commands.alerts import alerts, check
from llmlog_tui.commands.bundle import bundle
from llmlog_tui.commands.demo import demo
from llmlog_tui.commands.diff import diff
from llmlog_tui.commands.export import export
from llmlog_tui.commands.find import find
from llmlog_tui.commands.health import health
from llmlog_tui.commands.prune import prune
from llmlog_tui.commands.runs import session, trace, traces
from llmlog_tui.commands.slow import slow
from llmlog_tui.commands.sql import sql_
from llmlog_tui.commands.stats import stats
from llmlog_tui.commands.tail import tail
from llmlog_tui.log.sources import SourceError
from llmlog_tui.terminal import is_ascii_only
from llmlog_tui.text import inert

BAD_INPUT = 2
"""Exit code for what cannot be used: a file, an option, a missing extra."""

_INTERRUPTED = 130

_COMPLETION = """\b
Completion of commands and options in the shell:
  bash  eval "$(_LLMLOG_COMPLETE=bash_source llmlog)"
  zsh   eval "$(_LLMLOG_COMPLETE=zsh_source llmlog)"
  fish  _LLMLOG_COMPLETE=fish_source llmlog | source
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_COMPLETION)
@click.version_option(package_name="llmlog", message="%(version)s")
@click.pass_context
def llmlog(context: click.Context) -> None:
    """Answers from the log of an application's LLM calls.

    FILE is a log, a glob, a folder, or - for standard input. Colour is for terminals only, and
    not where NO_COLOR is set. A terminal whose locale is not UTF-8, or whose TERM is linux or
    dumb, gets ASCII only, as with LLMLOG_ASCII=1; LLMLOG_ASCII=0 is for all signs.
    """
    context.color = False if os.environ.get("NO_COLOR") else None


for _command in (
    *(stats, slow, find, session, traces, trace, diff, health, tail, sql_, alerts, check),
    *(export, bundle, prune, demo),
):
    llmlog.add_command(_command)


def _for_terminal(stdout: io.TextIOWrapper) -> io.TextIOWrapper:
    """The stream, or one in its place that writes ASCII where the terminal shows nothing else."""
    if not is_ascii_only(os.environ, stdout.encoding, utf8_mode=bool(sys.flags.utf8_mode)):
        return stdout
    from llmlog_tui.glyphs import in_ascii  # noqa: PLC0415 - imports rich

    class InAscii(io.TextIOWrapper):
        def write(self, text: str, /) -> int:
            return super().write(in_ascii(text))

    return InAscii(stdout.detach(), encoding="utf-8", line_buffering=True)


def main() -> int:
    """Run the command; the exit code. An error is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.isatty():
        sys.stdout = _for_terminal(sys.stdout)
    try:
        result = llmlog.main(prog_name="llmlog", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return BAD_INPUT
    except (click.ClickException, SourceError, NoIdError, QueryError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else error
        usage = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See {usage.command_path} --help" if usage else ""
        click.echo(f"llmlog: {inert(str(message))}{hint}", err=True)
        return BAD_INPUT
    except OSError as error:
        click.echo(f"llmlog: cannot write: {error.strerror}", err=True)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    return result if isinstance(result, int) else 0
