"""Keys of a view's panes, active while a pane has the focus."""

from __future__ import annotations

from typing import Final

from llmlog_tui.tui.widgets.bindings import hidden, key, scope

GRID_BINDINGS: Final = scope(
    "overview",
    key("z", "zoom", "zoom", "Give the pane the whole screen, and back"),
    hidden("x", "hide", "hide pane", "Hide this pane"),
    hidden("X", "unhide", "all panes", "Show all panes again"),
    hidden("ctrl+left", "widen(-2)", "narrower", "Give Traces less and Timeline more"),
    hidden("ctrl+right", "widen(2)", "wider", "Give Traces more and Timeline less"),
    hidden("ctrl+up", "heighten(-1)", "line up", "Move the line under this pane up"),
    hidden("ctrl+down", "heighten(1)", "line down", "Move the line under this pane down"),
)

CELL_BINDINGS: Final = scope(
    "columns",
    key("h,left", "column(-1)", "column", "Column to the left", shown_as="h/l"),
    hidden("l,right", "column(1)", "column on", "Column to the right"),
    key("equals_sign", "pick('this')", "only this", "Show only rows with this value", shown_as="="),
    key("minus", "pick('others')", "not this", "Hide rows with this value", shown_as="-"),
)

COLUMN_BINDINGS: Final = scope(
    "sort",
    key("s", "sort", "sort", "Sort by this column: down, up, in the order of ending again"),
    key("S", "columns", "columns", "Choose the columns, and their order"),
)

TRACES_BINDINGS: Final = scope(
    "traces",
    key("enter", "select", "replay", "Replay this trace, step by step"),
    key("b", "session", "its session", "Show only the session of this trace"),
    key("B", "group", "by session", "Group traces by session, or not; b shows one session alone"),
)

TIMELINE_BINDINGS: Final = scope(
    "timeline", key("enter", "select", "replay", "Replay this trace from this step")
)

TIME_BINDINGS: Final = scope(
    "time",
    key("i", "zoom_time(0.5)", "zoom time", "Look closer at this step", shown_as="i/o"),
    hidden("o", "zoom_time(2.0)", "zoom out", "Look at more time"),
    key("h,left,H", "pan(-0.5)", "pan", "Look earlier", shown_as="h/l"),
    hidden("l,right,L", "pan(0.5)", "later", "Look later"),
    key("0", "all", "all time", "Look at all of the time"),
)

CALLS_BINDINGS: Final = scope(
    "calls",
    key("enter", "select", "record", "Show the whole record"),
    key("t", "screen.trace", "its trace", "Go to the trace of this call"),
)

ALL_CALLS_BINDINGS: Final = scope(
    "all-calls", key("enter", "select", "detail", "Show its detail beside the table")
)

ALERTS_BINDINGS: Final = scope(
    "alerts", key("enter", "select", "its call", "Go to the call where it began")
)

STEPS_BINDINGS: Final = scope(
    "steps",
    key("enter,r", "select", "record", "Show the whole record"),
    key("i", "zoom_time(0.5)", "zoom time", "Look closer at this step", shown_as="i/o"),
    hidden("o", "zoom_time(2.0)", "zoom out", "Look at more time"),
    hidden("H", "pan(-0.5)", "earlier", "Look at earlier steps"),
    hidden("L", "pan(0.5)", "later", "Look at later steps"),
    hidden("0", "all", "all time", "Look at all of the time"),
)

CONTENT_BINDINGS: Final = scope(
    "content",
    key("enter", "select", "fold", "Fold or unfold the message"),
    key("J", "message(1)", "message", "Go to the next message", shown_as="J/K"),
    hidden("K", "message(-1)", "message before", "Go to the previous message"),
    hidden("tab", "tab_message(1)", "next message", "Full screen: go to the next message"),
    hidden("shift+tab", "tab_message(-1)", "previous message"),
)

PAIRS_BINDINGS: Final = scope(
    "pairs", key("enter", "select", "text diff", "Show the texts that differ, word by word")
)

TEXT_DIFF_BINDINGS: Final = scope(
    "text-diff",
    key("n", "difference(1)", "difference", "Go to the next difference", shown_as="n N"),
    hidden("N", "difference(-1)", "difference before"),
    key("w", "units", "words or lines", "Mark the words, or the lines, that differ"),
    key("escape,q", "back", "back", "Go back"),
)

EDITOR_BINDINGS: Final = scope(
    "editor",
    key("escape", "leave", "result", "Leave the editor"),
    key("tab", "complete", "complete", "Complete the word"),
)

RESULT_BINDINGS: Final = scope(
    "result",
    key("v", "screen.view_as", "chart", "Draw the result as a chart, and back to its rows"),
    key("h,left", "roll(-1)", "columns", "Scroll to earlier columns", shown_as="h/l"),
    hidden("l,right", "roll(1)", "columns on", "Scroll to later columns"),
    key("enter", "screen.open", "its call", "Go to the row's call or trace"),
    key("enter", "screen.insert_column", "into query", "Put the column into the query"),
    key("t", "screen.trace", "its trace", "Go to the row's trace"),
    key("x", "screen.export", "export", "Write the result to a file"),
    key("i", "screen.focus('#editor')", "edit", "Edit the query"),
)

RESULT_CHART_BINDINGS: Final = scope(
    "result-chart",
    key("v", "screen.view_as", "table", "List the rows of the result"),
    key("h,left", "cursor(-1)", "cursor", "Cursor to an earlier row", shown_as="h/l"),
    hidden("l,right", "cursor(1)", "cursor on", "Cursor to a later row"),
    key("j,down", "roll(1)", "more charts", "Scroll to charts of other columns", shown_as="j/k"),
    hidden("k,up", "roll(-1)", "charts before", "Scroll back to charts of earlier columns"),
    key("enter", "screen.open", "its call", "Go to the call or trace of the row at the cursor"),
    key("t", "screen.trace", "its trace", "Go to the trace of the row at the cursor"),
    key("x", "screen.export", "export", "Write the result to a file"),
    key("i", "screen.focus('#editor')", "edit", "Edit the query"),
)
