"""Fault barrier around event handlers: an exception is reported, and the dashboard keeps running.

Textual ends the App at the first exception in any handler, its own ones included. The faults of
Textual's that are known to be harmless are in `_TEXTUAL_FAULTS`, and nowhere else.
"""

from __future__ import annotations

import functools
import os
import stat
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import textual
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.drivers._writer_thread import WriterThread
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import WorkerFailed

import llmlog_tui
from llmlog_tui.sanitize import sanitize

_TEXTUAL_FAULTS: Final = frozenset(
    (
        # PageUp and PageDown in the palette, before its list is laid out: it has no lines yet.
        ("KeyError", "textual/widgets/_option_list.py", "_move_page"),
        # A click on an option that was removed after the list was drawn.
        ("IndexError", "textual/widgets/_option_list.py", "_on_click"),
        # A mouse button goes down on a widget that has just been removed: it has no parent, where
        # Textual begins a selection of text.
        ("AttributeError", "textual/screen.py", "_forward_event"),
        # A click beside the palette, where the screen ended before it was resized.
        ("NoWidget", "textual/_compositor.py", "get_widget_at"),
        # The palette is closed while it gathers commands, or a timer of it runs: it has lost its
        # list and its input, and asks for them.
        ("NoMatches", "textual/command.py", "*"),
    )
)
"""(exception, file, function) of faults of Textual's that leave nothing to do or to report."""

_QUERIES: Final = "textual/dom.py"
"""File of frames that are passed over: a query fails on behalf of its caller."""

_MAX_TOASTS: Final = 5
"""Maximum faults shown on screen; later ones are only written to the file."""

_MAX_REPORTS: Final = 100
"""Maximum different faults written to the file by one run."""

_MAX_FILE_BYTES: Final = 1_000_000
"""Size of the file from which on it is begun again."""

_SHORTEST_TIMER_S: Final = 0.001

_MAX_MESSAGE: Final = 300
"""Maximum characters of an exception's message: it may quote a value of the log."""


class CrashLog:
    """The file of reports, readable by its owner only. Errors of writing it are ignored."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def append(self, report: str) -> bool:
        """Append a report; False if it could not be written."""
        if self.path is None:
            return False
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self.path, flags | os.O_NONBLOCK, 0o600)  # a FIFO would block
            try:
                return self._write(fd, report.encode(errors="replace"))
            finally:
                os.close(fd)
        except OSError:
            return False

    @staticmethod
    def _write(fd: int, report: bytes) -> bool:
        file = os.fstat(fd)
        if not stat.S_ISREG(file.st_mode):
            return False
        os.fchmod(fd, 0o600)
        if file.st_size + len(report) > _MAX_FILE_BYTES:
            os.ftruncate(fd, 0)
        return os.write(fd, report) == len(report)


class EventGuard:
    """Reports each fault once: as a toast, and with its traceback in the crash file."""

    def __init__(self, app: App[Any], path: Path | None) -> None:
        self._app = app
        self._file = CrashLog(path)
        self._seen: set[tuple[str, ...]] = set()
        self.faults = 0
        """Exceptions contained so far, without Textual's own known ones."""
        _install()

    def contain(self, error: Exception, *, task: str = "") -> None:
        """Report an exception of a handler, or of a background `task`."""
        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            error = error.error
        if _is_known(error):
            return
        self.faults += 1
        if self._app.is_headless and self._app._exception is None:  # noqa: SLF001
            self._app._exception = error  # noqa: SLF001 - run_test() raises it at its end
        key = _key_of(error)
        if key in self._seen or len(self._seen) >= _MAX_REPORTS:
            return
        self._seen.add(key)
        self._report(error, task or "Internal error")

    def _report(self, error: BaseException, title: str) -> None:
        name = f"{type(error).__name__}: {sanitize(str(error), _MAX_MESSAGE)}"
        is_written = self._file.append(_report_of(error, name))
        if len(self._seen) > _MAX_TOASTS:
            return
        where = f"\nDetails: {self._file.path}" if is_written else ""
        with suppress(Exception):  # there may be no screen to show it on
            self._app.notify(name + where, title=title, severity="error", markup=False)


