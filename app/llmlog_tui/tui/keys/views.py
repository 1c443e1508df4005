"""Keys of the App and of its views, active whichever pane has the focus."""

from __future__ import annotations

from typing import Final

from llmlog_tui.tui.widgets.bindings import hidden, key, scope

VIEWS: Final = {
    "overview": "Overview",
    "calls": "Calls",
    "trends": "Trends",
    "alerts": "Alerts",
    "sql": "SQL",
    "server": "Server",
}
"""Names of the views, in the order of their digits, and their titles."""

_COMMANDS: Final = "Choose a command: export, bundle, theme; a number goes to that step"

APP_BINDINGS: Final = scope(
    "app",
    key("space", "freeze", "freeze", "Freeze the screen; reading continues"),
    key("end", "follow", "newest", "Go to the newest record, and follow", shown_as="End"),
    *(
        hidden(str(digit), f"view({digit})", f"view {digit}", f"Go to {name}")
        for digit, name in enumerate(VIEWS.values(), 1)
    ),
    hidden("m", "bookmark", "bookmark", "Bookmark this record, or remove its bookmark"),
    hidden("apostrophe", "bookmarks", "bookmarks", "List the bookmarks, and edit their notes"),
    hidden("u", "next_bookmark(1)", "next bookmark", "Go to the next bookmark"),
    hidden("U", "next_bookmark(-1)", "bookmark before", "Go to the previous bookmark"),
    hidden("less_than_sign", "jump(-1)", "jump back", "Go back to where the last jump came from"),
    hidden("greater_than_sign", "jump(1)", "jump forward", "Go forward again"),
    hidden("colon,ctrl+p", "command_palette", "commands", _COMMANDS),
    key("question_mark,f1", "help", "help", "Show all keys", shown_as="?"),
    key("q", "quit", "quit", "Leave at once"),
    hidden("ctrl+q", "quit", "quit", is_urgent=True),
)

VIEW_BINDINGS: Final = scope(
    "view",
    key("tab", "pane(1)", "pane", "Go to the next pane"),
    hidden("shift+tab", "pane(-1)", "pane before"),
    key("slash", "find", "find", "Find an id, a model, a tool, or words in content", shown_as="/"),
    hidden("n", "find_next(1)", "next match", "Go to the next match"),
    hidden("N", "find_next(-1)", "match before", "Go to the previous match"),
    key("f", "filter", "filter", "Show only the calls that match an SQL predicate"),
    hidden("F", "saved_filters", "saved filters", "List, apply, save and delete named filters"),
    hidden("escape", "escape", "back", "End a running search; clear the filter"),
    key("w", "alert(1)", "next alert", "Go to the next alert, and where it began"),
    hidden("W", "alert(-1)", "alert before", "Go to the previous alert"),
    key("y", "copy", "copy", "Copy an id, the grep, the line, the run"),
    key("e", "next_call('failed', 1)", "next error", "Go to the next failed call"),
    hidden("E", "next_call('failed', -1)", "previous error", "Go to the previous failed call"),
    hidden("c", "next_call('cut-off', 1)", "next cut-off", "Go to the next cut-off answer"),
    hidden("C", "next_call('cut-off', -1)", "previous cut-off", "Go to the previous one"),
    hidden("p", "next_call('slow', 1)", "next slow", "Go to the next slow call"),
    hidden("P", "next_call('slow', -1)", "previous slow", "Go to the previous slow call"),
)

OVERVIEW_BINDINGS: Final = scope(
    "overview", key("d", "mark", "diff", "Mark this run for a diff; d on a second run shows it")
)

CALLS_VIEW_BINDINGS: Final = scope(
    "calls-view",
    key("v", "view_as", "fields or line", "Fields or the raw line in the drawer"),
    key("r", "record", "record", "Show the whole record"),
)

TRENDS_BINDINGS: Final = scope(
    "trends",
    key("h,left", "cursor(-1)", "cursor", "Cursor to the left", shown_as="h/l"),
    hidden("l,right", "cursor(1)", "cursor on", "Cursor to the right"),
    key("i", "zoom_time(0.5)", "zoom", "Look at less time", shown_as="i/o"),
    key("v", "view_as", "next chart", "On a small screen, the next chart"),
    hidden("o", "zoom_time(2.0)", "zoom out", "Look at more time"),
    key("H", "pan(-0.5)", "earlier", "Look at earlier calls", shown_as="H/L"),
    hidden("L", "pan(0.5)", "later", "Look at later calls"),
    key("0", "all", "all", "Look at all of the time"),
    key("M", "model", "model", "Look at one model, or value of a tag, after the other"),
    hidden("b", "field", "by tag", "Let M go through the values of the next tag"),
    key("r", "range", "range to filter", "Show only this time in all views, or all again"),
    key("enter", "open", "its call", "Go to the alert or call"),
)

SERVER_BINDINGS: Final = scope(
    "server",
    key("h,left", "cursor(-1)", "cursor", "Cursor to the left", shown_as="h/l"),
    hidden("l,right", "cursor(1)", "cursor on", "Cursor to the right"),
    key("i", "zoom_time(0.5)", "zoom", "Look at less time", shown_as="i/o"),
    key("v", "view_as", "charts or values", "More charts, then all values as the server has them"),
    hidden("o", "zoom_time(2.0)", "zoom out", "Look at more time"),
    key("H", "pan(-0.5)", "earlier", "Look at earlier samples", shown_as="H/L"),
    hidden("L", "pan(0.5)", "later", "Look at later samples"),
    key("0", "all", "all", "Look at all of the time"),
    key("M", "server", "next server", "Look at one server after the other"),
    key("enter", "open", "its call", "Go to the slowest call at the cursor"),
)

ALERTS_VIEW_BINDINGS: Final = scope(
    "alerts-view",
    key("b", "side('before')", "calls before", "Show only calls before it began"),
    key("a", "side('after')", "calls after", "Show only calls since it began"),
)

SQL_BINDINGS: Final = scope(
    "sql",
    key("ctrl+r,f5,ctrl+enter", "run", "run", "Run the query", shown_as="Ctrl-R"),
    key("ctrl+up", "history(-1)", "query before", "The previous query", shown_as="Ctrl-Up"),
    hidden("ctrl+down", "history(1)", "query after"),
    key("ctrl+o", "ready_query", "ready query", "The next ready query", shown_as="Ctrl-O"),
    key("ctrl+l", "clear", "clear", "Empty the editor", shown_as="Ctrl-L"),
    key("ctrl+t", "list_columns", "columns", "List the columns of all tables", shown_as="Ctrl-T"),
)

REPLAY_BINDINGS: Final = scope(
    "replay",
    key("space", "play", "play", "Play, or pause"),
    key("h,left", "step(-1)", "step", "Go one step back", shown_as="h/l"),
    hidden("l,right", "step(1)", "step on", "Go one step on"),
    key("[", "speed(-1)", "speed", "Play slower", shown_as="[ ]"),
    hidden("]", "speed(1)", "faster", "Play faster"),
    key("v", "view_as", "view as", "Conversation, as written, raw line or fields"),
    key("a", "answer", "answer", "Go to the answer"),
    key("z", "zoom", "zoom", "Give the conversation the whole screen, and back"),
    key("q", "back", "back", "Go back"),
)

DIFF_BINDINGS: Final = scope(
    "diff",
    key("n", "difference(1)", "next difference", "Go to the next difference"),
    hidden("N", "difference(-1)", "difference before"),
    key("a", "record('a')", "A's record", "Show the step's record in A"),
    key("b", "record('b')", "B's record", "Show the step's record in B"),
    key("q", "back", "back", "Go back"),
)
