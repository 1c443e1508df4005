"""`llmlog find`: records by an id from a ticket, a screen or another log."""

from __future__ import annotations

from typing import Final

import click

from llmlog_tui.commands.find_text import find_text
from llmlog_tui.commands.options import (
    complete_file,
    default_log,
    json_option,
    last_option,
    utc_option,
    where_option,
)
from llmlog_tui.sanitize import sanitize

NOT_FOUND: Final = 1
"""Exit code without a match, as grep has it."""


@click.command()
@click.argument("names", nargs=-1, metavar="[ID] [LOG]...", shell_complete=complete_file)
@click.option(
    "--text",
    "words",
    metavar="WORDS",
    help="Instead of an ID: words in this order, in any case, in content or error texts.",
)
@json_option
@where_option
@last_option
@utc_option
@click.pass_context
def find(
    context: click.Context,
    names: tuple[str, ...],
    *,
    words: str | None,
    as_json: bool,
    where: str | None,
) -> int:
    """Find records by an id, or by --text.

    ID is an id, request_id, trace_id, session_id, span_id or tool_call_id, or its first 6
    characters or more. A single record is shown with all its fields, the
    breakdown of its latency, and why it was slow or cut off; several as a list. Without a match it
    exits with 1. JSON columns: the record's fields (null where unknown), then file, line, format.

    --text scans the files' own bytes and lists matches as they are found, newest first; JSON has
    found_in (a field) and excerpt, too.
    """
    if words is not None:
        files = default_log(context, names)
        return 0 if find_text(words, files, as_json=as_json, where=where) else _no_text(words)
    if not names:
        raise click.UsageError("Missing argument 'ID'.")
    from llmlog_tui.commands.find_id import find_id  # noqa: PLC0415 - --text starts without it

    files = default_log(context, names[1:])
    return 0 if find_id(names[0].strip(), files, as_json=as_json, where=where) else NOT_FOUND


def _no_text(words: str) -> int:
    message = (
        f"no content and no error text contains {words}; prompts and answers may not be logged"
    )
    click.echo(f"llmlog: {sanitize(message)}", err=True)
    return NOT_FOUND
