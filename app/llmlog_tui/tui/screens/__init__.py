"""The screens, each imported when it is first wanted: none is needed for the first frame.

As in `textual.widgets`: `screens.HelpScreen` is there without an import of its module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from textual.screen import Screen

    from llmlog_tui.tui.screens.alerts import AlertsScreen as AlertsScreen
    from llmlog_tui.tui.screens.bookmarks import BookmarksScreen as BookmarksScreen
    from llmlog_tui.tui.screens.calls import CallsScreen as CallsScreen
    from llmlog_tui.tui.screens.columns import ColumnsScreen as ColumnsScreen
    from llmlog_tui.tui.screens.copy import CopyScreen as CopyScreen
    from llmlog_tui.tui.screens.diff import DiffScreen as DiffScreen
    from llmlog_tui.tui.screens.help import HelpScreen as HelpScreen
    from llmlog_tui.tui.screens.overview import OverviewScreen as OverviewScreen
    from llmlog_tui.tui.screens.path import PathScreen as PathScreen
    from llmlog_tui.tui.screens.record import RecordScreen as RecordScreen
    from llmlog_tui.tui.screens.replay import ReplayScreen as ReplayScreen
    from llmlog_tui.tui.screens.sql import SqlScreen as SqlScreen
    from llmlog_tui.tui.screens.trends import TrendsScreen as TrendsScreen
    from llmlog_tui.tui.screens.view import View as View
    from llmlog_tui.tui.screens.welcome import WelcomeScreen as WelcomeScreen


def new_view(name: str) -> View:
    """A new view of this name."""
    kind = __getattr__(f"{name.capitalize()}Screen")
    return cast("type[View]", kind)()


def __getattr__(name: str) -> type[Screen[Any]]:
    """The screen of this name: `HelpScreen` is in `help`."""
    module = f"{__name__}.{name.removesuffix('Screen').lower()}"
    none = AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.startswith("_") or (name != "View" and not name.endswith("Screen")):
        raise none
    try:
        screen: type[Screen[Any]] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise none from None
    return screen
