"""Lines for the calls and tools in flight, with bars that grow until they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize

if TYPE_CHECKING:
    from llmlog_tui.log.starts import RunningStep

_BAR: Final = "▒"
_RUN, _STEP = 24, 20
_OTHER_CELLS: Final = 26
"""Cells of a line beside its names and its bar."""


_SCALES_MS: Final = (
    2_000.0,
    5_000.0,
    10_000.0,
    30_000.0,
    60_000.0,
    120_000.0,
    300_000.0,
    600_000.0,
)
"""Lengths of the time axis: a bar grows until the next one is needed."""


def lines(steps: Sequence[RunningStep], now: datetime, width: int, limit: int) -> list[Content]:
    """Return up to `limit` lines, the newest steps last, on a common time axis.

    A step that must have died with its process is called so, and has no bar.
    """
    shown = steps[-limit:]
    room = max(4, width - _RUN - _STEP - _OTHER_CELLS)
    longest = max((_elapsed_ms(step, now) for step in shown if not step.is_gone(now)), default=0.0)
    full = next((ms for ms in _SCALES_MS if ms > longest), longest)
    found = [_line(step, now, room, full) for step in shown]
    if found and len(steps) > len(shown):
        more = f"  and {len(steps) - len(shown):,} more"
        found[-1] = found[-1] + Content.styled(more, "$text-muted")
    return found


def _line(step: RunningStep, now: datetime, room: int, full: float) -> Content:
    elapsed = _elapsed_ms(step, now)
    run = humanize.run_label(step.trace_id or humanize.UNKNOWN, step.trace_name)
    names = f" {_fitted(run, _RUN)} {_fitted(step.label, _STEP)} "
    if step.is_gone(now):
        began = "" if step.ts is None else f", begun {humanize.time_label(step.ts, now, 12)}"
        return Content.assemble(
            (" never ended ", "$text-warning"),
            (names, "$text-muted"),
            (f"its process is gone{began}", "$text-warning"),
        )
    cells = max(1, round(room * elapsed / full))
    return Content.assemble(
        (" running     ", "$text-primary bold"),
        names,
        (_BAR * cells, "$text-primary"),
        f" {humanize.duration(elapsed)}",
    )


def _elapsed_ms(step: RunningStep, now: datetime) -> float:
    return 0.0 if step.ts is None else max(0.0, (now - step.ts).total_seconds() * 1_000)


def _fitted(text: str, width: int) -> str:
    clean = sanitize(text, width)
    return set_cell_size(clean, width) if cell_len(clean) != width else clean
