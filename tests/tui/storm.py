"""A storm: random keys, clicks, pastes and resizes, while the log is mistreated; by a seed.

`python -m tests.tui.storm SEEDS EVENTS` runs one storm per seed: `1-20 2000`.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.tui.terminal import Terminal, plain

PROGRAM: Final = """
import faulthandler, os, signal, sys
from llmlog_tui.cli import dashboard
from llmlog_tui.tui.runtime.key_queue import KeyQueue
from llmlog_tui.tui.workers import reader

def tell(file, number):
    with open(file + ".tmp", "w") as new:
        new.write(str(number))
    os.replace(file + ".tmp", file)

post = reader.ReaderWorker._post_progress

def post_and_tell(worker, log, state, *, has_news):
    tell("seen", log.records)
    return post(worker, log, state, has_news=has_news)

def begin_and_tell(queue, app, dispatch, begin=KeyQueue.__init__):
    marks = 0

    async def dispatch_or_tell(event):
        nonlocal marks
        if getattr(event, "key", "").endswith("f12"):
            marks += 1
            tell("marks", marks)
        else:
            await dispatch(event)

    begin(queue, app, dispatch_or_tell)

KeyQueue.__init__ = begin_and_tell
reader.ReaderWorker._post_progress = post_and_tell
faulthandler.register(signal.SIGUSR1, open("stacks", "w"))
sys.exit(dashboard())
"""
"""The dashboard, and the files `seen`, the number of records read so far, and `marks`.

F12 is a mark: keys are handled in order, so all before it were handled when it is counted.

