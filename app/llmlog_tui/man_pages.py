"""Manual pages of both commands, from their --help: `python -m llmlog_tui.man_pages app/man`."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click

from llmlog_tui.cli_args import actions, parser
from llmlog_tui.commands import llmlog

Entry = tuple[str, str]
"""An option or an argument, and its help."""

_EXIT_CODES: Final = (
    ("0", "Success; for check: no alert."),
    ("1", "check: an alert fired, or calls are missing; find: no match."),
    ("2", "Unusable file, id, query or option, or a missing extra, named in one line on stderr."),
    ("130", "Ctrl-C."),
)
_FILES: Final = (
    ("calls.jsonl", "The log, if none is named."),
    ("$XDG_CONFIG_HOME/llmlog/config.toml", "Settings of the dashboard."),
)


def pages() -> dict[str, str]:
    """Return the pages by file name, in roff."""
    return {"llmlog.1": _headless_page(), "llmlog-tui.1": _dashboard_page()}


def _dashboard_page() -> str:
    options = parser()
    lines = [
        *_head(options.prog, options.description or ""),
        *_synopsis(options.prog, "[options] [FILE|GLOB|FOLDER|URL|-]..."),
        *_section("OPTIONS"),
        *_entries(
            (_invocation(each), each.help or "") for each in actions(options) if each.option_strings
        ),
        *_section("FILES"),
        *_entries(_FILES),
        *_see_also("llmlog"),
    ]
    return "\n".join(lines) + "\n"


def _invocation(action: argparse.Action) -> str:
    """Return how an option is written, with its argument."""
    names = ", ".join(action.option_strings)
    if action.nargs == 0 or not action.metavar:
        return names
    return f"{names} [{action.metavar}]" if action.nargs == "?" else f"{names} {action.metavar}"


def _headless_page() -> str:
    context = click.Context(llmlog, info_name="llmlog", **llmlog.context_settings)
    summary, _, rest = inspect.cleandoc(llmlog.help or "").partition("\n\n")
    lines = [
        *_head("llmlog", summary),
        *_synopsis("llmlog", "COMMAND [options] [LOG]..."),
        *_section("DESCRIPTION"),
        *_paragraphs(rest),
        *_section("COMMANDS"),
    ]
    for name in llmlog.list_commands(context):
        command = llmlog.get_command(context, name)
        if command is not None:
            lines += _command(name, command, context)
    lines += [*_section("EXIT STATUS"), *_entries(_EXIT_CODES), *_see_also("llmlog-tui")]
    return "\n".join(lines) + "\n"


def _command(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    """Yield the subsection of one command: its usage, its help, its options."""
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    yield f'.SS "{_escaped(usage)}"'
    yield from _paragraphs(inspect.cleandoc(command.help or ""))
    options = (each for each in command.get_params(context) if isinstance(each, click.Option))
    records = (option.get_help_record(context) for option in options)
    yield from _entries(record for record in records if record is not None)


def _head(name: str, summary: str) -> Iterator[str]:
    yield f'.TH "{_escaped(name.upper())}" "1" "" "llmlog" "User Commands"'
    yield from _section("NAME")
    yield f"{_escaped(name)} \\- {_escaped(summary.rstrip('.'))}"


def _synopsis(name: str, usage: str) -> Iterator[str]:
    yield from _section("SYNOPSIS")
    yield f"\\fB{_escaped(name)}\\fR {_escaped(usage)}"


def _see_also(name: str) -> Iterator[str]:
    yield from _section("SEE ALSO")
    yield f"\\fB{_escaped(name)}\\fR(1)"


def _section(title: str) -> Iterator[str]:
    yield f'.SH "{title}"'


def _entries(entries: Iterable[Entry]) -> Iterator[str]:
    for name, text in entries:
        yield ".TP"
        yield f"\\fB{_escaped(name)}\\fR"
        yield _escaped(" ".join(text.split()))


def _paragraphs(text: str) -> Iterator[str]:
    r"""Yield paragraphs; where click has a \b, lines are kept."""
    for paragraph in text.split("\n\n"):
        yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(_escaped, paragraph.splitlines()[1:]), ".fi")
        else:
            yield _escaped(" ".join(paragraph.split()))


def _escaped(text: str) -> str:
    """Return text that roff takes as it is: no escapes, no requests, hyphens to copy."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main(folder: str) -> None:
    for name, page in pages().items():
        Path(folder, name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
