"""The top row: file, counts, cost, tabs, reading state and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize


@dataclass(frozen=True)
class HeaderState:
    """Values of the header; all counts are unknown if `calls` is None.

    `format` names formats of other tools, `window` the part of a table. `cost` is in USD, without
    `unpriced` calls; `state` is a key of STATES, followed by `detail`. New alerts are not reported
    while `silent`.
    """

    file: str = ""
    format: str = ""
    window: str = ""
    calls: int | None = None
    traces: int = 0
    cost: float | None = None
    unpriced: int = 0
    state: str = "loading"
    detail: str = ""
    alerts: int = 0
    skipped: int = 0
    silent: bool = False


_WIDE_FROM, _WORDS_FROM = 100, 106
"""Minimum columns of a screen for tabs, and for words beside the number of alerts."""

_TAB_GAPS: Final = (2, 1)
"""Cells between tabs, and where the left group gets longer by it."""

_NAME = Content.styled(" llmlog ", "$background on $primary bold")

STATES: Final = {
    "live": ("● live", "$text-success"),
    "frozen": ("‖ frozen", "$text-accent"),
    "loading": ("loading", "$text-muted"),
    "waiting": ("○ waiting", "$text-warning"),
    "problem": ("✗", "$text-error"),
    "done": ("read once", "$text-muted"),
    "failed": ("✗ reading failed", "$text-error"),
}


class Header(Widget):
    """One row; on a narrow screen, the left group is shortened first.

    `tabs` are the labels of all views, in the order of their digits; `label` is the current one.
    Without room for tabs, `name` is shown: that of a view without a tab, too.
    """

    headline: reactive[HeaderState] = reactive(HeaderState())
    auto_links = False  # Textual would look for them in each line

    def __init__(self, label: str, tabs: Sequence[str], name: str = "") -> None:
        super().__init__()
        self.tabs = tuple(tabs)
        self._label, self._name = label, name or label
        self._tab_groups = [(gap, self._tabs(gap)) for gap in _TAB_GAPS]
        self._tabs_at, self._tab_gap = 0, _TAB_GAPS[0]

    @dataclass
    class TabPicked(Message):
        """Go to the view with this digit."""

        digit: int

    def render(self) -> Content:
        """Render left group, tabs and right group; on_click() finds tabs by their cells."""
        right = self._right()
        lefts = self._hints() or self._lefts()  # a hint is more important than tabs
        left, tabs = None, Content("")
        for gap, narrower in self._tab_groups:
            room = self.size.width - right.cell_length - narrower.cell_length - 4
            longer = next((group for group in lefts if group.cell_length <= room), None)
            if longer is not None and (left is None or longer.cell_length > left.cell_length):
                left, tabs, self._tab_gap = longer, narrower, gap
        if left is None or self.size.width < _WIDE_FROM:
            self._tabs_at = self.size.width
            return self._without_tabs(right)
        middle = self.size.width - right.cell_length - tabs.cell_length - 2
        self._tabs_at = middle
        return Content.assemble(left, " " * (middle - left.cell_length), tabs, "  ", right)

    def on_click(self, event: events.Click) -> None:
        at = self._tabs_at
        for digit, label in enumerate(self.tabs, 1):
            width = len(f"{digit} {label}") + self._tab_gap
            if at <= event.x < at + width:
                self.post_message(self.TabPicked(digit))
            at += width

    def _tabs(self, gap: int) -> Content:
        tabs = Content("")
        for digit, label in enumerate(self.tabs, 1):
            is_current = label == self._label
            tabs += Content.assemble(
                (f"{digit} ", "$text-primary bold" if is_current else "$text-muted"),
                (label, "$text-primary bold underline" if is_current else "$text-muted"),
                " " * gap,
            )
        return tabs

    def _without_tabs(self, right: Content) -> Content:
        room = self.size.width - right.cell_length - 2
        digit = f"{self.tabs.index(self._name) + 1} " if self._name in self.tabs else ""
        view = Content.styled(f"  {digit}{self._name}", "$text-primary bold")
        hints, groups = self._hints(), self._lefts()
        named = [_NAME + view + each[_NAME.cell_length :] for each in (*hints, *groups)]
        # A hint is more important than the view's name, which is more important than all else.
        lefts = [*named[: len(hints)], *hints, *named[len(hints) :], groups[-1]]
        left = next((group for group in lefts if group.cell_length <= room), lefts[-1])
        gap = max(1, self.size.width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right)

    def _lefts(self) -> list[Content]:
        """Return left groups, from the longest to the shortest."""
        line = self.headline
        if line.calls is None:
            return [_NAME + self._file(), _NAME]
        counted = self._counted(line.calls)
        cost = self._cost() if line.calls else ""
        short = Content.assemble(
            "   ", (humanize.count(line.calls), "bold"), (" calls", "$text-muted")
        )
        name, file, bare = _NAME, self._file(), self._file(with_format=False)
        groups = [counted + cost, counted]
        # That a table is read in part is more important than its calls.
        part = [name + each + self._window() for each in (bare, Content(" ")) if line.window]
        if line.skipped:  # more important than the number of traces
            few = Content.styled(f"   {line.skipped:,} skipped", "$text-warning")
            groups += [each + few for each in part]
            groups += [name + part + short + self._skipped() for part in (file, bare)]
            groups += [name + part + short + few for part in (bare, Content(""))]
        groups += [name + file + short, *part, name + bare + short]
        return [*self._hints(), *groups, name + short, name]

    def _hints(self) -> list[Content]:
        """Return left groups with a hint if more lines were skipped than there are calls."""
        line = self.headline
        if line.calls is None or line.skipped <= line.calls:
            return []
        hint = Content.styled(": see llmlog health", "$text-warning")
        return [self._counted(line.calls) + hint, _NAME + self._file() + self._skipped() + hint]

    def _counted(self, number: int) -> Content:
        line = self.headline
        calls, traces = _count(number, "call"), _count(line.traces, "trace")
        skipped = self._skipped() if line.skipped else Content("")
        return _NAME + self._file() + "   " + calls + "  " + traces + skipped

    def _file(self, *, with_format: bool = True) -> Content:
        name, format_ = sanitize(self.headline.file, 60), sanitize(self.headline.format, 40)
        written_by = f" {format_}" if format_ and with_format else ""
        window = self._window() if with_format else ""
        return Content.assemble("  ", (name, "bold"), (written_by, "$text-accent"), window)

    def _window(self) -> Content:
        window = self.headline.window
        return Content.styled(f" {window}" if window else "", "$text-muted")

    def _skipped(self) -> Content:
        skipped = humanize.plural(self.headline.skipped, "line")
        return Content.styled(f"   {skipped} skipped", "$text-warning")

    def _cost(self) -> Content:
        line = self.headline
        if line.cost is None and line.unpriced:
            return Content.styled(f"   {line.unpriced:,} unpriced", "$text-muted")
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
        is_wide = self.size.width >= _WORDS_FROM
        alerts = humanize.plural(line.alerts, "alert") if is_wide else line.alerts
        return state + "   " + Content.styled(f" ▲ {alerts} ", "$background on $warning bold") + " "


def _count(number: int, name: str) -> Content:
    count, noun = humanize.plural(number, name).split(" ", 1)
    return Content.assemble((count, "bold"), (f" {noun}", "$text-muted"))
