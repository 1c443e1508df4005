"""CPU time of a filter until it is painted: `python -m tests.bench.filter_paint LOG`.

From the new predicate to the last frame, in Calls and in the Overview: the median of some rounds,
of filters that few calls match, and of filters that nearly all match.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Final

from llmlog_tui.tui.app import LogApp

_AIM_MS: Final = 100
"""Maximum CPU time at 1,000,000 records."""
_ROUNDS: Final = 7
_POLL_S, _PAINTED_S = 0.01, 0.2
"""Seconds between looks, and for the last frame."""
_VIEWS: Final = {"Calls": "2", "Overview": "1"}
"""Views, and the key of each."""


async def answered(app: LogApp, predicate: str | None = None) -> None:
    """Wait until all records are analyzed with a filter, and painted."""
    is_answered = False
    while not is_answered:
        await asyncio.sleep(_POLL_S)
        shown = app.view.overview if app.views and not app.busy else None
        if shown is not None and not shown.snapshot.is_loading:
            is_answered = shown.where == predicate
    await asyncio.sleep(_PAINTED_S)


async def filtered_ms(app: LogApp, predicate: str) -> float:
    """Return the CPU time from a new filter to the last frame of its results."""
    before = time.process_time()
    app.navigator.set_filter(predicate, None, None)
    await answered(app, predicate)
    return (time.process_time() - before) * 1_000


async def measure(log: Path) -> None:
    app = LogApp([log])
    async with app.run_test(size=(160, 50)) as pilot:
        await answered(app)
        slow, all_but_few = iter(range(1_000, 2_000)), iter(range(1_000))
        for name, key in _VIEWS.items():
            await pilot.press(key)
            for share, limits in (("few", slow), ("nearly all", all_but_few)):
                wheres = [f"latency_ms > {next(limits)}" for _ in range(_ROUNDS)]
                median = statistics.median([await filtered_ms(app, where) for where in wheres])
                row = f"{name}, {share} match: {median:.0f} ms, the aim of 1,000,000 {_AIM_MS}\n"
                sys.stdout.write(row)


if __name__ == "__main__":
    asyncio.run(measure(Path(sys.argv[1])))
