"""State of the header: file names, state of reading, and rates."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from llmlog_tui import humanize
from llmlog_tui.log.archive_manifest import is_part_name
from llmlog_tui.log.sources import STDIN
from llmlog_tui.tui.panes.header import HeaderState
from llmlog_tui.tui.progress import Progress

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.log.store import Snapshot
    from llmlog_tui.tui.messages import Loaded

_BAR_CELLS = 10
_MEGA = 1_000_000

_RATE_SECONDS = 10.0
"""Seconds over which the live rate is averaged."""


class ArrivalRate:
    """Records per second, averaged over the last seconds."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque()

    def add(self, total: int) -> None:
        """Add a reading of the total."""
        self._readings.append((time.monotonic(), total))

    def per_second(self) -> float:
        """Return the current rate; 0 before the second reading."""
        now, readings = time.monotonic(), self._readings
        while len(readings) > 1 and readings[1][0] < now - _RATE_SECONDS:
            readings.popleft()
        if not readings:
            return 0.0
        (began, first), (_, last) = readings[0], readings[-1]
        return (last - first) / max(1.0, min(now - began, _RATE_SECONDS))


def _loading(progress: Progress, speed: float) -> str:
    """Progress bar, share read, megabytes, speed, and time left."""
    share = progress.read / progress.there
    filled = round(share * _BAR_CELLS)
    bar = "█" * filled + "░" * (_BAR_CELLS - filled)
    left = (progress.there - progress.read) / speed * 1_000 if speed else None
    much = f"{progress.read / _MEGA:,.0f} of {progress.there / _MEGA:,.0f} MB"
    records = speed * progress.records / progress.read if progress.read else 0.0
    return (
        f"{bar} {share:4.0%}  {much}  {humanize.count(records)}/s  {humanize.duration(left)} left"
    )


def _missing(progress: Progress) -> str:
    """Return a file that does not exist yet, or was deleted."""
    if progress.waiting:
        return progress.waiting[0].name
    return f"{progress.gone[0].name}: it is gone"


def _window(snapshot: Snapshot, rows_outside: int) -> str:
    """Return the part of a table that is read; empty for all."""
    if not rows_outside:
        return ""
    # The frame may still have records that have left the window.
    there = humanize.count(snapshot.counts.records - snapshot.dropped + rows_outside)
    return f"newest {snapshot.frame.height:,} of {there}"


def _name(file: Path) -> str:
    """Return the name of a file, of an archive's part that of its folder."""
    if file == STDIN:
        return "stdin"
    return f"{_folder(file.parent)}/" if is_part_name(file.name) else file.name


def _folder(path: Path) -> str:
    return path.name or path.resolve().name  # that of `.` has none


def header_state(  # noqa: PLR0913 - options by name
    progress: Progress,
    overview: Overview | None,
    *,
    rate: float,
    speed: float,
    held_back: int | None,
    unseen: int,
    nameless: str = "",
) -> HeaderState:
    """Return what the header shows.

    `rate` is in records per second, `speed` in bytes per second. `held_back` is the number of
    records a frozen screen does not show, None if it is not frozen; `unseen` the number received
    since following was turned off. `nameless` is the name of a log without files.
    """
    if held_back is None:
        state, detail = _reading_state(progress, is_visible=overview is not None, speed=speed)
    else:
        state, detail = "frozen", f"+{held_back:,} End"
    if state == "live":
        detail = f"{humanize.rate(rate)}/s" + (f"  +{unseen:,} End" if unseen else "")
    names = list(dict.fromkeys(map(_name, progress.files))) or [nameless]
    counted = names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "")
    if overview is None:
        return HeaderState(counted, state=state, detail=detail)
    formats = overview.snapshot.formats
    return HeaderState(
        file=counted,
        format="" if formats in ((), ("llmlog",)) else ", ".join(formats),
        window=_window(overview.snapshot, progress.rows_outside),
        calls=overview.calls.height,
        traces=overview.run_count,
        cost=overview.cost.usd,
        unpriced=overview.cost.unpriced_calls,
        skipped=overview.snapshot.counts.skipped.total(),
        state=state,
        detail=detail,
        alerts=overview.ongoing,
    )


def _reading_state(progress: Progress, *, is_visible: bool, speed: float) -> tuple[str, str]:
    """Return the state of reading and its detail; `loading` until records are visible."""
    if progress.problems:
        path, why = progress.problems[0]
        is_gone = path in progress.waiting
        return ("waiting", why) if is_gone else ("problem", f"{path.name}: {why}")
    if progress.waiting or progress.gone:
        return "waiting", f"for {_missing(progress)}"
    if progress.state == "loading" and progress.there:
        return progress.state, _loading(progress, speed)
    is_read = progress.state in ("live", "done")
    return ("loading" if is_read and not is_visible else progress.state), ""


class ReadStatus:
    """Progress of reading the `files`, and the rates of records (live) and bytes."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self.progress = Progress(files=files)
        self._nameless = _name(files[0]) if files else ""
        if files and files[0].is_dir():
            self._nameless = f"{_folder(files[0])}/"
        self._rate, self._speed = ArrivalRate(), ArrivalRate()

    def update(self, message: Loaded) -> None:
        self.progress = message.progress
        if message.progress.state == "live":
            # Records that were fetched did not arrive.
            self._rate.add(message.snapshot.counts.records - message.snapshot.fetched)
        self._speed.add(message.progress.read)

    def header_state(
        self, overview: Overview | None, *, held_back: int | None, unseen: int
    ) -> HeaderState:
        return header_state(
            self.progress,
            overview,
            rate=self._rate.per_second(),
            speed=self._speed.per_second(),
            held_back=held_back,
            unseen=unseen,
            nameless=self._nameless,
        )
