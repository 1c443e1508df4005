"""Background threads, and the lazy boundary in front of polars.

The modules imported on first use import polars, llmlog_tui.analysis, orjson or an HTTP client,
which takes longer than the first frame. `workers.analysis` imports such a module in the thread that
needs it; nothing else in `tui` may import polars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmlog_tui.lazy import lazy_submodules

if TYPE_CHECKING:
    from llmlog_tui.tui.workers import analysis as analysis
    from llmlog_tui.tui.workers import bookmarks as bookmarks
    from llmlog_tui.tui.workers import export as export
    from llmlog_tui.tui.workers import log_reader as log_reader
    from llmlog_tui.tui.workers import polling as polling
    from llmlog_tui.tui.workers import sidecar as sidecar
    from llmlog_tui.tui.workers import text_search as text_search

__getattr__ = lazy_submodules(
    __name__,
    "analysis",
    "bookmarks",
    "export",
    "log_reader",
    "polling",
    "sidecar",
    "text_search",
)
