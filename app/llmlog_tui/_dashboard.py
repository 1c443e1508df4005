"""Run the dashboard: options, settings, rules, standard input, and the demo's traffic."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmlog_tui import config, listen, server
from llmlog_tui.agent_folders import agent_folders
from llmlog_tui.cli_args import DEFAULT_FILES, print_error
from llmlog_tui.clickhouse.url import connecting
from llmlog_tui.config.settings import (
    Memory,
    Settings,
    SettingsError,
    crash_path,
    filters_path,
    memory_path,
    settings_path,
)
from llmlog_tui.errors import UserError
from llmlog_tui.extras import has_extra
from llmlog_tui.humanize import in_utc
from llmlog_tui.log.cache_folder import without_cache
from llmlog_tui.log.sources import STDIN, SourceError, Sources, url_of
from llmlog_tui.terminal import detach_stdin, is_ascii_only
from llmlog_tui.tui import keys, workers
from llmlog_tui.tui.app import LogApp
from llmlog_tui.web import VIEWER

if TYPE_CHECKING:
    from llmlog_tui.config.rules import Rules
    from llmlog_tui.server.endpoint import Endpoint

_DEMO_RATE: Final = "6"
_SHOW_DEMO: Final = -1
"""Exit code of a dashboard that was left for the demo."""


def main(options: argparse.Namespace, arguments: Sequence[str] | None) -> int:
    """Run `llmlog-tui` with the options parsed from `arguments`; return its exit code.

    Without arguments they are those of the process.
    """
    with connecting(ca=options.ca, insecure=options.insecure):
        if options.web is not None and VIEWER not in os.environ:
            return _serve(options, sys.argv[1:] if arguments is None else arguments)
        with in_utc() if options.utc else contextlib.nullcontext():
            while (code := _show(options)) == _SHOW_DEMO:
                options.demo = True
        return code


def _serve(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Serve the dashboard to browsers until Ctrl-C; return the exit code."""
    if not has_extra("llmlog-tui --web", ("textual_serve",), "web"):
        return 2
    from llmlog_tui.web.server import serve  # noqa: PLC0415 - needs the extra

    def announce(url: str) -> None:
        print(url, flush=True)  # noqa: T201 - data, on stdout
        print("Whoever has this URL sees the log. Ctrl-C ends it.", file=sys.stderr)  # noqa: T201

    try:
        _check_served(options)
        serve(arguments, "llmlog", options.web, announce)
    except (UserError, SettingsError) as error:
        print_error(str(error), ascii_only=options.ascii)
        return 2
    return 0


def _check_served(options: argparse.Namespace) -> None:
    """Raise UserError or SettingsError for what each viewer's dashboard would fail with."""
    if options.listen is not None:
        raise SettingsError("--web: cannot --listen, too; run llmlog listen beside it")
    if str(STDIN) in options.files:
        raise SettingsError("--web: standard input can be read once only; name a file")
    _endpoints(options.metrics_url)
    if not options.demo:
        names = _agent_sessions() if options.agents else options.files
        Sources(names, must_exist=options.no_follow)
    if options.rules is not None:
        _rules(options.rules)
    _settings(options.config, ascii_only=options.ascii)
    _check_predicate(options.where)


def _agent_sessions() -> list[str]:
    """Return the folders of coding agents' sessions; raises SourceError without any."""
    folders = agent_folders(Path.home(), os.environ)
    if not folders:
        raise SourceError("--agents: no sessions of Claude Code, Codex or Gemini CLI found")
    return [str(folder) for folder in folders]


def _show(options: argparse.Namespace) -> int:
    """Show the dashboard for these options; return its exit code."""
    if options.demo and not has_extra("llmlog-tui --demo", ("openai",), "openai"):
        return 2
    has_parser = ("prometheus_client",)
    if options.metrics_url and not has_extra("llmlog-tui --metrics-url", has_parser, "server"):
        return 2
    try:
        endpoints = _endpoints(options.metrics_url)
        with contextlib.ExitStack() as resources:
            names = resources.enter_context(_demo_traffic()) if options.demo else options.files
            if options.no_cache:
                resources.enter_context(without_cache())
            if options.agents:
                names = _agent_sessions()
            if options.listen is not None:
                resources.enter_context(_received(names, options))
            sources = Sources(names, must_exist=options.no_follow)
            rules = None if options.rules is None else _rules(options.rules)
            settings = _settings(options.config, ascii_only=options.ascii)
            _check_predicate(options.where)
            app = _app(sources, _stdin(sources), rules, settings, options, endpoints)
            return _run(app)
    except (SourceError, SettingsError) as error:
        print_error(str(error), ascii_only=options.ascii)
        return 2