SIGUSR1 makes it write the stacks of its threads to the file `stacks`.
"""

_SPECIAL: Final = (
    *("\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F"),
    *("\x1b[1;5A", "\x1b[1;5B", "\x1b[1;5C", "\x1b[1;5D", "\x1b[1;2A", "\x1b[1;2B"),
    *("\r", "\x1b\x1b", "\t", "\x1b[Z", "\x7f", "\x1b[3~", "\x1bOP", "\x1b[15~"),
    *("\x10", "\x12", "\x15", "\x04", "\x01", "\x0b", "\x18", "\x06", "\x0e"),
)
"""Arrows, pages, Enter, Esc, Tab, Del, F1, F5, and Ctrl with a letter; none of them quits."""

_LETTERS: Final = "hjklgGwWeEnNmuUbBdsSfvtyrzxXioHL0cCMaTp123456<>=-'[]:?/ +^~#!$"
_SCRIPTS: Final = (
    *("2e<1", "2f", "1\r ", "1\r<>", "3\r<", "4\r<", "4b", "4a", ":", "\x10\x1b[5~", "\x10\x1b[6~"),
    *("?\x1b[F", "ymy", "/trace\r", "/error\rn", "fstatus = 'error'\r", "flatency_ms > 200\r"),
    *("fmodel like 'm%'\r", "f(\r", ":3\r", ":x\r", "dGd", "5\x12", "5select 1\x12", "mm'", "'n"),
    *("Sx \r", "ss", "z\x1b", "xX", "bB", "\r\r", " \x1b[F", "yL", "yt", "2\rv", "/\x1b", "f\x1b"),
)
"""Sequences typed at once: views, jumps, searches, filters, dialogs."""

_PASTES: Final = ("trace-1", "id-3", "x" * 3_000, "a\nb\nc", "\x07\u202e é\u0301", "' or 1=1 --")
_SIZES: Final = ((20, 5), (300, 100), (80, 24), (160, 50), (40, 12), (99, 29), (100, 30))
_ANY_SIZE: Final = ((20, 300), (5, 100))

_SHOWN_SIZE: Final = (160, 50)
_COUNTS: Final = re.compile(rb"([\d,]+) calls?\s+([\d,]+) traces?")
_PATIENCE_SECONDS: Final = 120.0
_STACKS_SECONDS: Final = 5.0
_ATTEMPTS: Final = 8
_MARK: Final = "\x1b[24~"
_MARK_AGAIN_SECONDS: Final = 20.0
"""Seconds until a mark is repeated, which was read together with an Esc before it."""

_MAX_AHEAD: Final = 40
"""Maximum events sent ahead of the ones handled."""

_QUIT_SECONDS: Final = 2.0
"""Maximum seconds from `q` to the end, where nothing else runs."""

_MEASURED_CPU_SECONDS: Final = 0.1


@dataclass
class Log:
    """A log at a path that is treated as no log should be; every line of it is unlike the others.

    `seen` returns the number of records that the dashboard has read.
    """

    path: Path
    random: random.Random
    seen: Callable[[], int]
    wait: Callable[[Callable[[], bool], str], None]
    lines: list[bytes] = field(default_factory=list)
    """All lines that can be read, those of earlier files, too."""
    records: int = 0
    is_opened: bool = False
    """Whether the dashboard has read of the file at the path: it reads that to its end."""

    def mistreat(self) -> None:
        """Do something to it."""
        chosen = self.random.choices(
            (self.append, self.rotate, self.truncate, self.replace, self.delete, self.fold),
            (20, 1, 1, 1, 1, 1),
        )
        chosen[0]()

    def append(self) -> None:
        if self.path.is_dir():
            self.path.rmdir()
        with self.path.open("ab", buffering=0) as file:
            for _ in range(self.random.randint(1, 12)):
                line = self._line()
                cut = self.random.randint(1, len(line) - 1)  # a line in two writes
                file.write(line[:cut])
                file.write(line[cut:])
            if self.random.random() < 0.1:
                file.write(self.random.choice((b"\n", b"{\n", b"\xff\x00\n", b"[1]\n")))

    def rotate(self) -> None:
        self._settle()
        if self.path.is_file():
            self.path.replace(self.path.with_suffix(".1"))
        self.is_opened = False

    def truncate(self) -> None:
        self._settle()
        if self.path.is_file():
            os.truncate(self.path, 0)
        self._add(self._line())

    def replace(self) -> None:
        self._settle()
        new = self.path.with_suffix(".new")
        new.write_bytes(b"".join(self._line() for _ in range(self.random.randint(1, 5))))
        if self.path.is_dir():
            self.path.rmdir()
        new.replace(self.path)

    def delete(self) -> None:
        self._settle()
        if self.path.is_file():
            self.path.unlink()

    def fold(self) -> None:
        """Make it a folder."""
        self.delete()
        self.path.mkdir(exist_ok=True)

    def _settle(self) -> None:
        """Wait until all is read: lines are lost to any reader that was not there in time."""
        self.wait(lambda: self.seen() >= self.records, f"{self.records} records read")

    def _add(self, line: bytes) -> None:
        if self.path.is_dir():
            self.path.rmdir()
        with self.path.open("ab", buffering=0) as file:
            file.write(line)

    def _line(self) -> bytes:
        n, any_of = self.records, self.random
        event = any_of.choices(("chat_completion", "tool", "embedding", "span"), (8, 2, 1, 1))[0]
        is_error = any_of.random() < 0.1
        line = {
            "ts": f"2026-11-23T{9 + n // 3600 % 12:02}:{n // 60 % 60:02}:{n % 60:02}Z",
            "event": event,
            "session_id": f"s-{n // 40}",
            "trace_id": None if any_of.random() < 0.05 else f"trace-{n // any_of.randint(3, 9)}",
            "span_id": f"span-{n}",
            "step": n % 7,
            "id": f"id-{n}",
            "status": "error" if is_error else "ok",
            "error_type": "RateLimitError" if is_error else None,
            "latency_ms": any_of.choice((None, 5, 100, 400, 900, 20_000)),
            "model": any_of.choice(("m", "gpt-5", "モデル", "\x1b[31mred", None)),
            "finish_reason": any_of.choice(("stop", "length", None)),
            "prompt_tokens": any_of.choice((None, 10, 1_000)),
            "completion_tokens": any_of.choice((None, 0, 50)),
            "retries": any_of.choice((0, 0, 2, None)),
            "system_fingerprint": f"fp-{n // 200}",
        }
        self.records += 1
        found = json.dumps(line).encode() + b"\n"
        self.lines.append(found)
        return found


@dataclass(frozen=True)
class Outcome:
    """What a storm left behind; `crashes` are the reports in the dashboard's own file."""

    exit_code: int
    crashes: str
    screen: str
    shown: tuple[int, int]
    counted: tuple[int, int]
    modes: frozenset[str]
    line_is_as_before: bool
    left_over: tuple[str, ...]
    quit_s: float
    slowness: float
    """Seconds that a second of processor time took, at the same time: at least 1."""
    stacks: str
    """Where the threads were while it took long to quit."""

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it should be."""
        checks = {
            f"exit code {self.exit_code}": self.exit_code == 0,
            f"crashes:\n{self.crashes}": not self.crashes,
            f"shown {self.shown}, counted {self.counted}:\n{self.screen}": (
                self.shown == self.counted
            ),
            f"terminal modes {set(self.modes)}": not self.modes,
            "the terminal's line settings": self.line_is_as_before,
            f"processes {self.left_over}": not self.left_over,
            f"{self.quit_took}:\n{self.stacks}": self.quit_s <= _QUIT_SECONDS * self.slowness,
        }
        return [what for what, holds in checks.items() if not holds]

    @property
    def quit_took(self) -> str:
        return f"q {self.quit_s:.1f} s, slowed down {self.slowness:.1f} times"


class Storm:
    """One storm over one dashboard."""

    def __init__(self, home: Path, seed: int) -> None:
        self._home = home
        self._random = random.Random(seed)  # noqa: S311 - a storm is to be repeated
        self._size = _SHOWN_SIZE
        self.log = Log(home / "calls.jsonl", self._random, self._seen, self._wait)
        self.log.append()
        self.terminal = self._open()
        self._stacks: list[str] = []
        self.done: list[str] = []
        """The events so far."""

    def _open(self) -> Terminal:
        for file in ("seen", "marks"):
            (self._home / file).unlink(missing_ok=True)
        self._marks = 0
        terminal = Terminal(
            self._home, str(self.log.path), program=PROGRAM, size=self._size, is_leader=True
        )
        terminal.until(lambda seen: b"\x1b[?1049h" in seen, "the alternate screen")
        return terminal

    def _seen(self) -> int:
        return self._told_number("seen")

    def _told_number(self, name: str) -> int:
        file = self._home / name
        return int(file.read_text()) if file.exists() else 0

    def _catch_up(self) -> None:
        """Wait until all keys so far are handled, or one of them has quit the dashboard."""
        self._marks = max(self._marks, self._told_number("marks")) + 1
        again = time.monotonic()

        def is_handled() -> bool:
            nonlocal again
            if time.monotonic() >= again:
                again += _MARK_AGAIN_SECONDS
                self.terminal.press(_MARK)
            return self._told_number("marks") >= self._marks

        self._wait(is_handled, "all keys handled")

    def _wait(self, condition: Callable[[], bool], name: str) -> None:
        """Wait until a condition holds, or a key that was sent before has quit the dashboard."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition() and self.terminal.process.poll() is None:
            assert time.monotonic() < deadline, f"never came true: {name}"
            self.terminal.read()

    def blow(self, events: int, deadline: float = float("inf")) -> int:
        """Send events until the deadline; return how many."""
        kinds: Sequence[Callable[[], str]] = (
            *(self._key, self._keys, self._script, self._click, self._wheel, self._drag),
            *(self._paste, self._resize, self._log),
        )
        weights = (30, 6, 8, 14, 5, 4, 1, 3, 6)
        for n in range(events):
            if time.monotonic() > deadline:
                return n
            (kind,) = self._random.choices(kinds, weights)
            self.done.append(kind())
            self.terminal.read(0.0)
            if self._random.random() < 0.1:
                self.terminal.until_quiet(0.05)
            if n % _MAX_AHEAD == _MAX_AHEAD - 1:
                self._catch_up()
            if self.terminal.process.poll() is not None:
                self._reopen()
        return events

    def _reopen(self) -> None:
        """Open another dashboard: the palette has a command that quits."""
        assert self.terminal.process.returncode == 0, self._told()
        self.terminal.close()
        in_file = self.log.path.read_bytes() if self.log.path.is_file() else b""
        self.log.lines = [line for line in self.log.lines if line in in_file]
        self.log.records = len(self.log.lines)
        self.terminal = self._open()

    def _told(self) -> str:
        return plain(self.terminal.sent[-4_000:]).decode(errors="replace")

    # -- events

    def _press(self, keys: str) -> str:
        self.terminal.press(keys)
        return keys

    def _key(self) -> str:
        return self._press(self._random.choice((*_SPECIAL, *_LETTERS)))

    def _keys(self) -> str:
        return self._press("".join(self._random.choices((*_SPECIAL, *_LETTERS), k=8)))

    def _script(self) -> str:
        return self._press(self._random.choice(_SCRIPTS))

    def _mouse(self, button: int, x: int, y: int, end: str = "M") -> str:
        return f"\x1b[<{button};{x};{y}{end}"

    def _at(self) -> tuple[int, int]:
        columns, rows = self._size
        return self._random.randint(1, columns + 2), self._random.randint(1, rows + 1)

    def _click(self) -> str:
        x, y = self._at()
        button = self._random.choice((0, 0, 0, 1, 2, 4, 16))
        one = self._mouse(button, x, y) + self._mouse(button, x, y, "m")
        return self._press(one * self._random.choice((1, 1, 2, 3)))

    def _wheel(self) -> str:
        button = self._random.choice((64, 65, 68, 69, 80, 81))
        return self._press(self._mouse(button, *self._at()) * self._random.randint(1, 5))

    def _drag(self) -> str:
        places = [self._at() for _ in range(self._random.randint(1, 6))]
        moves = "".join(self._mouse(self._random.choice((32, 35)), *place) for place in places)
        return self._press(self._mouse(0, *places[0]) + moves + self._mouse(0, *places[-1], "m"))

    def _paste(self) -> str:
        return self._press(f"\x1b[200~{self._random.choice(_PASTES)}\x1b[201~")

    def _resize(self) -> str:
        any_size = (self._random.randint(*_ANY_SIZE[0]), self._random.randint(*_ANY_SIZE[1]))
        self._resize_to(*self._random.choice((*_SIZES, any_size)))
        return f"resize {self._size}"

    def _resize_to(self, columns: int, rows: int) -> None:
        self._size = columns, rows
        self.terminal.resize(columns, rows)

    def _log(self) -> str:
        self.log.mistreat()
        return "log"

    # -- after it

    def end(self) -> Outcome:
        """Go back to the Overview without a filter, read the counts on screen, and quit."""
        self._resize_to(*_SHOWN_SIZE)
        self._go_home()
        self.log.append()
        self._wait(lambda: self._seen() >= self.log.records, "all records read")
        counted = self._counted()
        shown = self._shown(counted)
        screen = self._told()
        children = _group_of(self.terminal.process.pid)
        self._catch_up()
        before, began = _slowness(), time.monotonic()
        self.terminal.press("q")
        code = self._ended()
        took = time.monotonic() - began
        return Outcome(
            exit_code=code,
            crashes=self.crashes(),
            screen=screen,
            shown=shown,
            counted=counted,
            modes=self.terminal.modes_changed,
            line_is_as_before=self.terminal.line_is_as_before,
            left_over=tuple(child for child in children if Path("/proc", child).exists()),
            quit_s=took,
            slowness=max(before, _slowness()),
            stacks="\n".join(self._stacks),
        )

    def _go_home(self) -> None:
        """Go to the Overview, without a dialog or filter, once all earlier keys are handled."""
        self._catch_up()
        if self.terminal.process.poll() is not None:
            self._reopen()
        # One at a time: Esc with another key is Alt.
        for key in (*("\x1b",) * 4, "1", *("\x1b",) * 3, "\x1b[F"):
            self.terminal.press(key)
            self.terminal.until_quiet(0.15)
            self._catch_up()

    def _ended(self) -> int:
        """Wait for the end; note where the threads are as long as it takes."""
        begin = time.monotonic()
        while self.terminal.process.poll() is None:
            self.terminal.read()
            if time.monotonic() - begin > _QUIT_SECONDS * (1 + len(self._stacks)):
                self._stacks.append(self.stacks())
            assert time.monotonic() - begin < _PATIENCE_SECONDS, "it does not end"
        return self.terminal.ended()

    def crashes(self) -> str:
        file = self._home / "llmlog" / "crashes.log"
        return file.read_text() if file.exists() else ""

    def stacks(self) -> str:
        """Return where each thread of the dashboard is; empty if it has ended."""
        file = self._home / "stacks"
        if self.terminal.process.poll() is not None or not file.exists():
            return ""
        before, deadline = file.stat().st_size, time.monotonic() + _STACKS_SECONDS
        self.terminal.process.send_signal(signal.SIGUSR1)
        while file.stat().st_size == before and time.monotonic() < deadline:
            self.terminal.read()
        return file.read_text()[before:]

    def _shown(self, wanted: tuple[int, int]) -> tuple[int, int]:
        """Return (calls, traces) of the header, as soon as they are as wanted."""
        shown = 0, 0
        for width in range(250, 250 + _ATTEMPTS):  # each size paints all of the screen
            begin = len(self.terminal.sent)
            self._resize_to(width, 50)
            self.terminal.until_quiet(0.3)
            found = _COUNTS.findall(plain(self.terminal.sent[begin:]))
            if found:
                calls, traces = (int(number.replace(b",", b"")) for number in found[-1])
                shown = calls, traces
            if shown == wanted:
                break
            self._go_home()
        return shown

    def _counted(self) -> tuple[int, int]:
        """Return (calls, traces) of all lines that were written, as `llmlog` counts them."""
        archive = self._home / "archive.jsonl"
        archive.write_bytes(b"".join(self.log.lines))
        program = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"
        command = [sys.executable, "-c", program]
        stats, traces = (
            subprocess.run([*command, name, archive, "--json"], check=True, capture_output=True)
            for name in ("stats", "traces")
        )
        return json.loads(stats.stdout)["calls"], len(traces.stdout.splitlines())


