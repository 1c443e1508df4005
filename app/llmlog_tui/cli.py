"""Entry points: `llmlog-tui`, the dashboard, and `llmlog`, the headless commands.

Neither imports anything of its extra before that was checked: an error names what to install.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from llmlog_tui.extras import has_extra

if sys.platform != "win32":
    import resource

_EXTRA_TUI = ("textual", "polars", "orjson", "click", "zstandard")
_GC_THRESHOLD = 100_000
"""Allocations between two collections: imports make many objects, and no garbage."""
_COMPLETION = "_LLMLOG_TUI_COMPLETE"
"""Environment variable by which a shell asks for completions of `llmlog-tui`."""
_OPEN_FILES = 10_000
"""Maximum number of open files: each part of a log is kept open."""


def dashboard(arguments: Sequence[str] | None = None) -> int:
    """Run `llmlog-tui`; return 2 for bad usage, a bad file or a missing extra."""
    if not _runs_here("llmlog-tui") or not has_extra("llmlog-tui", _EXTRA_TUI, "tui"):
        return 2
    if _COMPLETION in os.environ:
        return _run("shell_completion", _COMPLETION)
    # Before textual is imported: --version, --help and a wrong option do not wait for it.
    options = import_module("llmlog_tui.cli_args").parser().parse_args(arguments)
    _prepare()
    return _ended(_run("_dashboard", options, arguments))


def headless() -> int:
    """Run `llmlog`; return its exit code."""
    if not _runs_here("llmlog") or not has_extra("llmlog", _EXTRA_TUI, "tui"):
        return 2
    _prepare()
    return _ended(_run("commands"))


def _run(module: str, *arguments: object) -> int:
    """Import a module of this package, and return the exit code of its main()."""
    code: int = import_module(f"llmlog_tui.{module}").main(*arguments)
    return code


def _runs_here(command: str) -> bool:
    """Return whether the platform has what a log is followed with; if not, say so."""
    if sys.platform != "win32":
        return True
    # Reading at an offset and locks are POSIX calls. Capture has its own way without them.
    print(f"{command} needs Linux or macOS; on Windows, run it in WSL", file=sys.stderr)  # noqa: T201 - the command's voice
    return False


def _prepare() -> None:
    """Collect garbage rarely, and raise the limit of open files."""
    gc.set_threshold(_GC_THRESHOLD)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if 0 <= soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _ended(code: int) -> int:
    gc.freeze()  # no last collection over objects that end with the process
    _drop_unwritten()
    return code


def _drop_unwritten() -> None:
    """Drop output that cannot be written any more, as of a full disk."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError:
            # The interpreter would try again, report that in two lines, and exit with 120.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
