"""Every key, once: the footer, the help, the panes and a user's own keys take them from here."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from llmlog_tui.tui.keys import dialogs, panes, views

ALL: Final[tuple[Binding, ...]] = tuple(
    binding
    for module in (views, panes, dialogs)
    for name, bindings in vars(module).items()
    if name.endswith("_BINDINGS")
    for binding in bindings
)
"""All keys, in the order of these modules."""

IDS: Final = {binding.id: binding for binding in ALL if binding.id is not None}
"""All keys, by id."""
