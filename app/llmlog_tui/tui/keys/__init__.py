"""Keys of the App, views, panes and dialogs, one line each; `registry` has all."""

from typing import TYPE_CHECKING

from llmlog_tui.lazy import lazy_submodules

if TYPE_CHECKING:
    from llmlog_tui.tui.keys import registry as registry

__getattr__ = lazy_submodules(__name__, "registry")
