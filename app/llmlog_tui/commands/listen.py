"""`llmlog listen`: receive OTLP over HTTP, append it to a log."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Final

import click

from llmlog_tui.commands.param_types import OutPath
from llmlog_tui.humanize import plural
from llmlog_tui.listen.receiver import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    ListenError,
    Receiver,
    receiving,
)
from llmlog_tui.listen.record_log import CONTENT_POLICIES, ContentPolicy

SILENT_S: Final = 30
"""Seconds without a request after which the usual reason for that is given."""

_SILENCE: Final = (
    "nothing received yet: many exporters send gRPC to port 4317 unless "
    "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf is set"
)
_MAX_PORT: Final = 65_535


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, _MAX_PORT),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 for any that is free.",
)
@click.option(
    "--host",
    default=DEFAULT_HOST,
    show_default=True,
    help="Address to listen on; one beyond this machine needs --token.",
)
@click.option(
    "--token",
    envvar="LLMLOG_LISTEN_TOKEN",
    help="Take only requests with `Authorization: Bearer TOKEN`; also LLMLOG_LISTEN_TOKEN.",
)
@click.option(
    "--out",
    type=OutPath(dir_okay=False),
    default="calls.jsonl",
    show_default=True,
    help="File to append to.",
)
@click.option(
    "--content",
    type=click.Choice(CONTENT_POLICIES),
    default="none",
    show_default=True,
    help="Policy for prompts, answers, arguments and error texts.",
)
def listen(host: str, port: int, *, token: str | None, out: Path, content: ContentPolicy) -> None:
    """Receive OTLP over HTTP from any instrumented program, append its calls to a log.

    Takes traces and logs, as protobuf or JSON; metrics are ignored. A program sends them here with
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318. A batch is acknowledged once it is written.
    """
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with receiving(out, host=host, port=port, token=token, content=content) as receiver:
            click.echo(f"{receiver.url}: listening, records go to {out}; Ctrl-C ends it", err=True)
            _wait(receiver, ended)
    except ListenError as error:
        raise click.ClickException(f"listen: {error}") from error
    click.echo(f"{out}: {plural(receiver.log.written, 'record')} written", err=True)


def _wait(receiver: Receiver, ended: threading.Event) -> None:
    """Wait for the end; say once why nothing may have come."""
    silent_until = time.monotonic() + SILENT_S
    while not ended.wait(max(0.0, silent_until - time.monotonic())):
        if not receiver.requests:
            click.echo(_SILENCE, err=True)
        ended.wait()
        return
