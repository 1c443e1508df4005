"""What commands print and write: text, JSON, lines of a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click
import orjson
import polars as pl

from llmlog_tui import humanize
from llmlog_tui.commands.wrapping import on_terminal
from llmlog_tui.errors import reason
from llmlog_tui.log.outputs import output_problem
from llmlog_tui.log.schema import restore_integers
from llmlog_tui.private_file import replacing
from llmlog_tui.sanitize import encodable


def check_output(out: Path, names: Sequence[str]) -> None:
    """Raise ClickException for a file that would be read as a part of the logs."""
    if problem := output_problem(out, names):
        raise click.ClickException(f"{out}: {problem}")


def write_text(out: Path, text: str, logs: Iterable[Path]) -> None:
    """Write a private file, complete or not at all, and never over a log."""
    try:
        with replacing(out, logs) as file:
            file.write(text.encode())
    except OSError as error:
        raise click.ClickException(f"{out}: {reason(error)}") from error


_BATCH_LINES: Final = 1_000
"""Lines per write to stdout."""


def echo_texts(lines: Iterable[str]) -> None:
    """Write lines of text to stdout in batches, with colour on terminals only."""
    remaining = iter(lines)
    while batch := list(islice(remaining, _BATCH_LINES)):
        click.echo("\n".join(map(on_terminal, batch)))


def echo_lines(lines: Iterable[bytes]) -> None:
    """Write raw lines to stdout in batches."""
    remaining = iter(lines)
    while batch := list(islice(remaining, _BATCH_LINES)):
        click.echo(b"".join(line + b"\n" for line in batch), nl=False)


def echo_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line to stdout; times as RFC 3339."""
    echo_lines(map(to_json, rows))


def echo_records(frame: pl.DataFrame) -> None:
    """Write one JSON object per record of OpenLog.placed() to stdout."""
    echo_json(restore_integers(frame).iter_rows(named=True))


def to_json(row: Mapping[str, Any]) -> bytes:
    """Return an object as JSON; times as RFC 3339, other types as text.

    Half a surrogate pair is U+FFFD.
    """
    option = orjson.OPT_PASSTHROUGH_DATETIME
    try:
        return orjson.dumps(row, default=_plain_value, option=option)
    except TypeError:
        return orjson.dumps(_encodable(row), default=_plain_value, option=option)


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value


def _plain_value(value: object) -> str | None:
    if isinstance(value, datetime):
        return humanize.rfc3339(value if value.tzinfo else value.replace(tzinfo=UTC))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
