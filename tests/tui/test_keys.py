"""Ids of keys: users' configurations name them, so none is lost or renamed."""

from __future__ import annotations

from typing import Final

from llmlog_tui.tui.keys.registry import ALL
from llmlog_tui.tui.widgets.bindings import hidden, key, scope, scope_of

IDS: Final = {
    "app": "freeze newest view-1 view-2 view-3 view-4 view-5 view-6 bookmark bookmarks "
    "next-bookmark bookmark-before jump-back jump-forward commands help quit",
    "view": "pane pane-before find next-match match-before filter saved-filters back next-alert "
    "alert-before copy next-error previous-error next-slow previous-slow next-cut-off "
    "previous-cut-off",
    "overview": "diff zoom hide-pane all-panes narrower wider line-up line-down",
    "calls-view": "fields-or-line record",
    "trends": "cursor cursor-on zoom next-chart zoom-out earlier later all model by-tag "
    "range-to-filter its-call",
    "server": "cursor cursor-on zoom zoom-out earlier later all next-server charts-or-values "
    "its-call",
    "alerts-view": "calls-before calls-after",
    "sql": "run query-before query-after ready-query clear columns",
    "replay": "play step step-on speed faster view-as answer zoom back",
    "diff": "next-difference difference-before A's-record B's-record back",
    "columns": "column column-on only-this not-this",
    "sort": "sort columns",
    "traces": "replay its-session by-session",
    "timeline": "replay",
    "time": "zoom-time zoom-out pan later all-time",
    "calls": "record its-trace",
    "all-calls": "detail",
    "alerts": "its-call",
    "steps": "record zoom-time zoom-out earlier later all-time",
    "content": "fold message message-before next-message previous-message",
    "pairs": "text-diff",
    "text-diff": "difference difference-before words-or-lines back",
    "editor": "result complete",
    "result": "chart columns columns-on export edit its-call into-query its-trace",
    "result-chart": "table cursor cursor-on more-charts charts-before its-call "
    "its-trace export edit",
    "table": "up down page-up page-down half-a-page-up half-a-page-down first-row last-row",
    "sheet": "line-up line-down page-up page-down half-a-page-up half-a-page-down top bottom",
    "copy": "id save-id request_id save-request_id grep save-grep line save-line "
    "trace-as-Markdown save-trace-as-Markdown message save-message prompt save-prompt "
    "answer save-answer function-arguments save-function-arguments curl save-curl "
    "Python save-Python back",
    "bookmarks": "go-there note remove back",
    "note": "back",
    "refusal": "wait quit",
    "choosing": "show move-up move-down reset take back",
    "path": "back",
    "find": "find back",
    "found": "next-match match-before view-as back",
    "filter": "complete save saved-filters back",
    "filters": "apply save delete back",
    "filter-name": "back",
    "welcome": "demo wait quit",
    "record": "back page-on last-line",
    "help": "back page-on last-line",
}
"""Scope -> names of its keys."""


def test_every_key_has_the_id_under_which_users_configure_it() -> None:
    expected = {f"{scope}.{name}" for scope, names in IDS.items() for name in names.split()}
    assert {binding.id for binding in ALL} == expected


def test_an_id_is_the_scope_and_the_name_of_its_key() -> None:
    (binding,) = scope("view", key("n", "find_next(1)", "next match", "Go to the next match"))
    assert (binding.id, scope_of(binding)) == ("view.next-match", "view")
    assert (binding.action, binding.tooltip) == ("find_next(1)", "Go to the next match")


def test_the_footer_shows_a_key_under_the_name_on_the_keyboard_unless_it_is_hidden() -> None:
    shown = [key("enter,r", "go", "go"), key("i", "zoom", "zoom", shown_as="i/o"), key("s", "", "")]
    assert [binding.key_display for binding in shown] == ["Enter", "i/o", None]
    assert [binding.show for binding in (*shown, hidden("x", "hide", "hide"))] == [
        *[True] * 3,
        False,
    ]
