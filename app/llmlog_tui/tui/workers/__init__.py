"""Background threads, and the lazy boundary in front of polars.

Modules in `_LAZY` import polars, llmlog_tui.analysis, orjson or an HTTP client, which takes longer
than the first frame. `workers.analysis` imports such a module on first use, in the thread that
needs it; nothing else in `tui` may import polars.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmlog_tui.tui.workers import analysis as analysis
    from llmlog_tui.tui.workers import bookmarks as bookmarks
    from llmlog_tui.tui.workers import export as export
    from llmlog_tui.tui.workers import log_reader as log_reader
    from llmlog_tui.tui.workers import polling as polling
    from llmlog_tui.tui.workers import sidecar as sidecar
    from llmlog_tui.tui.workers import text_search as text_search

_LAZY: Final = (
    "analysis",
    "bookmarks",
    "export",
    "log_reader",
    "polling",
    "sidecar",
    "text_search",
)


def __getattr__(name: str) -> ModuleType:
    """Import a worker module on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
