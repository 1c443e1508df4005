"""A pilot's wait for the dashboard: until nothing is left to do, not for a fixed time."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from textual._context import active_app
from textual.app import App
from textual.screen import Screen

from llmlog_tui.tui import workers
from llmlog_tui.tui.app import LogApp

_STEP_S: Final = 0.002
_QUIET_S: Final = 0.02
"""Seconds without work after which a thread that has not answered is taken for one that waits."""
_BUSY_SHARE: Final = 0.05
"""Minimum share of `_QUIET_S` on the processor that counts as work, as Textual has it."""
_LONGEST_S: Final = 1.0


def _tasks() -> Iterator[str]:
    for module in pkgutil.iter_modules(workers.__path__, f"{workers.__name__}."):
        if task := getattr(importlib.import_module(module.name), "TASK", None):
            yield f"llmlog-{task}"


_PERMANENT: Final = frozenset(_tasks())
"""Names of threads that run as long as the App; `LogApp.busy` tells of their work."""
_POOL: Final = "llmlog-parse"
"""How the names of threads begin that parse for the reader."""


async def until_idle(min_sleep: float = 0, max_sleep: float = _LONGEST_S) -> None:
    """Return once the App has handled, answered and painted all there is.

    It replaces `textual._wait.wait_for_idle`, which sleeps 20 ms or more per key to learn from the
    processor's time whether a process works. The event loop says so itself: it has no callback
    that is ready, the screen has nothing to paint, and no thread has a result to deliver.
    """
    app = active_app.get()
    deadline = time.monotonic() + max_sleep
    await asyncio.sleep(min_sleep)
    while time.monotonic() < deadline:
        await asyncio.sleep(0)
        if getattr(asyncio.get_running_loop(), "_ready"):  # noqa: B009 - typeshed hides it
            continue
        if _paint(app):
            continue
        if app._resize_event is not None:  # noqa: SLF001 - the App handles it a frame later
            await asyncio.sleep(_STEP_S)
        elif not _awaits_thread(app) or not await _works(app):
            return


def _paint(app: App[Any]) -> bool:
    """Paint what the screen would paint at its next frame; whether there was anything."""
    screen = app.screen if app.screen_stack else None
    if screen is None or not _is_dirty(screen) or app._batch_count:  # noqa: SLF001
        return False
    screen._on_timer_update()  # noqa: SLF001 - as `Pilot.pause` does at its end
    return True


def _is_dirty(screen: Screen[Any]) -> bool:
    return bool(screen._callbacks or screen._update_timer._active.is_set())  # noqa: SLF001


def _awaits_thread(app: App[Any]) -> bool:
    """Whether a thread of the dashboard has a result to deliver."""
    if not isinstance(app, LogApp):
        return False
    names = {thread.name for thread in threading.enumerate()} - _PERMANENT
    jobs = [name for name in names if name.startswith("llmlog-") and not name.startswith(_POOL)]
    return bool(jobs) or (bool(app.views) and app.busy)


async def _works(app: App[Any]) -> bool:
    """Sleep until the threads have answered; False if they only wait for something themselves."""
    began, worked = time.monotonic(), time.process_time()
    while time.monotonic() - began < _QUIET_S:
        await asyncio.sleep(_STEP_S)
        if not _awaits_thread(app):
            return True
    return time.process_time() - worked >= _BUSY_SHARE * _QUIET_S