def _report_of(error: BaseException, name: str) -> str:
    """Return a line with time, versions and error, and the traceback below it, indented."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = traceback.format_tb(error.__traceback__)
    shown = sanitize_lines("".join(lines))
    versions = f"llmlog {llmlog_tui.__version__}, textual {textual.__version__}"
    return f"{now} {versions}: {name}\n{shown}"


def sanitize_lines(text: str) -> str:
    return "".join(f"    {sanitize(line, 1_000)}\n" for line in text.splitlines())


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))


def _is_known(error: BaseException) -> bool:
    frames = [frame for frame in _frames(error) if not _is_in(frame, _QUERIES)]
    return bool(frames) and any(
        type(error).__name__ == fault
        and _is_in(frames[-1], file)
        and function in {"*", frames[-1].name}
        for fault, file, function in _TEXTUAL_FAULTS
    )


def _is_in(frame: traceback.FrameSummary, file: str) -> bool:
    return Path(frame.filename).as_posix().endswith(file)


def _key_of(error: BaseException) -> tuple[str, ...]:
    """Return what repetitions of a fault have in common: type, and its last frames."""
    frames = (f"{frame.filename}:{frame.lineno}" for frame in _frames(error)[-3:])
    return type(error).__name__, *frames


@runtime_checkable
class Guarded(Protocol):
    """An App with a guard that is ready to contain exceptions."""

    @property
    def active_guard(self) -> EventGuard | None:
        """The guard; None while an exception has to end the App."""
        ...


Dispatch: TypeAlias = Callable[[MessagePump, Message], Coroutine[Any, Any, None]]
Dismiss: TypeAlias = Callable[..., AwaitComplete]


def _install() -> None:
    """Wrap four methods of Textual, once per process; Apps without a guard are unaffected."""
    # A node whose handler raises stops processing messages, whatever App._handle_exception does:
    # the exception has to be caught inside. Textual has no hook there.
    dispatch = MessagePump._dispatch_message  # noqa: SLF001
    if not hasattr(dispatch, "is_guarded"):
        MessagePump._dispatch_message = _guarded(dispatch)  # type: ignore[method-assign,assignment] # noqa: SLF001
        Screen.dismiss = _only_on_top(Screen.dismiss)  # type: ignore[method-assign]
        Timer.__init__ = _not_in_the_past(Timer.__init__)  # type: ignore[method-assign]
        WriterThread.run = _draining(WriterThread.run)  # type: ignore[method-assign,assignment]


def _guarded(dispatch: Dispatch) -> Dispatch:
    @functools.wraps(dispatch)
    async def dispatch_guarded(node: MessagePump, message: Message) -> None:
        try:
            await dispatch(node, message)
        except Exception as error:
            app = node.app
            guard = app.active_guard if isinstance(app, Guarded) else None
            if guard is None:
                raise
            guard.contain(error)

    dispatch_guarded.is_guarded = True  # type: ignore[attr-defined]
    return dispatch_guarded


def _not_in_the_past(init: Callable[..., None]) -> Callable[..., None]:
    # A toast that is mounted late, on a busy machine, sets a timer with the time it has left, which
    # is negative by then. For such a timer Textual's loop never waits, and the dashboard hangs.
    @functools.wraps(init)
    def init_not_in_the_past(
        timer: Timer,
        event_target: object,
        interval: float,
        **options: Any,  # noqa: ANN401
    ) -> None:
        if options.get("repeat") == 0:
            # Textual skips a timer that is late as it begins: a toast would stay for ever.
            options["skip"] = False
        init(timer, event_target, max(interval, _SHORTEST_TIMER_S), **options)

    return init_not_in_the_past


def _draining(write_queued: Callable[[WriterThread], None]) -> Callable[[WriterThread], None]:
    # The thread ends at the first write to a terminal that is gone. Its queue then fills up, and
    # the main thread waits for room in it for ever, without noticing that the terminal is gone.
    @functools.wraps(write_queued)
    def drain_after_failure(thread: WriterThread) -> None:
        try:
            write_queued(thread)
        except OSError:
            while thread._queue.get() is not None:  # noqa: SLF001
                pass

    return drain_after_failure


def _only_on_top(dismiss: Dismiss) -> Dismiss:
    # Textual removes the screen on top, whichever one is dismissed: the second click outside the
    # palette, or the second Enter, would close the view below, or raise if there is none.
    @functools.wraps(dismiss)
    def dismiss_on_top(screen: Screen[Any], result: Any = None) -> AwaitComplete:  # noqa: ANN401
        app = screen.app
        if isinstance(app, Guarded) and app.screen_stack[-1:] != [screen]:
            return AwaitComplete()
        closed: AwaitComplete = dismiss(screen, result)
        return closed

    return dismiss_on_top
