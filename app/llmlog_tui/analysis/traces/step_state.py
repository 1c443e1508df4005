"""Words for steps without a record: which one, and whether it runs. Knows no polars."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from llmlog_tui import humanize

if TYPE_CHECKING:
    from llmlog_tui.log.starts import RunningStep

_SINCE_UNKNOWN: Final = "running, since when is unknown"


def title(step: RunningStep) -> str:
    """Return the number and label of a step: `step 2 gpt-5`."""
    return f"step {humanize.UNKNOWN if step.step is None else step.step} {step.label}"


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
