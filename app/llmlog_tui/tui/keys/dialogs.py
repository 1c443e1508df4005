"""Keys of dialogs and prompts."""

from __future__ import annotations

from typing import Final

from llmlog_tui.copy_choices import CHOICES
from llmlog_tui.tui.widgets.bindings import hidden, key, scope

COPY_BINDINGS: Final = scope(
    "copy",
    *(
        key(letter, f"dismiss('{letter}')", name)
        for lower, what in CHOICES.items()
        for letter, name in ((lower, what), (lower.upper(), f"save {what}"))
    ),
    key("escape", "dismiss('')", "back"),
)

BOOKMARKS_BINDINGS: Final = scope(
    "bookmarks",
    key("enter", "go", "go there", "Go to the record"),
    key("n", "note", "note", "Put a note on the bookmark"),
    key("x,delete", "remove", "remove", "Remove the bookmark", shown_as="x"),
    key("escape,q,apostrophe", "back", "back", "Go back"),
)

FILTERS_BINDINGS: Final = scope(
    "filters",
    key("enter", "apply", "apply", "Apply the filter"),
    key("a", "save", "save", "Save the current filter under a name"),
    key("x,delete", "delete", "delete", "Delete the filter", shown_as="x"),
    key("escape,q,F", "back", "back", "Go back"),
)

FILTER_NAME_BINDINGS: Final = scope("filter-name", key("escape", "close", "back", "Save nothing"))

NOTE_BINDINGS: Final = scope("note", key("escape", "close", "back", "Keep the old note"))

CHOOSING_BINDINGS: Final = scope(
    "choosing",
    key("space", "pick", "show", "Show or hide the column"),
    key("K,shift+up", "shift(-1)", "move up", "Further left", shown_as="K J"),
    hidden("J,shift+down", "shift(1)", "move down", "Further right"),
    key("r", "reset", "reset", "The default columns"),
    key("enter", "take", "take", "Apply these columns"),
    key("escape,q", "dismiss", "back", "Change nothing"),
)

PATH_BINDINGS: Final = scope("path", key("escape", "close", "back", "Write nothing"))

FIND_BINDINGS: Final = scope("find", key("enter", "submit", "find"), key("escape", "close", "back"))

FOUND_BINDINGS: Final = scope(
    "found",
    key("n", "find_next(1)", "next match", shown_as="n N"),
    hidden("N", "find_next(-1)", "match before"),
    key("v", "view_as", "view as", "Conversation, as written, raw line or fields"),
    key("escape,q", "dismiss", "back", "Go back"),
)

FILTER_BINDINGS: Final = scope(
    "filter",
    key("tab", "complete", "complete", "Complete the name"),
    key("ctrl+s", "save", "save", "Save this filter under a name", shown_as="Ctrl-S"),
    key("ctrl+o", "list", "saved filters", "List the saved filters", shown_as="Ctrl-O"),
    key("escape", "close", "back"),
)

WELCOME_BINDINGS: Final = scope(
    "welcome",
    key("d", "dismiss('demo')", "demo"),
    key("enter,escape", "dismiss('wait')", "wait"),
    key("q", "dismiss('quit')", "quit"),
)

REFUSAL_BINDINGS: Final = scope(
    "refusal",
    key("enter,escape", "dismiss('wait')", "wait"),
    key("q", "dismiss('quit')", "quit"),
)

_READING: Final = (
    hidden("space", "page(0.9)", "page on"),
    hidden("end", "all(1)", "last line"),
)
"""Keys that scroll the text of dialogs without any other use for them."""

RECORD_BINDINGS: Final = scope("record", key("escape,q,enter", "dismiss", "back"), *_READING)
HELP_BINDINGS: Final = scope(
    "help", key("escape,q,question_mark,f1", "dismiss", "back", "Close the help"), *_READING
)
