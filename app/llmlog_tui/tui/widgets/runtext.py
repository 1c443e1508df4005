"""What is said of a run while it is replayed: which one it is, and how far it is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from llmlog_tui import units
from llmlog_tui.text import inert

if TYPE_CHECKING:
    from llmlog_tui.tui.asks import Run


def crumb(run: Run, newest: datetime | None) -> Content:
    """The way to it, its session and when it began; `newest` is the log's newest time."""
    timeline = run.timeline
    began = f"began {units.moment(timeline.begin, newest, 12)}" if timeline.begin else ""
    session = f"session {units.short_id(timeline.session_id)} run {run.nth} of {run.of}"
    return Content.assemble(
        (" Overview › ", "$text-muted"),
        (f"trace {inert(units.short_id(timeline.trace_id))}", "bold"),
        (" › Replay", "$text-primary bold"),
        (f"     {inert(session)}   {began}", "$text-muted"),
    )


def state(run: Run, at: int, speed: float, *, playing: bool) -> str:
    """Whether time runs, how fast, and that the step at this place among all is the current one."""
    steps = run.replay.steps
    number = units.UNKNOWN if steps[at].step is None else str(steps[at].step)
    runs = "► playing" if playing else "‖ paused"
    return f"{runs} {speed:g}× · step {number}, {at + 1:,} of {len(steps):,}"
