"""What views ask beyond the Overview: each a frozen value that the analyst calls in its thread.

Equal asks have equal answers for the same Overview; analysis is imported only when one is called,
because it imports polars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.analysis.timeline import Timeline


class Ask(Protocol):
    """A question about an Overview; frozen, and compared by value."""

    def __call__(self, overview: Overview) -> object:
        """The answer."""


@dataclass(frozen=True)
class StepsOf:
    """The timeline of one trace; None for the newest one."""

    trace_id: str | None

    def __call__(self, overview: Overview) -> Timeline | None:
        """The timeline; None where there is no trace."""
        from llmlog_tui.analysis.timeline import timeline  # noqa: PLC0415 - imports polars

        trace = self.trace_id or overview.newest_trace
        return None if trace is None else timeline(overview.frame, trace, overview.slow_ms)
