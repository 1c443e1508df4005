"""Graceful exit on signals, with the terminal restored."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable


class GracefulExit:
    """Calls `leave` with the exit code on SIGTERM and SIGHUP, in the main thread only."""

    def __init__(self, leave: Callable[[int], None]) -> None:
        self._leave = leave
        self._is_ready = False
        self._end_with: int | None = None
        self._had_terminal = _has_terminal()

    def begin(self) -> None:
        """Install the signal handlers; call it before the terminal is taken over."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(RuntimeError, ValueError):  # not in the main thread
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(number, self._end, 128 + number)

    def screen_ready(self) -> None:
        self._is_ready = True
        if self._end_with is not None:
            self._end(self._end_with)

    def check_terminal(self) -> None:
        """Exit as on SIGHUP if the terminal is gone."""
        # Not every process of a closed terminal is sent that signal.
        if self._had_terminal and not _has_terminal():
            self._end(128 + signal.SIGHUP)

    def _end(self, code: int) -> None:
        """Exit as soon as there is a screen: a half-mounted one cannot be closed."""
        if self._is_ready:
            self._leave(code)
        else:
            self._end_with = code


def _has_terminal() -> bool:
    return sys.__stdin__ is not None and os.isatty(sys.__stdin__.fileno())
