"""The keys of the whole screen: everywhere, in all views, and in each of them."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from llmlog_tui.tui.keys.naming import named
from llmlog_tui.tui.views import VIEWS

APP_BINDINGS: Final = named(
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
            for digit, name in enumerate(VIEWS.values(), 1)
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

VIEW_BINDINGS: Final = named(
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

OVERVIEW_BINDINGS: Final = named(
    "overview",
    [
        Binding("d", "mark", "diff", tooltip="Mark this run for a diff; d on another one shows it"),
    ],
)

CALLS_VIEW_BINDINGS: Final = named(
    "calls-view",
    [
        Binding("v", "view_as", "fields or line", tooltip="Fields or the raw line in the drawer"),
        Binding("r", "record", "record", tooltip="Show the whole record"),
    ],
)

TRENDS_BINDINGS: Final = named(
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

FINDINGS_BINDINGS: Final = named(
    "alerts-view",
    [
        Binding("b", "side('before')", "calls before", tooltip="Show only calls before it began"),
        Binding("a", "side('after')", "calls after", tooltip="Show only calls since it began"),
    ],
)

SQL_BINDINGS: Final = named(
    "sql",
    [
        Binding(
            "ctrl+r,f5,ctrl+enter", "run", "run", key_display="Ctrl-R", tooltip="Run the query"
        ),
        Binding(
            "ctrl+up",
            "history(-1)",
            "query before",
            key_display="Ctrl-Up",
            tooltip="The query before",
        ),
        Binding("ctrl+down", "history(1)", "query after", show=False),
    ],
)

REPLAY_BINDINGS: Final = named(
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

DIFF_BINDINGS: Final = named(
    "diff",
    [
        Binding("n", "difference(1)", "next difference", tooltip="Go to the next difference"),
        Binding("N", "difference(-1)", "difference before", show=False),
        Binding("a", "record('a')", "A's record", tooltip="Show the step's record in A"),
        Binding("b", "record('b')", "B's record", tooltip="Show the step's record in B"),
        Binding("q", "back", "back", tooltip="Go back"),
    ],
)
