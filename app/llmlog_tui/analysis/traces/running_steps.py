"""Steps in flight as text and as JSON; without polars, which the first frame lacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from llmlog_tui import humanize

if TYPE_CHECKING:
    from llmlog_tui.log.starts import RunningStep

RUNNING_SIGN: Final = "►"
NO_END_SIGN: Final = "?"
"""Sign of a step whose process is probably gone."""

_SINCE_UNKNOWN: Final = "running, since when is unknown"


def begin_of(steps: Sequence[RunningStep]) -> datetime | None:
    """Return the time at which the first of these steps began; None if unknown."""
    return min((step.ts for step in steps if step.ts), default=None)


def name_of(steps: Sequence[RunningStep]) -> str | None:
    """Return the trace_name of a run that has these steps, if it has one."""
    return next((step.trace_name for step in steps if step.trace_name), None)


def session_of(steps: Sequence[RunningStep]) -> str | None:
    """Return the session_id of a run that has these steps, if it is known."""
    return next((step.session_id for step in steps if step.session_id), None)


def requested_models(steps: Sequence[RunningStep]) -> list[str]:
    """Return the models that these steps requested, in order."""
    return list(dict.fromkeys(step.requested_model for step in steps if step.requested_model))


def title(step: RunningStep) -> str:
    """Return the number and label of a step: `step 2 gpt-5`."""
    return f"step {humanize.step_number(step.step)} {step.label}"


def no_end(step: RunningStep) -> str:
    """Return the time after which a step counts as dead: `no end in 10 min`."""
    return f"no end in {step.gone_after.total_seconds() / 60:.0f} min"


def why_gone(step: RunningStep) -> str:
    """Return the conclusion from it: `no end in 10 min: its process is probably gone`."""
    return f"{no_end(step)}: its process is probably gone"


def state(step: RunningStep, now: datetime) -> str:
    """Return `running for 12.0 s`, or that it probably died and how that is known."""
    if step.is_gone(now):
        return why_gone(step)
    elapsed = step.elapsed_ms(now)
    return _SINCE_UNKNOWN if elapsed is None else f"running for {humanize.duration(elapsed)}"


def counted(
    steps: Sequence[RunningStep], now: datetime, words: tuple[str, str] = ("running", "with")
) -> str:
    """Return `2 running, 1 with no end in 10 min`; empty without steps."""
    gone = [step for step in steps if step.is_gone(now)]
    running = len(steps) - len(gone)
    parts = (
        f"{running:,} {words[0]}" if running else "",
        f"{len(gone):,} {words[1]} {no_end(gone[0])}" if gone else "",
    )
    return ", ".join(filter(None, parts))


def as_row(step: RunningStep, now: datetime) -> dict[str, Any]:
    """Return a step in flight as an object of JSON answers, with its state."""
    return {
        "step": step.step,
        "span_id": step.span_id,
        "name": step.label,
        "ts": humanize.rfc3339(step.ts),
        "state": state(step, now),
    }
