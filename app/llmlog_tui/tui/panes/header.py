"""The top row: what is open, how much of it there is, and whether it is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize


@dataclass(frozen=True)
class HeaderState:
    """What the header says.

    `calls` and all counts are unknown if that is None; `cost` is in USD, without `unpriced` calls;
    `state` is a key of STATES, `detail` stands behind its words. `silent`: nobody is told of new
    alerts.
    """

    file: str = ""
    calls: int | None = None
    traces: int = 0
    cost: float | None = None
    unpriced: int = 0
    state: str = "loading"
    detail: str = ""
    alerts: int = 0
    skipped: int = 0
    silent: bool = False


_TABS_FROM = 100
"""Under so many columns there is no room for tabs; digits go to the views all the same."""

_NAME = Content.styled(" llmlog ", "$background on $primary bold")

STATES = {
    "live": ("● live", "$text-success"),
    "frozen": ("‖ frozen", "$text-accent"),
    "loading": ("loading", "$text-muted"),
    "waiting": ("○ waiting", "$text-warning"),
    "problem": ("✗", "$text-error"),
    "done": ("read once", "$text-muted"),
    "failed": ("✗ reading failed", "$text-error"),
}


class Header(Widget):
    """One row; on a narrow screen the left group gives way first.

    `tabs` are the labels of all views, in the order of their digits; the one with `label` is here.
    """

    headline: reactive[HeaderState] = reactive(HeaderState())

    def __init__(self, label: str, tabs: Sequence[str]) -> None:
        super().__init__()
        self.tabs = tuple(tabs)
        self._label = label
        self._tabs_at = 0

    @dataclass
    class Picked(Message):
        """The mouse picked the tab with this digit."""

        digit: int

    def render(self) -> Content:
        """Left group, tabs, right group; remembers where the tabs are, for the mouse."""
        right = self._right()
        tabs = self._tabs()
        room = self.size.width - right.cell_length - tabs.cell_length - 4
        lefts = self._hints() or self._lefts()  # rather without tabs than without a hint
        left = next((group for group in lefts if group.cell_length <= room), None)
        if left is None or self.size.width < _TABS_FROM:
            self._tabs_at = self.size.width
            return self._apart(right)
        middle = self.size.width - right.cell_length - tabs.cell_length - 3
        self._tabs_at = middle
        gap = " " * (middle - left.cell_length)
        return Content.assemble(left, gap, tabs, "   ", right)

    def on_click(self, event: events.Click) -> None:
        """Go to the view whose tab is under the mouse."""
        at = self._tabs_at
        for digit, label in enumerate(self.tabs, 1):
            width = len(f"{digit} {label}  ")
            if at <= event.x < at + width:
                self.post_message(self.Picked(digit))
            at += width

    def _tabs(self) -> Content:
        tabs = Content("")
        for digit, label in enumerate(self.tabs, 1):
            here = label == self._label
            tabs += Content.assemble(
                (f"{digit} ", "$text-primary bold" if here else "$text-muted"),
                (label, "$text-primary bold underline" if here else "$text-muted"),
                "  ",
            )
        return tabs

    def _apart(self, right: Content) -> Content:
        """The two groups, pushed apart."""
        room = self.size.width - right.cell_length - 2
        lefts = self._lefts()
        left = next((group for group in lefts if group.cell_length <= room), lefts[-1])
        gap = max(1, self.size.width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right)

    def _lefts(self) -> list[Content]:
        """The left group, in full and ever shorter."""
        line = self.headline
        if line.calls is None:
            return [_NAME + self._file(), _NAME]
        counted = self._counted(line.calls)
        cost = self._cost() if line.calls else ""
        few = Content.assemble(
            "   ", (humanize.count(line.calls), "bold"), (" calls", "$text-muted")
        )
        name, file = _NAME, self._file()
        return [*self._hints(), counted + cost, counted, name + file + few, name + few, name]

    def _hints(self) -> list[Content]:
        """The left groups where more is wrong than right with the log; else none."""
        line = self.headline
        if line.calls is None or line.skipped <= line.calls:
            return []
        hint = Content.styled(": see llmlog health", "$text-warning")
        return [self._counted(line.calls) + hint, _NAME + self._file() + self._skipped() + hint]

    def _counted(self, number: int) -> Content:
        line = self.headline
        muted = "$text-muted"
        made = " call" if number == 1 else " calls"
        calls = Content.assemble("   ", (f"{number:,}", "bold"), (made, muted))
        runs = " trace" if line.traces == 1 else " traces"
        traces = Content.assemble("  ", (f"{line.traces:,}", "bold"), (runs, muted))
        skipped = self._skipped() if line.skipped else Content("")
        return _NAME + self._file() + calls + traces + skipped

    def _file(self) -> Content:
        return Content.assemble("  ", (sanitize(self.headline.file, 60), "bold"))

    def _skipped(self) -> Content:
        number = self.headline.skipped
        lines = "line" if number == 1 else "lines"
        return Content.styled(f"   {number:,} {lines} skipped", "$text-warning")

    def _cost(self) -> Content:
        line = self.headline
        unpriced = f" +{line.unpriced:,} unpriced" if line.unpriced else ""
        return Content.assemble(
            "   ", (humanize.money(line.cost), "bold"), (unpriced, "$text-muted")
        )

    def _right(self) -> Content:
        line = self.headline
        words, colour = STATES[line.state]
        state = Content.assemble(
            (words, colour), (f" {sanitize(line.detail)}" if line.detail else "")
        )
        if line.silent:
            state += Content.styled("  silent", "$text-muted")
        if not line.alerts:
            return state + "  "
        what = "alert" if line.alerts == 1 else "alerts"
        if self.size.width < 100:  # noqa: PLR2004 - the compact form's limit
            what = ""
        badge = Content.styled(
            f" ▲ {line.alerts} {what}".rstrip() + " ", "$background on $warning bold"
        )
        return state + "   " + badge + " "