def _group_of(leader: int) -> list[str]:
    """Return the ids of all processes in a process group."""
    pids = (entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _stat(pid)[2:3] == [str(leader)]]


def _stat(pid: str) -> list[str]:
    """Return the fields of /proc/PID/stat after the name; none of a process that has ended."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _slowness() -> float:
    """Return how long a second of processor time takes now, beside all other processes."""
    begin, cpu = time.monotonic(), time.thread_time()
    while time.thread_time() - cpu < _MEASURED_CPU_SECONDS:
        pass
    return max(1.0, (time.monotonic() - begin) / (time.thread_time() - cpu))


def main(seeds: str, events: str) -> int:
    """Run storms by hand; return how many found something."""
    first, _, last = seeds.partition("-")
    failed = 0
    for seed in range(int(first), int(last or first) + 1):
        home, began = Path(tempfile.mkdtemp(prefix="storm-")), time.monotonic()
        storm, quit_took = Storm(home, seed), "no q"
        try:
            storm.blow(int(events))
            outcome = storm.end()
            faults = outcome.faults
            quit_took = outcome.quit_took
        except AssertionError as error:
            faults = [str(error), storm.crashes(), storm.stacks(), repr(storm.done[-20:])]
        finally:
            storm.terminal.close()
        failed += bool(faults)
        took = time.monotonic() - began
        found = "\n  ".join(["", *faults]) or " nothing"
        sys.stdout.write(
            f"seed {seed}: {took:.0f} s, {len(storm.done)} events, {storm.log.records} records,"
            f" {quit_took}:{found}\n"
        )
        sys.stdout.flush()
        shutil.rmtree(home)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
