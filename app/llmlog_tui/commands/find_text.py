"""`llmlog find --text`: records whose content or error text contains words, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import click

from llmlog_tui.analysis.traces.text_search import Excerpt, TextQuery
from llmlog_tui.commands.find_lines import Found, are_plain, in_plain_files
from llmlog_tui.commands.options import has_window
from llmlog_tui.commands.output import echo_json, echo_texts
from llmlog_tui.commands.text_tables import head, line_of
from llmlog_tui.commands.wrapping import on_terminal
from llmlog_tui.log.sources import unread_parts
from llmlog_tui.sanitize import sanitize


def find_text(words: str, names: Sequence[str], *, as_json: bool, where: str | None) -> bool:
    """Print the records that contain the words, newest first; return whether there are any."""
    try:
        query = TextQuery(words)
    except ValueError as error:
        raise click.UsageError(f"--text: {error}") from error
    if hint := unread_parts(names):
        click.echo(sanitize(hint), err=True)
    found = _found(query, names, where)
    first = next(found, None)
    if first is None:
        return False
    records = chain([first], found)
    if as_json:
        echo_json({**record, **_as_object(excerpt)} for record, excerpt in records)
    else:
        _print(records)
    return True


def _found(query: TextQuery, names: Sequence[str], where: str | None) -> Iterator[Found]:
    if where is None and not has_window() and are_plain(names):
        return in_plain_files(query, names)
    # SQL and whole logs take a quarter of the start.
    from llmlog_tui.commands.find_in_log import find_in_log  # noqa: PLC0415 - as said

    return find_in_log(query, names, where)


def _as_object(excerpt: Excerpt) -> dict[str, str]:
    return {"found_in": excerpt.field, "excerpt": excerpt.text}


def _print(records: Iterable[Found]) -> None:
    click.echo(on_terminal(head()))
    for record, excerpt in records:  # one by one: the next may take a while
        place = sanitize(f"{record['file']}:{record['line']}")
        echo_texts([line_of(record), f"    {place} {excerpt.field}: {sanitize(excerpt.text)}"])
