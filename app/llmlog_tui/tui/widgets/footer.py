"""The bottom row: keys of the focused widget and the view."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.widget import Widget

_ALWAYS = ("help", "quit", "back")
"""Descriptions of the keys at the right, which are never dropped."""

_EVERYWHERE = ("view.", "app.")
"""Prefixes of the ids of keys that every view has."""

_KEPT = ("view.find", "view.filter")
"""Keys dropped last in a view; dialogs, which have no `quit`, do not list them."""

_GAP = 2


class KeyFooter(Widget):
    """As many keys as fit, those of the focused pane and the view first."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[tuple[range, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Content:
        """Render the left and the right group; on_click() finds keys by their cells."""
        shown = (active.binding for active in self.screen.active_bindings.values())
        bindings = list({each.action: each for each in shown if self._is_shown(each)}.values())
        left = [binding for binding in bindings if binding.description not in _ALWAYS]
        left.sort(key=lambda binding: (binding.id or "").startswith(_EVERYWHERE))
        right = [binding for binding in bindings if binding.description in _ALWAYS]
        room = self.size.width - 2 - sum(self._width(binding) + _GAP for binding in right)
        kept = _KEPT if any(binding.description == "quit" for binding in right) else ()
        while left and sum(self._width(binding) + _GAP for binding in left) > room:
            spare = [binding for binding in left[1:] if binding.id not in kept] or left
            left.remove(spare[-1])
        self._keys = []
        end = self.size.width - 1 - sum(self._width(b) + _GAP for b in right) + _GAP
        line = self._group(left, at=1)
        return line + Content(" " * max(0, end - line.cell_length)) + self._group(right, at=end)

    def _group(self, bindings: Iterable[Binding], at: int) -> Content:
        line = Content(" " if at == 1 else "")
        for binding in bindings:
            width = self._width(binding)
            self._keys.append((range(at, at + width), binding.key))
            line += Content.assemble(
                (self._display(binding), "$text-primary bold"),
                (f" {binding.description}", "$text-muted"),
            ) + Content(" " * _GAP)
            at += width + _GAP
        return line

    def _is_shown(self, binding: Binding) -> bool:
        """Return whether the footer lists a key."""
        # Textual hides a key that is typed into the focused input, but not `slash` for "/".
        return binding.show and not (binding.key == "slash" and self._types("/"))

    def _types(self, character: str) -> bool:
        """Return whether the focused widget would insert the character."""
        focused = self.screen.focused
        return focused is not None and focused.check_consume_key(character, character)

    def _display(self, binding: Binding) -> str:
        named = binding.key_display or ""
        if len(named) == 1 and self._types(named):  # a key such as F1 works instead of "?"
            return binding.key.upper()
        return self.app.get_key_display(binding)

    def _width(self, binding: Binding) -> int:
        return len(self._display(binding)) + 1 + len(binding.description)

    def on_click(self, event: events.Click) -> None:
        for cells, key in self._keys:
            if event.x in cells:
                self.app.simulate_key(key)
