"""Leaving in order, the terminal as it was, when told to from outside."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from functools import partial

from textual.app import App


def leave_in_order(app: App[str]) -> None:
    """Let the App exit at SIGTERM and SIGHUP; not where another thread has the signals."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(RuntimeError, ValueError):  # not in the main thread
            leave = partial(app.exit, return_code=128 + number)
            asyncio.get_running_loop().add_signal_handler(number, leave)
