"""The options of `llmlog-tui`, and its voice."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from llmlog_tui.sanitize import sanitize
from llmlog_tui.terminal import takes_ascii_only

if TYPE_CHECKING:
    from llmlog_tui.log.retention import Retention

DEFAULT_FILES: Final = ["calls.jsonl"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, exit 2."""
        print_error(f"{message}. See llmlog-tui --help")
        self.exit(2)


def print_error(what: str, *, ascii_only: bool | None = None) -> None:
    """One line on stderr, if that is open; in ASCII where its terminal has no more, or if said."""
    from llmlog_tui.glyphs import in_ascii  # noqa: PLC0415 - imports rich

    if not sys.stderr:
        return  # print() would take stdout
    line = sanitize(f"llmlog-tui: {what}")
    if ascii_only is None:
        ascii_only = takes_ascii_only(sys.stderr)
    print(in_ascii(line) if ascii_only else line, file=sys.stderr)  # noqa: T201 - its voice


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Say it; what finds it out takes longer to import than all else that is needed here."""
        from importlib.metadata import version  # noqa: PLC0415 - as said above

        print(version("llmlog"))  # noqa: T201 - what was asked for
        parser.exit()


def _window(text: str) -> Retention:
    from llmlog_tui.log.retention import Retention  # noqa: PLC0415 - needs the extra

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
        raise argparse.ArgumentTypeError(f"{text}: no number of milliseconds from 0 on")
    return number


def parser() -> argparse.ArgumentParser:
    """What reads the command line; it exits with 2 where that makes no sense."""
    options = _Parser(
        prog="llmlog-tui", description="Follow the log of an application's LLM calls."
    )
    options.add_argument("--version", action=_Version, nargs=0, help="say which one this is")
    options.add_argument("files", nargs="*", default=DEFAULT_FILES, metavar="FILE|GLOB|FOLDER|-")
    options.add_argument(
        "--slow-ms",
        type=_milliseconds,
        default=500.0,
        metavar="MS",
        help="a call is slow if it took longer (default 500)",
    )
    options.add_argument(
        "--last", type=_window, metavar="N|24h", help="keep only so many records, or so long a time"
    )
    options.add_argument(
        "--rules", type=Path, metavar="FILE", help="TOML: what is watched for, and whom to tell"
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
        help="show ASCII only, or not; by default where the locale is not UTF-8 or TERM is linux "
        "or dumb, or as LLMLOG_ASCII=1 or 0 says",
    )
    options.add_argument("--where", metavar="SQL", help="show only the calls for which this holds")
    options.add_argument("--trace", metavar="ID", help="select this trace")
    options.add_argument("--utc", action="store_true", help="show times in UTC, not local time")
    options.add_argument("--demo", action="store_true", help="show the live log of a made-up agent")
    options.add_argument("--no-follow", action="store_true", help="read once and stop there")
    return options
