"""All keys, as tui.bindings has them and the user has changed them; those of here and now first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from textwrap import wrap
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.keys import format_key
from textual.screen import ModalScreen

from llmlog_tui.tui.keys import ALL
from llmlog_tui.tui.keys.dialogs import HELP_BINDINGS
from llmlog_tui.tui.keys.naming import scope_of
from llmlog_tui.tui.widgets.text_pane import TextPane

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
    "note": "While a note is typed",
    "path": "While a path is typed",
    "find": "While a search is typed",
    "filter": "While a filter is typed",
    "record": "In a record",
    "welcome": "Without a log",
    "sheet": "In a sheet of text, as this help is one",
    "help": "In this help",
    "sql": "SQL",
}
"""Scopes whose name says too little."""

_LAST: Final = ("columns", "sort", "table", "view", "app")
"""Scopes that are in force nearly everywhere: they stand behind what is special here."""

_NAMES: Final = {
    **{key: key.capitalize() for key in ("up", "down", "left", "right")},
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "delete": "Del",
    "enter": "Enter",
}
_YOURS: Final = (
    'A key of your own: a line such as "overview.hide-pane" = "f8" under [keys] in config.toml, '
    "with the grey word of the heading and the name of the key."
)
_KEYS, _NAME, _WIDEST_KEYS = 12, 18, 24
_TWO_COLUMNS_FROM: Final = 130
_NARROWEST: Final = 10
_GAP = 2


def key_name(key: str) -> str:
    """A key as it stands on the keyboard: `ctrl+d` is `Ctrl-D`."""
    *modifiers, last = key.strip().split("+")
    name = _NAMES.get(last) or format_key(last)
    if modifiers or len(name) > 1:
        name = name[:1].upper() + name[1:]
    return "-".join([*(modifier.capitalize() for modifier in modifiers), name])


def sections(here: Collection[str]) -> Iterator[tuple[str, list[Binding]]]:
    """(scope, its keys): those in force `here` first, the most special ones before all."""
    scopes: dict[str, list[Binding]] = {}
    for binding in ALL:
        scopes.setdefault(scope_of(binding), []).append(binding)
    special = [scope for scope in scopes if scope in here and scope not in _LAST]
    general = [scope for scope in _LAST if scope in here]
    others = [scope for scope in scopes if scope not in here]
    for scope in (*special, *general, *others):
        yield scope, scopes[scope]


class HelpDialog(ModalScreen[None]):
    """The keys; `here` are the scopes in force, `own` the user's keys by a binding's id."""

    BINDINGS: ClassVar[list[BindingType]] = [*HELP_BINDINGS]

    def __init__(self, here: Collection[str], own: Mapping[str, str]) -> None:
        super().__init__()
        self.sheet = TextPane()
        self._here, self._own = here, own

    def compose(self) -> ComposeResult:
        """The sheet alone."""
        yield self.sheet

    def on_resize(self) -> None:
        """Fill the sheet once it has its size."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        """Take as many columns as there is room for."""
        room = self.sheet.size.width
        two = room >= _TWO_COLUMNS_FROM
        width = max(_NARROWEST, room // 2 - _GAP if two else room - _GAP)
        parts = [list(self._section(*each, width)) for each in sections(self._here)]
        parts.append([Content.styled(line, "$text-muted") for line in wrap(_YOURS, width)])
        half = sum(map(len, parts)) / 2 if two else float("inf")
        left: list[Content] = []
        right: list[Content] = []
        for part in parts:
            (left if len(left) < half and not right else right).extend(part)
        pairs = zip_longest(left, right, fillvalue=Content(""))
        lines = (a.pad_right(width + _GAP - a.cell_length) + b for a, b in pairs)
        self.sheet.hold("Keys · those of here first", lines, "j k scroll · Esc back")

    def _section(self, scope: str, bindings: Iterable[Binding], width: int) -> Iterator[Content]:
        title = _TITLES.get(scope, scope.capitalize())
        mark = "● " if scope in self._here else ""
        yield Content.assemble(
            (f"{mark}{title}", "$text-primary bold"), (f"  {scope}", "$text-muted")
        )
        rows: dict[str, tuple[list[str], Binding]] = {}
        for binding in bindings:
            name = binding.id or ""
            keys = rows.setdefault(name, ([], binding))[0]
            keys += map(key_name, self._own.get(name, binding.key).split(","))
        for keys, binding in rows.values():
            yield from _row(" ".join(dict.fromkeys(keys)), binding, width)
        yield Content("")


def _row(keys: str, binding: Binding, width: int) -> Iterator[Content]:
    """Keys, what they are called, and what they do, over as many lines as that needs."""
    indent = 1 + _KEYS + 1 + _NAME + 1
    told = wrap(binding.tooltip, max(_NARROWEST, width - indent))
    shown = f" {keys[:_WIDEST_KEYS]:<{_KEYS}} "
    name = f"{binding.description:<{max(1, indent - len(shown))}}"
    is_narrow = len(shown) + len(name) <= indent
    beside = told.pop(0) if told and is_narrow else ""
    yield Content.assemble((shown, "bold"), name, (beside, "$text-muted"))
    for line in told:
        yield Content.styled(" " * indent + line, "$text-muted")
