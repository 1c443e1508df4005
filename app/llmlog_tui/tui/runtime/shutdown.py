"""Leaving in order, the terminal as it was, when told to from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable


class GracefulExit:
    """Calls `leave` with the exit code at SIGTERM and SIGHUP; but only in the main thread.

    look() does as at SIGHUP if the terminal is gone: not everybody who had it is sent that signal.
    """

    def __init__(self, leave: Callable[[int], None]) -> None:
        self._leave = leave
        self._is_ready = False
        self._end_with: int | None = None
        self._had_terminal = _has_terminal()

    def begin(self) -> None:
        """Before the terminal is taken: be ready to give it back."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(RuntimeError, ValueError):  # not in the main thread
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(number, self._end, 128 + number)

    def ready(self) -> None:
        """The screen stands."""
        self._is_ready = True
        if self._end_with is not None:
            self._end(self._end_with)

    def look(self) -> None:
        """Leave if the terminal has vanished: nobody will press a key any more."""
        if self._had_terminal and not _has_terminal():
            self._end(128 + signal.SIGHUP)

    def _end(self, code: int) -> None:
        """Leave with a code, once there is a screen: half a one cannot be taken down."""
        if self._is_ready:
            self._leave(code)
        else:
            self._end_with = code


def _has_terminal() -> bool:
    return sys.__stdin__ is not None and os.isatty(sys.__stdin__.fileno())
