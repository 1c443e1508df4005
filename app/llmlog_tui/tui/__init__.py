"""The dashboard: renders results of analysis, computes none outside `workers`.

The first frame needs no controller, no message and no query: they are imported on first use, as
`tui.navigation.Navigator`.
"""

from typing import TYPE_CHECKING

from llmlog_tui.lazy import lazy_submodules

if TYPE_CHECKING:
    from llmlog_tui.tui import analysis_schedule as analysis_schedule
    from llmlog_tui.tui import bookmarks as bookmarks
    from llmlog_tui.tui import jobs as jobs
    from llmlog_tui.tui import messages as messages
    from llmlog_tui.tui import navigation as navigation
    from llmlog_tui.tui import palette as palette
    from llmlog_tui.tui import queries as queries
    from llmlog_tui.tui import saved_filters as saved_filters
    from llmlog_tui.tui import searching as searching

__getattr__ = lazy_submodules(
    __name__,
    "analysis_schedule",
    "bookmarks",
    "jobs",
    "messages",
    "navigation",
    "palette",
    "queries",
    "saved_filters",
    "searching",
)
