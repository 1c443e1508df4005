"""The headless `llmlog`: the same answers as the dashboard's, as text and JSON."""

from __future__ import annotations

import click

from llmlog_tui.commands.alerts import alerts, check
from llmlog_tui.commands.demo import demo
from llmlog_tui.commands.stats import stats
from llmlog_tui.log.sources import SourceError
from llmlog_tui.text import inert

BAD_INPUT = 2
"""Exit code for what cannot be used: a file, an option, a missing extra."""

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="llmlog", message="%(version)s")
def llmlog() -> None:
    """Answers from the log of an application's LLM calls."""


llmlog.add_command(stats)
llmlog.add_command(alerts)
llmlog.add_command(check)
llmlog.add_command(demo)


def main() -> int:
    """Run the command; the exit code. An error is one line on stderr."""
    try:
        result = llmlog.main(prog_name="llmlog", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return BAD_INPUT
    except (click.ClickException, SourceError) as error:
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
