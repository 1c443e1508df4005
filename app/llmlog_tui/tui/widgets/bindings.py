"""Declaring keys, and the keys of the generic widgets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from textual.binding import Binding
from textual.keys import format_key
from textual.screen import Screen

_SHOWN_AS: Final = {"enter": "Enter", "escape": "Esc", "space": "Space", "tab": "Tab"}
"""Key -> its name in the footer, if not Textual's own."""


def key(  # noqa: PLR0913 - one line per key
    keys: str,
    action: str,
    name: str,
    tooltip: str = "",
    *,
    shown_as: str | None = None,
    is_urgent: bool = False,
) -> Binding:
    """Return a key that the footer shows.

    `keys` are separated by commas; an urgent key precedes those of the focused widget.
    """
    display = shown_as or _SHOWN_AS.get(keys.partition(",")[0])
    return Binding(keys, action, name, tooltip=tooltip, key_display=display, priority=is_urgent)


def hidden(
    keys: str, action: str, name: str, tooltip: str = "", *, is_urgent: bool = False
) -> Binding:
    """Return a key for which the footer has no room: only the help lists it."""
    return replace(key(keys, action, name, tooltip, is_urgent=is_urgent), show=False)


def scope(name: str, *bindings: Binding) -> tuple[Binding, ...]:
    """Return keys with their ids, by which users configure them: `view.next-match`."""
    return tuple(
        replace(binding, id=f"{name}.{binding.description.replace(' ', '-')}")
        for binding in bindings
    )


def scope_of(binding: Binding) -> str:
    """Return the scope in a key's id."""
    return (binding.id or "").partition(".")[0]


_NAMES: Final = {
    **{key: key.capitalize() for key in ("up", "down", "left", "right")},
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "delete": "Del",
    "enter": "Enter",
}


def key_name(key: str) -> str:
    """Return a key as printed on the keyboard: `Ctrl-D` for `ctrl+d`."""
    *modifiers, last = key.strip().split("+")
    name = _NAMES.get(last) or format_key(last)
    if modifiers or len(name) > 1:
        name = name[:1].upper() + name[1:]
    return "-".join([*(modifier.capitalize() for modifier in modifiers), name])


def key_of(screen: Screen[Any], action: str) -> str:
    """Return the name of the key that runs an action now; empty without one.

    A key that is typed into the focused widget runs none: then it is an urgent one.
    """
    actions = (action, f"app.{action}")
    keys = [
        (active.binding.priority, key)
        for key, active in screen.active_bindings.items()
        if active.binding.action in actions
    ]
    return key_name(min(keys, key=lambda each: each[0])[1]) if keys else ""


TABLE_BINDINGS: Final = scope(
    "table",
    hidden("up,k", "move(-1)", "up"),
    hidden("down,j", "move(1)", "down"),
    hidden("pageup", "page(-1)", "page up"),
    hidden("pagedown", "page(1)", "page down"),
    hidden("ctrl+u", "page(-0.5)", "half a page up"),
    hidden("ctrl+d", "page(0.5)", "half a page down"),
    hidden("home,g", "first", "first row"),
    hidden("G", "last", "last row"),
)

TEXT_BINDINGS: Final = scope(
    "sheet",
    hidden("up,k", "roll(-1)", "line up"),
    hidden("down,j", "roll(1)", "line down"),
    hidden("pageup", "page(-0.9)", "page up"),
    hidden("pagedown", "page(0.9)", "page down"),
    hidden("ctrl+u", "page(-0.5)", "half a page up"),
    hidden("ctrl+d", "page(0.5)", "half a page down"),
    hidden("home,g", "all(-1)", "top"),
    hidden("G", "all(1)", "bottom"),
)
