"""What a replay says around its steps: which run it is, where it stands, what a step was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.render import detail_text, record_text

if TYPE_CHECKING:
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.analysis.traces.timeline import Step
    from llmlog_tui.tui.queries import ReplayResult

_MUTED = "$text-muted"

MODES: Final = ("content", "raw line", "fields")
"""As what a step's record can stand beside the steps."""


def crumb(run: ReplayResult, overview: Overview, width: int) -> Content:
    """The way here at the left, and at the right which run of its session this is, and when."""
    begin, session = run.timeline.begin, humanize.short_id(run.timeline.session_id)
    began = "" if begin is None else f"   began {humanize.time_label(begin, overview.newest, 12)}"
    way = Content.assemble(
        (" Overview › ", _MUTED),
        (f"trace {sanitize(humanize.short_id(run.timeline.trace_id))}", "bold"),
        (" › Replay", "$text-primary bold"),
    )
    which = Content.assemble(
        ("session ", _MUTED),
        (sanitize(session), "bold"),
        (f" run {run.nth:,} of {run.of:,}{began} ", _MUTED),
    )
    return Content.assemble(way, " " * max(3, width - way.cell_length - which.cell_length), which)


def state(run: ReplayResult, at: int, speed: float, *, is_playing: bool) -> str:
    """How it plays, and the step it has come to."""
    playing = "► playing" if is_playing else "‖ paused"
    steps = run.replay.steps
    return f"{playing} {speed:g}× · step {number(steps[at])}, {at + 1:,} of {len(steps):,}"


def number(step: Step) -> str:
    """A step's own number."""
    return humanize.UNKNOWN if step.step is None else str(step.step)


def detail(
    overview: Overview, step: Step, line: bytes | None, file: str, width: int
) -> Iterator[Content]:
    """Everything about a step, for a sheet so many cells wide; `line` is None until it is read."""
    yield from detail_text.of(overview, overview.record(step.row), step.start, width)
    yield from record_text.tags(line)
    yield Content("")
    yield from record_text.greps(line, file)


def content(mode: str, line: bytes | None, file: str) -> Iterator[Content]:
    """A step's record in one of MODES; `line` is None until it is read."""
    if line is None:
        yield Content("reading …")
    elif mode == "content":
        yield from record_text.content(line)
    elif mode == "raw line":
        yield from record_text.raw(line)
    else:
        yield from record_text.fields(line, file)
