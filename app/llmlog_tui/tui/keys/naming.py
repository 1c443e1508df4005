"""What a key is called by a user's configuration: its scope and its description."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.binding import Binding


def named(scope: str, bindings: Iterable[Binding]) -> list[Binding]:
    """Each with its id: `view.next-match`."""
    return [
        replace(binding, id=f"{scope}.{binding.description.replace(' ', '-')}")
        for binding in bindings
    ]


def scope_of(binding: Binding) -> str:
    """Where a key is in force."""
    return (binding.id or "").partition(".")[0]
