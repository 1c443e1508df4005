"""Help: views, find, filter, signs, then all keys; those of the current screen first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from textwrap import wrap
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content

from llmlog_tui.tui.keys.dialogs import HELP_BINDINGS
from llmlog_tui.tui.keys.registry import ALL, IDS
from llmlog_tui.tui.screens.dialogs.text_dialog import TextDialog
from llmlog_tui.tui.widgets.bindings import key_name, scope_of

_TITLES: Final = {
    "app": "Everywhere",
    "view": "In every view",
    "table": "In every table",
    "columns": "In tables with fields: columns",
    "sort": "In Calls: order",
    "calls": "Calls",
    "all-calls": "Calls: the table",
    "calls-view": "Calls: the view",
    "alerts-view": "Alerts: the view",
    "editor": "SQL: the editor",
    "result": "SQL: the result",
    "steps": "Replay: its steps",
    "pairs": "Diff: its steps",
    "copy": "In the menu of y",
    "bookmarks": "In the list of bookmarks",
    "filters": "In the list of saved filters",
    "filter-name": "While a filter's name is typed",
    "note": "While a note is typed",
    "path": "While a path is typed",
    "find": "While a search is typed",
    "found": "In a hit that no view has",
    "filter": "While a filter is typed",
    "record": "In a record",
    "welcome": "Without a log",
    "sheet": "In a sheet of text, such as this",
    "help": "In this help",
    "sql": "SQL",
}
"""Titles of scopes whose names are not clear enough."""

_LAST: Final = ("columns", "sort", "table", "view", "app")
"""Scopes active on nearly every screen, listed after the special ones."""

_START: Final = (
    *(f"app.view-{digit}" for digit in range(1, 10)),
    *("view.find", "view.next-match", "view.filter", "view.back"),
)
"""Ids of the keys that the help begins with."""

_SIGNS: Final = (
    ("✗", "failed", "$text-error"),
    ("┤", "cut off: at the limit, a broken stream, broken arguments", "$text-warning"),
    ("↻", "retried", "$text-warning"),
    ("≠", "another system_fingerprint than before", "$text-accent"),
    ("◆", "bookmarked", "$text-accent"),
    ("●", "a line with the words of a search", "$text-warning"),
    ("▲ ○", "an alert that is ongoing, or over", "$text-warning"),
    ("│", "of the selected trace", "$text-primary"),
    ("► ?", "in flight; no end in 10 min: probably gone", "$text-primary"),
    ("! * + -", "rows by your rules in config.toml", "$text-muted"),
    ("–", "unknown: not in the log", "$text-muted"),
)
"""Signs on the screen, their meanings and colours."""

_YOURS: Final = (
    'A key of your own: a line such as "overview.hide-pane" = "f8" under [keys] in config.toml, '
    "with the word after config: in the heading, and the name of the key."
)
_KEYS, _NAME, _WIDEST_KEYS = 12, 18, 24
_TWO_COLUMNS_FROM: Final = 130
_NARROWEST: Final = 10
_BESIDE: Final = 20
"""Minimum cells of an explanation beside its key; it is below in a narrower pane."""
_BELOW: Final = 3
"""Cells by which it is indented there."""
_GAP = 2


def sections(here: Collection[str]) -> Iterator[tuple[str, list[Binding]]]:
    """Yield (scope, its keys): scopes active `here` first, the most special ones at the top."""
    scopes: dict[str, list[Binding]] = {}
    for binding in ALL:
        scopes.setdefault(scope_of(binding), []).append(binding)
    special = [scope for scope in scopes if scope in here and scope not in _LAST]
    general = [scope for scope in _LAST if scope in here]
    others = [scope for scope in scopes if scope not in here]
    for scope in (*special, *general, *others):
        yield scope, scopes[scope]


class HelpDialog(TextDialog):
    """All keys; `here` are the active scopes, `own` the user's keys by binding id."""

    BINDINGS: ClassVar[list[BindingType]] = [*HELP_BINDINGS]

    def __init__(self, here: Collection[str], own: Mapping[str, str]) -> None:
        super().__init__()
        self._here, self._own = here, own

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)  # when the pane has its size

    def _fill(self) -> None:
        """Draw one or two columns, by the width of the pane."""
        room = self.sheet.size.width
        two = room >= _TWO_COLUMNS_FROM
        width = max(_NARROWEST, room // 2 - _GAP if two else room - _GAP)
        parts = [list(self._start(width)), list(_signs(width))]
        parts += [list(self._section(*each, width)) for each in sections(self._here)]
        parts.append([Content.styled(line, "$text-muted") for line in wrap(_YOURS, width)])
        half = sum(map(len, parts)) / 2 if two else float("inf")
        left: list[Content] = []
        right: list[Content] = []
        for part in parts:
            (left if len(left) < half and not right else right).extend(part)
        pairs = zip_longest(left, right, fillvalue=Content(""))
        lines = (a.pad_right(width + _GAP - a.cell_length) + b for a, b in pairs)
        self.sheet.update(
            "Help · views, signs, keys of this screen", lines, "j k scroll · Esc back"
        )

    def _section(self, scope: str, bindings: Iterable[Binding], width: int) -> Iterator[Content]:
        title = _TITLES.get(scope, scope.capitalize())
        mark = "● " if scope in self._here else ""
        named = f"  config: {scope}"
        is_named = len(mark) + len(title) + len(named) <= width
        yield Content.assemble(
            (f"{mark}{title}", "$text-primary bold"), (named if is_named else "", "$text-muted")
        )
        yield from self._rows(bindings, width)

    def _start(self, width: int) -> Iterator[Content]:
        """Yield the views, find and filter."""
        yield Content.styled("Views, find, filter", "$text-primary bold")
        yield from self._rows((IDS[name] for name in _START if name in IDS), width)

    def _rows(self, bindings: Iterable[Binding], width: int) -> Iterator[Content]:
        rows: dict[str, tuple[list[str], Binding]] = {}
        for binding in bindings:
            name = binding.id or ""
            keys = rows.setdefault(name, ([], binding))[0]
            keys += map(key_name, self._own.get(name, binding.key).split(","))
        for keys, binding in rows.values():
            yield from _row(" ".join(dict.fromkeys(keys)), binding, width)
        yield Content("")


def _signs(width: int) -> Iterator[Content]:
    """Yield the legend of signs."""
    yield Content.styled("Signs", "$text-primary bold")
    for sign, meaning, tone in _SIGNS:
        first, *more = wrap(meaning, max(_NARROWEST, width - _KEYS - 2))
        yield Content.assemble((f" {sign:<{_KEYS}} ", tone), first)
        yield from (Content(" " * (_KEYS + 2) + line) for line in more)
    yield Content("")


def _row(keys: str, binding: Binding, width: int) -> Iterator[Content]:
    """Yield lines with the keys of a binding, its name and its tooltip."""
    indent = 1 + _KEYS + 1 + _NAME + 1
    shown = f" {keys[:_WIDEST_KEYS]:<{_KEYS}} "
    if width < indent + _BESIDE:
        yield from _narrow_row(shown, binding, width)
        return
    lines = wrap(binding.tooltip, width - indent)
    name = f"{binding.description:<{max(1, indent - len(shown))}}"
    is_narrow = len(shown) + len(name) <= indent
    beside = lines.pop(0) if lines and is_narrow else ""
    yield Content.assemble((shown, "bold"), name, (beside, "$text-muted"))
    for line in lines:
        yield Content.styled(" " * indent + line, "$text-muted")


def _narrow_row(shown: str, binding: Binding, width: int) -> Iterator[Content]:
    """Yield the keys with their name, or above it, then the tooltip."""
    name, indent = binding.description, " " * _BELOW
    if len(shown) + len(name) <= width:
        yield Content.assemble((shown, "bold"), name)
    else:
        yield Content.styled(shown.rstrip(), "bold")
        yield Content(indent + name)
    for line in wrap(binding.tooltip, max(_NARROWEST, width - _BELOW)):
        yield Content.styled(indent + line, "$text-muted")
