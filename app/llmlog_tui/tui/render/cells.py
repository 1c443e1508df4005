"""Table cells for records, calls and traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from llmlog_tui.tui.widgets.row_source import UNMARKED, Cell, CellSpan

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Step

_FLAGS: Final = (
    ("failed", CellSpan("✗", "error")),
    ("cut_off", CellSpan("┤", "warning")),
    ("retried", CellSpan("↻", "warning")),
    ("changed", CellSpan("≠", "accent")),
)


def flags(call: Mapping[str, object]) -> Cell:
    """Return four cells: failed, cut off, retried, fingerprint changed."""
    return [flag if call[name] else UNMARKED for name, flag in _FLAGS]


def is_tool(step: Step) -> bool:
    """Return whether a step is drawn as a tool's: all that no model generated."""
    return step.event in ("tool_call", "embedding")
