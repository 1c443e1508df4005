"""The two commands: `llmlog-tui`, the dashboard, and `llmlog`, the headless answers."""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmlog_tui.cli_args import DEFAULT_FILES, parser, print_error
from llmlog_tui.humanize import in_utc
from llmlog_tui.terminal import is_ascii_only

if TYPE_CHECKING:
    from llmlog_tui.config.rules import Rules
    from llmlog_tui.config.settings import Settings
    from llmlog_tui.log.sources import Sources

_EXTRA_TUI = ("textual", "polars", "orjson", "click", "zstandard")
_DEMO_RATE = "6"
_FEW_COLLECTIONS = 100_000
"""Objects from one collection to the next: imports make many, and leave no garbage."""
_OPEN_FILES = 10_000
"""So many files may be open if the system lets them: each part of a log is held open."""
_DEMO_WANTED = -1
"""The dashboard was left because the user would rather see the demo."""


def dashboard(arguments: Sequence[str] | None = None) -> int:
    """Run `llmlog-tui`; the exit code: 0, or 2 for bad usage, a bad file or a missing extra."""
    if not _have("llmlog-tui", _EXTRA_TUI, "tui"):
        return 2
    _prepare()
    options = parser().parse_args(arguments)
    with in_utc() if options.utc else contextlib.nullcontext():
        while (code := _show(options)) == _DEMO_WANTED:
            options.demo = True
    return _ended(code)


def _show(options: argparse.Namespace) -> int:
    """Show the dashboard that the options ask for; what it ended with."""
    from llmlog_tui.config.settings import SettingsError  # noqa: PLC0415 - as above
    from llmlog_tui.log.sources import SourceError, Sources  # noqa: PLC0415 - needs the extra

    if options.demo and not _have("llmlog-tui --demo", ("openai",), "openai"):
        return 2
    with _demo_traffic() if options.demo else contextlib.nullcontext(options.files) as names:
        try:
            sources = Sources(names, must_exist=options.no_follow)
            rules = _rules(options.rules)
            settings = _settings(options.config, ascii_only=options.ascii)
            _check_predicate(options.where)
            stdin = _stdin(sources)
        except (SourceError, SettingsError) as error:
            print_error(str(error), ascii_only=options.ascii)
            return 2
        return _run(sources, stdin, rules, settings, options)


def _rules(path: Path | None) -> Rules | None:
    """The rules of a file, None for the usual ones; raises SettingsError."""
    if path is None:
        return None
    from llmlog_tui.config.rules import RulesError, read_rules  # noqa: PLC0415 - first frame first
    from llmlog_tui.config.settings import SettingsError  # noqa: PLC0415 - as above

    try:
        return read_rules(path)
    except RulesError as error:
        raise SettingsError(str(error)) from None


def _check_predicate(where: str | None) -> None:
    """Raise SettingsError for a --where that has no answer."""
    if where is None:
        return
    from llmlog_tui.analysis.query.sql import predicate_problem  # noqa: PLC0415 - imports polars
    from llmlog_tui.config.settings import SettingsError  # noqa: PLC0415 - needs the extra

    if why := predicate_problem(where):
        raise SettingsError(f"--where: {why}")


def _settings(path: Path | None, *, ascii_only: bool | None) -> Settings:
    """What the user has set; a file that was not named need not be there.

    Whether the screen is `ascii_only` the option says, else the environment and the file.
    """
    from llmlog_tui.config.settings import Settings, read, settings_path  # noqa: PLC0415 - as below

    found = path or settings_path()
    settings = Settings()
    if path or found.exists():
        from llmlog_tui.tui.keys import IDS  # noqa: PLC0415 - needs the extra

        settings = read(found, IDS)
    if ascii_only is None:
        ascii_only = is_ascii_only(
            os.environ,
            sys.stdout.encoding,
            utf8_mode=bool(sys.flags.utf8_mode),
            setting=settings.ascii,
        )
    return replace(settings, ascii=ascii_only)


def _stdin(sources: Sources) -> int | None:
    """The descriptor of the log that `-` is, None without one; keys come from the terminal.

    Raises SourceError where they cannot.
    """
    from llmlog_tui.log.sources import STDIN, SourceError  # noqa: PLC0415 - needs the extra

    is_log = str(STDIN) in sources.names
    is_terminal = sys.__stdin__ is not None and sys.__stdin__.isatty()
    if is_log and is_terminal:
        raise SourceError("-: standard input is the terminal: where is the log?")
    if is_terminal or (not is_log and "TEXTUAL_DRIVER" in os.environ):
        return None  # another driver of Textual's has its own keys, as in a browser
    from llmlog_tui.log.stdin import detach_stdin  # noqa: PLC0415 - not before the first frame

    stdin = detach_stdin() if sys.__stdin__ is not None else None
    if not is_log and (stdin is None or not os.isatty(0)):
        raise SourceError("no terminal to take keys from")
    if stdin is not None and not is_log:
        os.close(stdin)  # or who writes to it waits for a reader for ever
        return None
    return stdin


def _run(
    sources: Sources,
    stdin: int | None,
    rules: Rules | None,
    settings: Settings,
    options: argparse.Namespace,
) -> int:
    from llmlog_tui.config.settings import Memory, memory_path  # noqa: PLC0415 - as above
    from llmlog_tui.tui.app import LogApp  # noqa: PLC0415 - needs the extra

    app = LogApp(
        sources,
        slow_ms=options.slow_ms,
        follow=not options.no_follow,
        last=options.last,
        stdin=stdin,
        trace=options.trace,
        where=options.where,
        rules=rules,
        settings=settings,
        memory=Memory(memory_path()),
        welcome=options.files == DEFAULT_FILES and not options.demo,
    )
    if app.run() == "demo":
        return _DEMO_WANTED
    return app.return_code or 0


def headless() -> int:
    """Run `llmlog`; it exits by itself."""
    if not _have("llmlog", _EXTRA_TUI, "tui"):
        return 2
    _prepare()
    from llmlog_tui.commands import main  # noqa: PLC0415 - needs the extra

    return _ended(main())


def _prepare() -> None:
    """Look for garbage seldom, and let this process have many files open."""
    gc.set_threshold(_FEW_COLLECTIONS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if 0 <= soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _ended(code: int) -> int:
    """The exit code; Python is not to look once more for garbage in all that goes anyway."""
    gc.freeze()
    return code


@contextlib.contextmanager
def _demo_traffic() -> Iterator[list[str]]:
    """A log that `llmlog demo` writes to in another process, for as long as it is looked at."""
    with tempfile.TemporaryDirectory(prefix="llmlog-demo-") as folder:
        out = str(Path(folder, "calls.jsonl"))
        program = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"
        command = [sys.executable, "-c", program, "demo", "--out", out, "--rate", _DEMO_RATE]
        quiet = subprocess.DEVNULL
        demo = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603
        try:
            yield [out]
        finally:
            demo.terminate()
            demo.wait()


def _have(command: str, modules: Sequence[str], extra: str) -> bool:
    """Whether all modules of an extra can be imported; if not, says so in one line."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        print(  # noqa: T201 - the command's voice
            f"{command} needs {', '.join(missing)}: pip install 'llmlog[{extra}]'", file=sys.stderr
        )
    return not missing
