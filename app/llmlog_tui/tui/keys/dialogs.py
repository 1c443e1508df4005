"""The keys of what opens over a view: menus, lists, lines to type in, the help."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from llmlog_tui.tui.keys.naming import named

COPY_BINDINGS: Final = named(
    "copy",
    [
        binding
        for key, what in (
            ("i", "id"),
            ("r", "request_id"),
            ("g", "grep"),
            ("l", "line"),
            ("t", "trace as Markdown"),
        )
        for binding in (
            Binding(key, f"dismiss('{key}')", what),
            Binding(key.upper(), f"dismiss('{key.upper()}')", f"save {what}"),
        )
    ]
    + [Binding("escape", "dismiss('')", "back", key_display="Esc")],
)

BOOKMARKS_BINDINGS: Final = named(
    "bookmarks",
    [
        Binding("enter", "go", "go there", key_display="Enter", tooltip="Go to the record"),
        Binding("n", "note", "note", tooltip="Put a note on the bookmark"),
        Binding("x,delete", "remove", "remove", key_display="x", tooltip="Remove the bookmark"),
        Binding("escape,q,apostrophe", "back", "back", key_display="Esc", tooltip="Go back"),
    ],
)

NOTE_BINDINGS: Final = named(
    "note", [Binding("escape", "close", "back", key_display="Esc", tooltip="Keep the old note")]
)

CHOOSING_BINDINGS: Final = named(
    "choosing",
    [
        Binding("space", "pick", "show", key_display="Space", tooltip="Show it, or not"),
        Binding("K,shift+up", "shift(-1)", "move up", key_display="K J", tooltip="Further left"),
        Binding("J,shift+down", "shift(1)", "move down", tooltip="Further right", show=False),
        Binding("r", "reset", "reset", tooltip="The usual columns"),
        Binding("enter", "take", "take", key_display="Enter", tooltip="Have these columns"),
        Binding("escape,q", "dismiss", "back", key_display="Esc", tooltip="Change nothing"),
    ],
)

PATH_BINDINGS: Final = named(
    "path", [Binding("escape", "close", "back", key_display="Esc", tooltip="Write nothing")]
)

FIND_BINDINGS: Final = named(
    "find",
    [
        Binding("enter", "submit", "find", key_display="Enter"),
        Binding("escape", "close", "back", key_display="Esc"),
    ],
)

FILTER_BINDINGS: Final = named(
    "filter",
    [
        Binding("tab", "complete", "complete", key_display="Tab", tooltip="Complete the name"),
        Binding("escape", "close", "back", key_display="Esc"),
    ],
)

WELCOME_BINDINGS: Final = named(
    "welcome",
    [
        Binding("d", "dismiss('demo')", "demo"),
        Binding("enter,escape", "dismiss('wait')", "wait"),
        Binding("q", "dismiss('quit')", "quit"),
    ],
)

_READING: Final = (
    Binding("space", "focused.page(0.9)", "page on", key_display="Space", show=False),
    Binding("end", "focused.all(1)", "last line", key_display="End", show=False),
)
"""Where one only reads, the sheet can have these keys too."""

RECORD_BINDINGS: Final = named(
    "record",
    [Binding("escape,q,enter", "dismiss", "back", key_display="Esc"), *_READING],
)
HELP_BINDINGS: Final = named(
    "help",
    [
        Binding("escape,q,question_mark,f1", "dismiss", "back", tooltip="Close the help"),
        *_READING,
    ],
)
