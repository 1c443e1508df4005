"""Files on disk: settings, rules, memory and bookmarks."""

from typing import TYPE_CHECKING

from llmlog_tui.lazy import lazy_submodules

if TYPE_CHECKING:
    from llmlog_tui.config import rules as rules
    from llmlog_tui.config import settings_file as settings_file

__getattr__ = lazy_submodules(__name__, "rules", "settings_file")
