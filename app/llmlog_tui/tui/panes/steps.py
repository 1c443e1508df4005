"""Steps: the timeline of a run as it is replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from llmlog_tui.tui.keys.panes import STEPS_BINDINGS, TABLE_BINDINGS
from llmlog_tui.tui.panes.timeline import TimelinePane

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.timeline import Timeline


class StepsPane(TimelinePane, inherit_bindings=False):
    """The steps; here Enter shows a record, and h and l are the replay's."""

    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_BINDINGS, *STEPS_BINDINGS]
    NAME = "Steps"

    def note(self, timeline: Timeline) -> str:
        """The session stands above."""
        del timeline
        return "played steps are bright"
