"""The bottom row: what the keys do here, the way out always in sight."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.widget import Widget

_ALWAYS = ("help", "quit", "back")
"""Descriptions of the keys that stand at the right and never give way."""

_EVERYWHERE = ("view.", "app.")
"""How the ids of keys begin that every view has."""

_FIRST = ("view.find", "view.filter")
"""Where one can quit, which is not on top of a view, these give way last but for the first key."""

_GAP = 2


class KeyFooter(Widget):
    """Keys of the focused pane and of this view first, then those of all views, as many as fit."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[tuple[range, str]] = []

    def on_mount(self) -> None:
        """Draw anew when other keys are in force."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Content:
        """Left and right group; remembers where each key stands, for the mouse."""
        shown = (active.binding for active in self.screen.active_bindings.values())
        bindings = list({each.action: each for each in shown if self._is_shown(each)}.values())
        left = [binding for binding in bindings if binding.description not in _ALWAYS]
        left.sort(key=lambda binding: (binding.id or "").startswith(_EVERYWHERE))
        right = [binding for binding in bindings if binding.description in _ALWAYS]
        room = self.size.width - 2 - sum(self._width(binding) + _GAP for binding in right)
        kept = _FIRST if any(binding.description == "quit" for binding in right) else ()
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
        """Whether a key stands here: not where it is typed, as Textual knows of most keys."""
        return binding.show and not (binding.key == "slash" and self._types("/"))

    def _types(self, character: str) -> bool:
        """Whether a character is typed where the keys go now."""
        focused = self.screen.focused
        return focused is not None and focused.check_consume_key(character, character)

    def _display(self, binding: Binding) -> str:
        named = binding.key_display or ""
        if len(named) == 1 and self._types(named):  # another of its keys is left
            return binding.key.upper()
        return self.app.get_key_display(binding)

    def _width(self, binding: Binding) -> int:
        return len(self._display(binding)) + 1 + len(binding.description)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        for cells, key in self._keys:
            if event.x in cells:
                self.app.simulate_key(key)
