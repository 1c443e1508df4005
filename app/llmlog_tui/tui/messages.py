"""What the workers tell the App."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    from llmlog_tui.analysis.overview import Overview
    from llmlog_tui.analysis.timeline import Timeline
    from llmlog_tui.log.store import Snapshot


State = Literal["loading", "live", "done"]


@dataclass(frozen=True)
class Progress:
    """How far reading is: bytes `read` of those `there`, and what it waits for or cannot read.

    `state` is `done` where the files were read once and are not followed.
    """

    state: State = "loading"
    read: int = 0
    there: int = 0
    waiting: tuple[str, ...] = ()


@dataclass
class Loaded(Message):
    """The reader has more records, or another state."""

    snapshot: Snapshot
    progress: Progress

    def can_replace(self, message: Message) -> bool:
        """A newer one supersedes those that were not handled yet."""
        return isinstance(message, Loaded)


@dataclass
class Answered(Message):
    """The analyst has answers for a snapshot, and the timeline of the selected trace."""

    overview: Overview
    timeline: Timeline | None

    def can_replace(self, message: Message) -> bool:
        """A newer one supersedes those that were not handled yet."""
        return isinstance(message, Answered)
