"""Command line of `llmlog-tui`: its options, and its errors on stderr."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

import llmlog_tui
from llmlog_tui.glyphs import in_ascii
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import DEFAULT_LOG
from llmlog_tui.sanitize import sanitize
from llmlog_tui.terminal import takes_ascii_only

DEFAULT_FILES: Final = [DEFAULT_LOG]
_OTLP_PORT: Final = 4318
_WEB_PORT: Final = 8765
_MAX_PORT: Final = 65_535


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the error as one line; exit with 2."""
        print_error(f"{message}. See llmlog-tui --help")
        self.exit(2)


def print_error(what: str, *, ascii_only: bool | None = None) -> None:
    """Print one line on stderr, in ASCII if asked or if the terminal needs it."""
    if not sys.stderr:
        return  # print() would fall back to stdout
    line = sanitize(f"llmlog-tui: {what}")
    if ascii_only is None:
        ascii_only = takes_ascii_only(sys.stderr)
    print(in_ascii(line) if ascii_only else line, file=sys.stderr)  # noqa: T201 - the command's own error


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print the version and exit."""
        print(llmlog_tui.__version__)  # noqa: T201 - data, on stdout
        parser.exit()


def _window(text: str) -> Retention:
    try:
        return Retention.of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _milliseconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: not a number of milliseconds, 0 or more")
    return number


def _port(option: str) -> Callable[[str], int]:
    """Return the parser of a port that may be left out."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) <= _MAX_PORT):
            hint = f"name the log first: llmlog-tui calls.jsonl {option}"
            raise argparse.ArgumentTypeError(f"{text}: not a port; {hint}")
        return int(text)

    return parse


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; it exits with 2 on bad usage."""
    options = _Parser(
        prog="llmlog-tui", description="Follow the log of an application's LLM calls."
    )
    options.add_argument("--version", action=_Version, nargs=0, help="print the version")
    options.add_argument(
        "files", nargs="*", default=DEFAULT_FILES, metavar="FILE|GLOB|FOLDER|URL|-"
    )
    options.add_argument(
        "--slow-ms",
        type=_milliseconds,
        default=500.0,
        metavar="MS",
        help="a call is slow if it took longer (default 500)",
    )
    options.add_argument(
        "--last",
        type=_window,
        metavar="N|24h",
        help="keep only the last N records, or the 24 hours before the newest record",
    )
    options.add_argument(
        "--rules", type=Path, metavar="FILE", help="TOML: alert rules, prices, and notifications"
    )
    options.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="TOML: theme, bell, keys, row styles, ascii",
    )
    options.add_argument(
        "--ascii",
        action=argparse.BooleanOptionalAction,
        help="show ASCII only, or not; default: LLMLOG_ASCII=1 or 0, else ASCII where the locale "
        "is not UTF-8 or TERM is linux or dumb",
    )
    options.add_argument("--where", metavar="SQL", help="show only the calls that match")
    options.add_argument("--trace", metavar="ID", type=str.strip, help="select this trace")
    options.add_argument("--utc", action="store_true", help="show times in UTC, not local time")
    options.add_argument(
        "--listen",
        nargs="?",
        type=_port("--listen"),
        const=_OTLP_PORT,
        metavar="PORT",
        help=f"receive OTLP over HTTP into FILE, and show it (port {_OTLP_PORT})",
    )
    options.add_argument(
        "--web",
        nargs="?",
        type=_port("--web"),
        const=_WEB_PORT,
        metavar="PORT",
        help=f"show it in browsers of this machine, at the URL that is printed (port {_WEB_PORT})",
    )
    options.add_argument(
        "--metrics-url",
        action="append",
        default=[],
        metavar="URL",
        help="poll the Prometheus metrics of this inference server, and show them; may be repeated",
    )
    options.add_argument(
        "--no-keep-metrics",
        action="store_true",
        help="do not keep these metrics in a file beside the log (calls.jsonl.metrics)",
    )
    options.add_argument(
        "--agents",
        action="store_true",
        help="show the sessions of Claude Code, Codex and Gemini CLI on this machine",
    )
    options.add_argument(
        "--demo", action="store_true", help="show the live traffic of a simulated agent"
    )
    options.add_argument("--no-follow", action="store_true", help="read once, do not follow")
    options.add_argument(
        "--no-cache", action="store_true", help="parse a big log in full, and cache nothing"
    )
    options.add_argument(
        "--ca",
        type=Path,
        metavar="FILE",
        help="certificate of the authority behind that of a clickhouses:// server",
    )
    options.add_argument(
        "--insecure",
        action="store_true",
        help="send CLICKHOUSE_PASSWORD to another machine without TLS",
    )
    return options


def actions(options: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the options and arguments of a parser, in the order of its help."""
    return options._actions  # noqa: SLF001 - argparse has no public list of them
