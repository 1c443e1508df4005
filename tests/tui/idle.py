"""Wait until the dashboard has nothing left to do, without guessing from the processor's load."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time

from textual._context import active_app
from textual.app import App, ScreenStackError

_STEP_SECONDS = 0.005
_WINDOW_SECONDS = 0.02
_IDLE_CPU_SHARE = 0.1


async def until_idle(_min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Wait until no message, no repaint and no thread of the App is pending, at most `max_sleep`.

    In place of Textual's wait_for_idle(), which sleeps for 20 ms or more, twice per key.
    """
    app = active_app.get()
    began = window = time.monotonic()
    cpu = time.process_time()
    while (now := time.monotonic()) - began < max_sleep:
        await _handle_messages()
        if not _is_working(app):
            with contextlib.suppress(ScreenStackError):  # while it starts or ends
                app.screen._on_timer_update()  # noqa: SLF001 - as Pilot.pause() does
            if not await _handle_messages():
                return
        elif now - window < _WINDOW_SECONDS:
            await asyncio.sleep(_STEP_SECONDS)
        # A thread that waits for a test, a pipe or another process is at work in vain.
        elif time.process_time() - cpu < _IDLE_CPU_SHARE * (now - window):
            return
        else:
            window, cpu = now, time.process_time()


async def _handle_messages() -> bool:
    """Let the event loop run until nothing is ready; return whether anything was."""
    loop = asyncio.get_running_loop()
    handled = False
    await asyncio.sleep(0)
    while loop._ready:  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no public name
        handled = True
        await asyncio.sleep(0)
    return handled


def _is_working(app: App[object]) -> bool:
    """Return whether a result is due, or a thread of the App is doing anything but wait."""
    if getattr(app, "busy", False):
        return True
    frames = sys._current_frames()  # noqa: SLF001
    return any(
        thread.ident in frames and frames[thread.ident].f_code.co_filename != threading.__file__
        for thread in threading.enumerate()
        if thread.name.startswith("llmlog-")
    )
