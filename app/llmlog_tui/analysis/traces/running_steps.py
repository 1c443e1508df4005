"""Steps in flight as text and as JSON; without polars, which the first frame lacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from llmlog_tui import humanize

if TYPE_CHECKING:
    from llmlog_tui.log.starts import RunningStep


def begin_of(steps: Sequence[RunningStep]) -> datetime | None:
    """Return the time at which the first of these steps began; None if unknown."""
    return min((step.ts for step in steps if step.ts), default=None)


def counted(
    steps: Sequence[RunningStep], now: datetime, words: tuple[str, str] = ("running", "never ended")
) -> str:
    """Return `2 running, 1 never ended`, in these words; empty without steps."""
    gone = sum(step.is_gone(now) for step in steps)
    counts = zip((len(steps) - gone, gone), words, strict=True)
    return ", ".join(f"{count:,} {state}" for count, state in counts if count)


def as_row(step: RunningStep, now: datetime) -> dict[str, Any]:
    """Return a step in flight as an object of JSON answers, with its state."""
    return {
        "step": step.step,
        "span_id": step.span_id,
        "name": step.label,
        "ts": humanize.rfc3339(step.ts),
        "state": step.state(now),
    }
