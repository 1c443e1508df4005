"""Texts around the steps of a replay: its run, its state, the current step's detail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.analysis.traces.running_steps import begin_of, name_of, session_of
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.render import detail_text, record_text

if TYPE_CHECKING:
    from llmlog_tui.analysis.calls.detail import Detail
    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.log.decoded_line import DecodedLine
    from llmlog_tui.log.starts import RunningStep
    from llmlog_tui.tui.queries import ReplayResult

_MUTED = "$text-muted"

MODES: Final = ("conversation", "as written", "raw line", "fields")
"""Ways to show the current step's record."""


def breadcrumb(run: ReplayResult, overview: Overview, width: int) -> Content:
    """Return the path to the replay, and its place among the session's runs."""
    trace, steps = run.timeline, overview.steps_in_flight(run.timeline.trace_id)
    begin = trace.begin or begin_of(steps)
    session = trace.session_id or session_of(steps)
    name = trace.name or name_of(steps)
    place = f" run {run.nth:,} of {run.of:,}" if run.replay.steps else ""
    began = "" if begin is None else f"   began {humanize.time_label(begin, overview.newest, 12)}"
    path = Content.assemble(
        (" Overview › ", _MUTED),
        (f"trace {sanitize(humanize.run_label(trace.trace_id, name))}", "bold"),
        (" › Replay", "$text-primary bold"),
    )
    nth = Content.assemble(
        ("session ", _MUTED),
        (sanitize(humanize.short_id(session)), "bold"),
        (f"{place}{began} ", _MUTED),
    )
    return Content.assemble(path, " " * max(3, width - path.cell_length - nth.cell_length), nth)


def state(run: ReplayResult, index: int, speed: float, *, is_playing: bool) -> str:
    """Return whether and how fast it plays, and the current step."""
    steps = run.replay.steps
    playing = "► playing" if is_playing else "‖ paused"
    number = humanize.step_number(steps[index].step)
    return f"{playing} {speed:g}× · step {number}, {index + 1:,} of {len(steps):,}"


def state_in_flight(run: ReplayResult, step: RunningStep) -> str:
    """Return that the current step has not ended, and how many have."""
    number, ended = humanize.step_number(step.step), len(run.replay.steps)
    return f"step {number} has not ended · {humanize.plural(ended, 'step')} ended"


def detail(
    of_step: Detail,
    begin_offset_ms: float,
    read: DecodedLine,
    file: str,
    width: int,
) -> Iterator[Content]:
    """Yield a step's detail, in `width` cells; its line is None until it is read."""
    yield from detail_text.lines(of_step, begin_offset_ms, width)
    yield from record_text.tags(read)
    yield Content("")
    yield from record_text.greps(read, file)


def answer_note(record: Mapping[str, object]) -> str:
    """Return how an answer ended, and its tokens: `stop · 152 tokens, 96 reasoning`."""
    finish, tokens = record.get("finish_reason"), record.get("completion_tokens")
    reasoning = record.get("reasoning_tokens")
    notes = [] if finish is None else [sanitize(str(finish), 20)]
    if isinstance(tokens, int):
        thought = f", {reasoning:,} reasoning" if isinstance(reasoning, int) and reasoning else ""
        notes.append(f"{humanize.plural(tokens, 'token')}{thought}")
    return " · ".join(notes)
