"""Every key, once: the footer, the help, the panes and a user's own keys take them from here.

A binding's id, by which a user's configuration names it, is its scope and its description.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from textual.binding import Binding


def _named(scope: str, bindings: Iterable[Binding]) -> list[Binding]:
    """Each with its id: `view.next-match`."""
    return [
        replace(binding, id=f"{scope}.{binding.description.replace(' ', '-')}")
        for binding in bindings
    ]


VIEW_BINDINGS: Final = _named(
    "view",
    [
        Binding("tab", "app.focus_next", "pane", key_display="Tab", tooltip="Go to the next pane"),
        Binding("shift+tab", "app.focus_previous", "pane before", show=False),
        Binding(
            "slash",
            "find",
            "find",
            key_display="/",
            tooltip="Find an id, a model, a tool, an error",
        ),
        Binding("n", "find_next(1)", "next match", tooltip="Go to the next match", show=False),
        Binding("N", "find_next(-1)", "match before", tooltip="Go to the match before", show=False),
        Binding(
            "f", "filter", "filter", tooltip="Show only the calls for which an SQL predicate holds"
        ),
        Binding("escape", "back", "back", tooltip="Clear the filter", show=False),
        Binding("w", "alert(1)", "next alert", tooltip="Go to the next alert, and where it began"),
        Binding("W", "alert(-1)", "alert before", tooltip="Go to the alert before", show=False),
        Binding("y", "copy", "copy", tooltip="Copy an id, the grep, the line, the run"),
        Binding("e", "error(1)", "next error", tooltip="Go to the next failed call"),
        Binding(
            "E", "error(-1)", "previous error", tooltip="Go to the failed call before", show=False
        ),
    ],
)

OVERVIEW_BINDINGS: Final = _named(
    "overview",
    [
        Binding("z", "zoom", "zoom", tooltip="Give the pane the whole screen, and back"),
        Binding("x", "hide", "hide pane", tooltip="Hide this pane", show=False),
        Binding("X", "unhide", "all panes", tooltip="Show all panes again", show=False),
        Binding(
            "ctrl+left",
            "widen(-2)",
            "narrower",
            tooltip="Give Traces less and Timeline more",
            show=False,
        ),
        Binding(
            "ctrl+right",
            "widen(2)",
            "wider",
            tooltip="Give Traces more and Timeline less",
            show=False,
        ),
        Binding(
            "ctrl+up",
            "heighten(-1)",
            "line up",
            tooltip="Move the line under this pane up",
            show=False,
        ),
        Binding(
            "ctrl+down",
            "heighten(1)",
            "line down",
            tooltip="Move the line under this pane down",
            show=False,
        ),
        Binding("d", "mark", "diff", tooltip="Mark this run for a diff; d on another one shows it"),
    ],
)

APP_BINDINGS: Final = _named(
    "app",
    [
        Binding(
            "space",
            "freeze",
            "freeze",
            key_display="Space",
            tooltip="Freeze the screen; reading goes on",
        ),
        Binding(
            "end",
            "follow",
            "newest",
            key_display="End",
            tooltip="Go to the newest record and stay there",
        ),
        *(
            Binding(
                str(digit), f"view({digit})", f"view {digit}", show=False, tooltip=f"Go to {name}"
            )
            for digit, name in enumerate(("Overview", "Calls", "Trends", "Alerts", "SQL"), 1)
        ),
        Binding(
            "m", "bookmark", "bookmark", tooltip="Bookmark this record, or no more", show=False
        ),
        Binding(
            "apostrophe",
            "bookmarks",
            "bookmarks",
            key_display="'",
            tooltip="List the bookmarks, and put notes on them",
            show=False,
        ),
        Binding(
            "u", "next_bookmark(1)", "next bookmark", tooltip="Go to the next bookmark", show=False
        ),
        Binding(
            "U",
            "next_bookmark(-1)",
            "bookmark before",
            tooltip="Go to the bookmark before",
            show=False,
        ),
        Binding(
            "less_than_sign",
            "jump(-1)",
            "jump back",
            key_display="<",
            tooltip="Go back to where the last jump came from",
            show=False,
        ),
        Binding(
            "greater_than_sign",
            "jump(1)",
            "jump forward",
            key_display=">",
            tooltip="Go forward again",
            show=False,
        ),
        Binding(
            "colon,ctrl+p",
            "command_palette",
            "commands",
            key_display=":",
            tooltip="Choose a command: export, bundle, theme; a number goes to that step",
            show=False,
        ),
        Binding("question_mark,f1", "help", "help", key_display="?", tooltip="Show all keys"),
        Binding("q", "quit", "quit", tooltip="Leave at once"),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
    ],
)

TABLE_BINDINGS: Final = _named(
    "table",
    [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False),
        Binding("home,g", "first", "first row", show=False),
        Binding("G", "last", "last row", show=False),
    ],
)

COLUMN_BINDINGS: Final = _named(
    "sort",
    [
        Binding("s", "sort", "sort", tooltip="Sort by this column: down, up, by time again"),
        Binding("S", "columns", "columns", tooltip="Choose the columns, and their order"),
    ],
)
CHOOSING_BINDINGS: Final = _named(
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
PICK_BINDINGS: Final = _named(
    "columns",
    [
        Binding("h,left", "column(-1)", "column", key_display="h/l", tooltip="Column to the left"),
        Binding("l,right", "column(1)", "column on", tooltip="Column to the right", show=False),
        Binding(
            "equals_sign",
            "pick('this')",
            "only this",
            key_display="=",
            tooltip="Show only what has the value under the cursor",
        ),
        Binding(
            "minus",
            "pick('others')",
            "not this",
            key_display="-",
            tooltip="Hide what has the value under the cursor",
        ),
    ],
)
ALL_CALLS_BINDINGS: Final = _named(
    "all-calls",
    [
        Binding(
            "enter", "select", "detail", key_display="Enter", tooltip="Its detail beside the table"
        )
    ],
)
CALLS_VIEW_BINDINGS: Final = _named(
    "calls-view",
    [
        Binding("v", "view_as", "fields or line", tooltip="Fields or the raw line in the drawer"),
        Binding("r", "record", "record", tooltip="Show the whole record"),
    ],
)
TRENDS_BINDINGS: Final = _named(
    "trends",
    [
        Binding("h,left", "cursor(-1)", "cursor", key_display="h/l", tooltip="Cursor to the left"),
        Binding("l,right", "cursor(1)", "cursor on", tooltip="Cursor to the right", show=False),
        Binding("i", "zoom_time(0.5)", "zoom", key_display="i/o", tooltip="Look at less time"),
        Binding("v", "view_as", "next chart", tooltip="On a small screen, the next chart"),
        Binding("o", "zoom_time(2.0)", "zoom out", tooltip="Look at more time", show=False),
        Binding("H", "pan(-0.5)", "earlier", key_display="H/L", tooltip="Look at earlier calls"),
        Binding("L", "pan(0.5)", "later", tooltip="Look at later calls", show=False),
        Binding("0", "all", "all", tooltip="Look at all of the time"),
        Binding("M", "model", "model", tooltip="Look at one model after the other"),
        Binding(
            "r", "range", "range to filter", tooltip="All views show only this time, or no more"
        ),
        Binding(
            "enter", "open", "its call", key_display="Enter", tooltip="Go to the alert or call"
        ),
    ],
)
TRACES_BINDINGS: Final = _named(
    "traces",
    [
        Binding(
            "enter",
            "select",
            key_display="Enter",
            description="replay",
            tooltip="Replay this trace, step by step",
        ),
        Binding("b", "session", "its session", tooltip="Show only the session of this trace"),
        Binding(
            "B",
            "group",
            "by session",
            tooltip="Show all traces by session, or as they came; b shows one session alone",
        ),
    ],
)
FINDINGS_BINDINGS: Final = _named(
    "alerts-view",
    [
        Binding("b", "side('before')", "calls before", tooltip="Show only calls before it began"),
        Binding("a", "side('after')", "calls after", tooltip="Show only calls since it began"),
    ],
)
DIFF_BINDINGS: Final = _named(
    "diff",
    [
        Binding("n", "difference(1)", "next difference", tooltip="Go to the next difference"),
        Binding("N", "difference(-1)", "difference before", show=False),
        Binding("a", "record('a')", "A's record", tooltip="Show the step's record in A"),
        Binding("b", "record('b')", "B's record", tooltip="Show the step's record in B"),
        Binding("q", "back", "back", tooltip="Go back"),
    ],
)
PAIRS_BINDINGS: Final = _named(
    "pairs", [Binding("enter", "select", "record", key_display="Enter", tooltip="Show the record")]
)
SQL_BINDINGS: Final = _named(
    "sql",
    [
        Binding(
            "ctrl+r,f5,ctrl+enter", "run", "run", key_display="Ctrl-R", tooltip="Run the query"
        ),
        Binding(
            "ctrl+up",
            "history(-1)",
            "query before",
            key_display="Ctrl-↑",
            tooltip="The query before",
        ),
        Binding("ctrl+down", "history(1)", "query after", show=False),
    ],
)
EDITOR_BINDINGS: Final = _named(
    "editor",
    [
        Binding("escape", "leave", "result", key_display="Esc", tooltip="Leave the editor"),
        Binding("tab", "complete", "complete", key_display="Tab", tooltip="Complete the word"),
    ],
)
RESULT_BINDINGS: Final = _named(
    "result",
    [
        Binding(
            "h,left", "roll(-1)", "columns", key_display="h/l", tooltip="Roll the columns back"
        ),
        Binding("l,right", "roll(1)", "columns on", tooltip="Roll the columns on", show=False),
        Binding("x", "screen.export", "export", tooltip="Write the result to a file"),
        Binding("i", "screen.focus('#editor')", "edit", tooltip="Edit the query"),
    ],
)
PATH_BINDINGS: Final = _named(
    "path", [Binding("escape", "close", "back", key_display="Esc", tooltip="Write nothing")]
)
TIMELINE_BINDINGS: Final = _named(
    "timeline",
    [
        Binding(
            "enter",
            "select",
            key_display="Enter",
            description="replay",
            tooltip="Replay this trace, from this step on",
        ),
    ],
)
TIME_BINDINGS: Final = _named(
    "time",
    [
        Binding(
            "i",
            "zoom_time(0.5)",
            "zoom time",
            key_display="i/o",
            tooltip="Look closer at this step",
        ),
        Binding("o", "zoom_time(2.0)", "zoom out", tooltip="Look at more time", show=False),
        Binding("h,left,H", "pan(-0.5)", "pan", key_display="h/l", tooltip="Look earlier"),
        Binding("l,right,L", "pan(0.5)", "later", tooltip="Look later", show=False),
        Binding("0", "all", "all time", tooltip="Look at all of the time"),
    ],
)
CALLS_BINDINGS: Final = _named(
    "calls",
    [
        Binding(
            "enter",
            "select",
            key_display="Enter",
            description="record",
            tooltip="Show the whole record",
        ),
        Binding("t", "screen.trace", "its trace", tooltip="Go to the trace of this call"),
    ],
)
ALERTS_BINDINGS: Final = _named(
    "alerts",
    [
        Binding(
            "enter",
            "select",
            key_display="Enter",
            description="its call",
            tooltip="Go to the call where it began",
        ),
    ],
)
STEPS_BINDINGS: Final = _named(
    "steps",
    [
        Binding(
            "enter,r",
            "select",
            key_display="Enter",
            description="record",
            tooltip="Show the whole record",
        ),
        Binding(
            "i",
            "zoom_time(0.5)",
            "zoom time",
            key_display="i/o",
            tooltip="Look closer at this step",
        ),
        Binding("o", "zoom_time(2.0)", "zoom out", tooltip="Look at more time", show=False),
        Binding("H", "pan(-0.5)", "earlier", tooltip="Look at earlier steps", show=False),
        Binding("L", "pan(0.5)", "later", tooltip="Look at later steps", show=False),
        Binding("0", "all", "all time", tooltip="Look at all of the time", show=False),
    ],
)
REPLAY_BINDINGS: Final = _named(
    "replay",
    [
        Binding("space", "play", "play", key_display="Space", tooltip="Play, or pause"),
        Binding("h,left", "step(-1)", "step", key_display="h/l", tooltip="Go one step back"),
        Binding("l,right", "step(1)", "step on", tooltip="Go one step on", show=False),
        Binding("[", "speed(-1)", "speed", key_display="[ ]", tooltip="Play slower"),
        Binding("]", "speed(1)", "faster", tooltip="Play faster", show=False),
        Binding("v", "view_as", "view as", tooltip="Content, raw line or fields"),
        Binding("q", "back", "back", tooltip="Go back"),
    ],
)
SHEET_BINDINGS: Final = _named(
    "sheet",
    [
        Binding("up,k", "scroll_up", "line up", show=False),
        Binding("down,j", "scroll_down", "line down", show=False),
        Binding("pageup,ctrl+u", "page_up", "page up", show=False),
        Binding("pagedown,ctrl+d", "page_down", "page down", show=False),
        Binding("home,g", "scroll_home", "top", show=False),
        Binding("G", "scroll_end", "bottom", show=False),
    ],
)
COPY_BINDINGS: Final = _named(
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
BOOKMARKS_BINDINGS: Final = _named(
    "bookmarks",
    [
        Binding("enter", "go", "go there", key_display="Enter", tooltip="Go to the record"),
        Binding("n", "note", "note", tooltip="Put a note on the bookmark"),
        Binding("x,delete", "remove", "remove", key_display="x", tooltip="Remove the bookmark"),
        Binding("escape,q,apostrophe", "back", "back", key_display="Esc", tooltip="Go back"),
    ],
)
NOTE_BINDINGS: Final = _named(
    "note", [Binding("escape", "close", "back", key_display="Esc", tooltip="Keep the old note")]
)
FIND_BINDINGS: Final = _named(
    "find",
    [
        Binding("enter", "submit", "find", key_display="Enter"),
        Binding("escape", "close", "back", key_display="Esc"),
    ],
)
FILTER_BINDINGS: Final = _named(
    "filter",
    [
        Binding("tab", "complete", "complete", key_display="Tab", tooltip="Complete the name"),
        Binding("escape", "close", "back", key_display="Esc"),
    ],
)
WELCOME_BINDINGS: Final = _named(
    "welcome",
    [
        Binding("d", "dismiss('demo')", "demo"),
        Binding("enter,escape", "dismiss('wait')", "wait"),
        Binding("q", "dismiss('quit')", "quit"),
    ],
)
RECORD_BINDINGS: Final = _named(
    "record",
    [
        Binding("escape,q,enter", "dismiss", "back", key_display="Esc"),
    ],
)

ROLLING_BINDINGS: Final = _named(
    "rolling",
    [
        Binding("j,down", "roll(1)", "down", show=False),
        Binding("k,up", "roll(-1)", "up", show=False),
        Binding("pagedown,space", "page(0.9)", "page down", show=False),
        Binding("pageup", "page(-0.9)", "page up", show=False),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False),
        Binding("g,home", "all(-1)", "first line", show=False),
        Binding("G,end", "all(1)", "last line", show=False),
    ],
)
HELP_BINDINGS: Final = _named(
    "help",
    [Binding("escape,q,question_mark,f1", "dismiss", "back", tooltip="Close the help")],
)

ALL: Final[tuple[Binding, ...]] = tuple(
    binding
    for name, bindings in dict(globals()).items()
    if name.endswith("_BINDINGS")
    for binding in bindings
)
"""All keys, in the order of this file."""

IDS: Final = {binding.id: binding for binding in ALL if binding.id is not None}
"""All keys, by id."""