def _rules(path: Path) -> Rules:
    """Read a file of rules. Raises SettingsError."""
    try:
        return config.rules.read_rules(path)
    except config.rules.RulesError as error:
        raise SettingsError(str(error)) from None


# Behind the lazy boundary: without a predicate, the first frame does not wait for polars.


def _row_problem(where: str) -> str:
    return workers.analysis.row_problem(where)


def _check_predicate(where: str | None) -> None:
    if where is not None and (why := workers.analysis.predicate_problem(where)):
        raise SettingsError(f"--where: {why}")


def _settings(path: Path | None, *, ascii_only: bool | None) -> Settings:
    """Read the user's settings; only a file given by `path` has to exist.

    Whether the screen is ASCII follows from the option, else from environment and file.
    """
    found = path or settings_path()
    settings = Settings()
    if path or found.exists():
        settings = config.settings_file.read_settings(found, keys.registry.IDS, _row_problem)
    if ascii_only is None:
        ascii_only = is_ascii_only(
            os.environ,
            sys.stdout.encoding,
            utf8_mode=bool(sys.flags.utf8_mode),
            setting=settings.ascii,
        )
    return replace(settings, ascii=ascii_only)


def _stdin(sources: Sources) -> int | None:
    """Return the descriptor of the log `-`, None without one; keys come from the terminal.

    Raises SourceError if there is no terminal to read keys from.
    """
    is_log = str(STDIN) in sources.names
    is_terminal = sys.__stdin__ is not None and sys.__stdin__.isatty()
    if is_log and is_terminal:
        raise SourceError("-: standard input is the terminal: where is the log?")
    if is_terminal or (not is_log and "TEXTUAL_DRIVER" in os.environ):
        return None  # another driver of Textual's reads its own keys, as in a browser
    stdin = detach_stdin() if sys.__stdin__ is not None else None
    if not is_log and (stdin is None or not os.isatty(0)):
        raise SourceError("no terminal to take keys from")
    if stdin is not None and not is_log:
        os.close(stdin)  # or a process writing to it would block for ever
        return None
    return stdin


def _endpoints(urls: Sequence[str]) -> list[Endpoint]:
    """Return the endpoints to poll. Raises SettingsError."""
    try:
        return [server.endpoint.Endpoint.of(url) for url in urls]
    except server.endpoint.EndpointError as error:
        raise SettingsError(f"--metrics-url: {error}") from None


def _app(  # noqa: PLR0913, PLR0917 - each is read from the options in its own way
    sources: Sources,
    stdin: int | None,
    rules: Rules | None,
    settings: Settings,
    options: argparse.Namespace,
    endpoints: Sequence[Endpoint],
) -> LogApp:
    return LogApp(
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
        filters_file=filters_path(),
        crash_file=crash_path(),
        welcome=options.files == DEFAULT_FILES and not options.demo and options.listen is None,
        metrics=endpoints,
        keep_metrics=not options.no_keep_metrics,
    )


def _run(app: LogApp) -> int:
    _ask_terminal_for_size()
    return _SHOW_DEMO if app.run() == "demo" else app.return_code or 0


@contextlib.contextmanager
def _demo_traffic() -> Iterator[list[str]]:
    """Run `llmlog demo` in another process, and yield the log that it writes."""
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


@contextlib.contextmanager
def _received(names: Sequence[str], options: argparse.Namespace) -> Iterator[None]:
    """Receive OTLP into the one log that is shown. Raises SettingsError."""
    if options.no_follow or len(names) != 1 or not _is_file_name(names[0]):
        raise SettingsError("--listen: appends to one FILE, and follows it")
    try:
        with listen.receiver.receiving(Path(names[0]), port=options.listen):
            yield
    except listen.receiver.ListenError as error:
        raise SettingsError(f"--listen: {error}") from None


def _is_file_name(name: str) -> bool:
    """Return whether a log is one file, which may not exist yet."""
    is_table = url_of(Path(name)) is not None
    return name != "-" and not is_table and not has_magic(name) and not Path(name).is_dir()


def _ask_terminal_for_size() -> None:
    """Drop the exported size of the terminal, which Textual would prefer to the actual one."""
    if sys.stdout.isatty():  # without a terminal, the environment knows more
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
