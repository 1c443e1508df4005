"""Screens, imported on first use as in `textual.widgets`: the first frame needs none."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from textual.screen import Screen

    from llmlog_tui.tui.screens.alerts import AlertsScreen as AlertsScreen
    from llmlog_tui.tui.screens.calls import CallsScreen as CallsScreen
    from llmlog_tui.tui.screens.dialogs.bookmarks import BookmarksDialog as BookmarksDialog
    from llmlog_tui.tui.screens.dialogs.column_picker import ColumnPicker as ColumnPicker
    from llmlog_tui.tui.screens.dialogs.content import ContentDialog as ContentDialog
    from llmlog_tui.tui.screens.dialogs.filters import FiltersDialog as FiltersDialog
    from llmlog_tui.tui.screens.dialogs.help import HelpDialog as HelpDialog
    from llmlog_tui.tui.screens.dialogs.record import CopyMenu as CopyMenu
    from llmlog_tui.tui.screens.dialogs.record import RecordDialog as RecordDialog
    from llmlog_tui.tui.screens.dialogs.save_as import SaveAsDialog as SaveAsDialog
    from llmlog_tui.tui.screens.dialogs.startup import RefusalDialog as RefusalDialog
    from llmlog_tui.tui.screens.dialogs.startup import WelcomeDialog as WelcomeDialog
    from llmlog_tui.tui.screens.dialogs.text_diff import TextDiffDialog as TextDiffDialog
    from llmlog_tui.tui.screens.diff import DiffScreen as DiffScreen
    from llmlog_tui.tui.screens.log_view import LogView as LogView
    from llmlog_tui.tui.screens.overview import OverviewScreen as OverviewScreen
    from llmlog_tui.tui.screens.replay import ReplayScreen as ReplayScreen
    from llmlog_tui.tui.screens.server import ServerScreen as ServerScreen
    from llmlog_tui.tui.screens.sql import SqlScreen as SqlScreen
    from llmlog_tui.tui.screens.trends import TrendsScreen as TrendsScreen


def new_view(name: str) -> LogView:
    kind = __getattr__(f"{name.capitalize()}Screen")
    return cast("type[LogView]", kind)()


def __getattr__(name: str) -> type[Screen[Any]]:
    """Import a screen on first use."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    screen: type[Screen[Any]] = getattr(import_module(f"{__name__}.{module}"), name)
    return screen


_MODULES: Final = {
    "AlertsScreen": "alerts",
    "BookmarksDialog": "dialogs.bookmarks",
    "CallsScreen": "calls",
    "ColumnPicker": "dialogs.column_picker",
    "ContentDialog": "dialogs.content",
    "CopyMenu": "dialogs.record",
    "DiffScreen": "diff",
    "FiltersDialog": "dialogs.filters",
    "HelpDialog": "dialogs.help",
    "RefusalDialog": "dialogs.startup",
    "LogView": "log_view",
    "OverviewScreen": "overview",
    "RecordDialog": "dialogs.record",
    "ReplayScreen": "replay",
    "SaveAsDialog": "dialogs.save_as",
    "ServerScreen": "server",
    "SqlScreen": "sql",
    "TextDiffDialog": "dialogs.text_diff",
    "TrendsScreen": "trends",
    "WelcomeDialog": "dialogs.startup",
}
