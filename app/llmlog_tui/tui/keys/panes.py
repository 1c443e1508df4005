"""The keys of what has the focus within a view: tables, panes, the editor, sheets of text."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from llmlog_tui.tui.keys.naming import named

GROUND_BINDINGS: Final = named(
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
    ],
)

TABLE_BINDINGS: Final = named(
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

PICK_BINDINGS: Final = named(
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

COLUMN_BINDINGS: Final = named(
    "sort",
    [
        Binding("s", "sort", "sort", tooltip="Sort by this column: down, up, by time again"),
        Binding("S", "columns", "columns", tooltip="Choose the columns, and their order"),
    ],
)

TRACES_BINDINGS: Final = named(
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

TIMELINE_BINDINGS: Final = named(
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

TIME_BINDINGS: Final = named(
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

CALLS_BINDINGS: Final = named(
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

ALL_CALLS_BINDINGS: Final = named(
    "all-calls",
    [
        Binding(
            "enter", "select", "detail", key_display="Enter", tooltip="Its detail beside the table"
        )
    ],
)

ALERTS_BINDINGS: Final = named(
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

STEPS_BINDINGS: Final = named(
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

PAIRS_BINDINGS: Final = named(
    "pairs", [Binding("enter", "select", "record", key_display="Enter", tooltip="Show the record")]
)

EDITOR_BINDINGS: Final = named(
    "editor",
    [
        Binding("escape", "leave", "result", key_display="Esc", tooltip="Leave the editor"),
        Binding("tab", "complete", "complete", key_display="Tab", tooltip="Complete the word"),
    ],
)

RESULT_BINDINGS: Final = named(
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

SHEET_BINDINGS: Final = named(
    "sheet",
    [
        Binding("up,k", "roll(-1)", "line up", show=False),
        Binding("down,j", "roll(1)", "line down", show=False),
        Binding("pageup", "page(-0.9)", "page up", show=False),
        Binding("pagedown", "page(0.9)", "page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False),
        Binding("home,g", "all(-1)", "top", show=False),
        Binding("G", "all(1)", "bottom", show=False),
    ],
)
