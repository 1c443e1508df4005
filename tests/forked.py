"""Processes forked from one that has imported what they need: a start takes 10 ms, not 400.

What a test gives a process is as usual: its own descriptors, environment, folder and process group,
and the code that an installed script, or the test's own program, runs. Python reads the locale and
its own variables as it starts, so there is one such parent for each set of them and of imports.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

_AT_START: Final = ("ESCDELAY", "LANG", "LC_", "POLARS", "PYTHON", "TEXTUAL")
"""How the names of environment variables begin that Python or an import reads."""
IMPORTED: Final = (
    "genai_prices.data",
    "llmlog_tui.commands.stats",
    "llmlog_tui._dashboard",
    "llmlog_tui.tui.jobs",
    "llmlog_tui.tui.navigation",
    "llmlog_tui.tui.screens.overview",
    "llmlog_tui.tui.workers.analysis",
    "llmlog_tui.tui.workers.log_reader",
)
"""Modules that most processes of llmlog import."""
_ENTRY: Final = "import sys; from llmlog_tui.cli import {0}; sys.exit({0}())"
_MAX_BYTES: Final = 2**20
_POLL_S: Final = 0.002
_STATUS: Final = struct.Struct("i")


class Child:
    """A process that runs an entry point of pyproject.toml, or a program, with these arguments."""

    def __init__(  # noqa: PLR0913 - as subprocess.Popen
        self,
        entry: str = "",
        *arguments: str | Path | bytes,
        stdin: int,
        stdout: int,
        stderr: int,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        is_leader: bool = False,
        program: str = "",
        imported: Sequence[str] = IMPORTED,
    ) -> None:
        environment = dict(os.environ if env is None else env)
        order = {
            "program": program or _ENTRY.format(entry),
            "words": [os.fsdecode(word) for word in arguments],
            "env": environment,
            "cwd": str(cwd or Path.cwd()),
            "is_leader": is_leader,
        }
        self._status, theirs = os.pipe()
        _parent(environment, imported).order(order, (stdin, stdout, stderr, theirs))
        os.close(theirs)
        self.pid: int = _STATUS.unpack(os.read(self._status, _STATUS.size))[0]
        os.set_blocking(self._status, False)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            try:
                ended = os.read(self._status, _STATUS.size)
            except BlockingIOError:
                return None
            os.close(self._status)
            assert ended, "the parent of all processes has ended"
            self.returncode = os.waitstatus_to_exitcode(_STATUS.unpack(ended)[0])
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end; return the exit code."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(_POLL_S)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    entry: str,
    *arguments: str | Path | bytes,
    stdout: int | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run an entry point to its end, with nothing on stdin; return what it printed.

    Into the descriptor `stdout` if there is one.
    """
    return _ended(partial(Child, entry, *arguments, env=env), stdout)


def run_program(
    program: str,
    *arguments: str,
    imported: Sequence[str],
    stdout: int | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program as `python -c` does, as a fork of a process with these modules imported."""
    start = partial(Child, "", *arguments, env=env, program=program, imported=imported)
    return _ended(start, stdout)


def _ended(start: Callable[..., Child], stdout: int | None) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        to = out.fileno() if stdout is None else stdout
        with Path(os.devnull).open("rb") as nothing:
            child = start(stdin=nothing.fileno(), stdout=to, stderr=err.fileno())
            code = child.wait()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess([], code, *texts)


class _Parent:
    """The process that has imported these modules, and forks."""

    def __init__(self, environment: Mapping[str, str], imported: Sequence[str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), *imported],
            pass_fds=[theirs.fileno()],
            env=dict(environment),
            cwd=Path(__file__).parent.parent,
        )
        theirs.close()
        atexit.register(self._end)

    def order(self, order: Mapping[str, object], fds: Sequence[int]) -> None:
        socket.send_fds(self._socket, [json.dumps(order).encode()], fds)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


_Key: TypeAlias = tuple[tuple[str, str], ...]
_parents: dict[tuple[_Key, tuple[str, ...]], _Parent] = {}


def starts_alike(environment: Mapping[str, str]) -> bool:
    """Return whether Python starts in it as it does in the environment of the tests."""
    return _key(environment) == _key(os.environ)


def _key(environment: Mapping[str, str]) -> _Key:
    return tuple(sorted(each for each in environment.items() if each[0].startswith(_AT_START)))


def _parent(environment: Mapping[str, str], imported: Sequence[str]) -> _Parent:
    key = _key(environment), tuple(imported)
    if key not in _parents:
        _parents[key] = _Parent(environment, imported)
    return _parents[key]


_PROGRAM: Final = "import sys; from tests import forked; forked.serve(int(sys.argv[1]))"


def serve(fd: int) -> None:
    """Fork a process for each order, and return there once its program has ended."""
    for name in sys.argv[2:]:
        import_module(name)
    orders = socket.socket(fileno=fd)
    woken, wakes = socket.socketpair()
    os.set_blocking(wakes.fileno(), False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C for the tests, which then end it
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            woken.recv(_MAX_BYTES)
            _report(running)
        if orders not in ready:
            continue
        order, fds, _, _ = socket.recv_fds(orders, _MAX_BYTES, 4)
        if not order:
            return  # the tests have ended
        *streams, status = fds
        if (pid := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for each in (orders, woken, wakes):
                each.close()
            for other in (*running.values(), status):
                os.close(other)
            _run(json.loads(order), streams)
            return
        os.write(status, _STATUS.pack(pid))
        running[pid] = status
        for each_fd in streams:
            os.close(each_fd)


def _report(running: dict[int, int]) -> None:
    """Report the processes that have ended."""
    while running:
        pid, ended = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        status = running.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # a test that did not wait for it
            os.write(status, _STATUS.pack(ended))
        os.close(status)


def _run(order: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Run a program as a process of its own."""
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    if order["is_leader"]:
        os.setpgid(0, 0)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    sys.argv = ["-c", *order["words"]]
    sys.stdin = sys.__stdin__ = _text("rb", 0, sys.stdin)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text("wb", 1, sys.stdout)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text("wb", 2, sys.stderr)  # type: ignore[misc]
    exec(order["program"], vars(import_module("__main__")))  # noqa: S102 - as `python -c`


def _text(mode: str, fd: int, before: TextIO) -> io.TextIOWrapper:
    """Return a standard stream as Python makes it when it starts."""
    stream = open(fd, mode, closefd=False)  # noqa: SIM115 - by its number, for good
    is_line_wise = fd == 2 or (fd == 1 and os.isatty(fd))
    return io.TextIOWrapper(
        stream,
        encoding=before.encoding,
        errors=before.errors,
        newline="\n" if "w" in mode else None,
        line_buffering=is_line_wise,
    )
