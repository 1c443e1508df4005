"""All keys, for the footer, the help, the widgets and a user's configuration."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from llmlog_tui.tui.keys import dialogs, panes, views
from llmlog_tui.tui.widgets import bindings as generic

ALL: Final[tuple[Binding, ...]] = tuple(
    binding
    for module in (views, panes, generic, dialogs)
    for name, table in vars(module).items()
    if name.endswith("_BINDINGS")
    for binding in table
)
"""All keys, in the order of these modules."""

IDS: Final = {binding.id: binding for binding in ALL if binding.id is not None}
"""Id -> its last binding."""
