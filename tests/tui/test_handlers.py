"""Handlers of messages: Textual calls every one along the MRO, so no class repeats a base's."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from textual.message_pump import MessagePump

import llmlog_tui.tui


def pumps() -> Iterator[type[MessagePump]]:
    """Every App, Screen and Widget class of llmlog_tui."""
    for module in pkgutil.walk_packages(llmlog_tui.tui.__path__, "llmlog_tui.tui."):
        for found in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(found, type)
                and issubclass(found, MessagePump)
                and found.__module__ == module.name
            ):
                yield found


def handlers_of(cls: type[MessagePump]) -> set[str]:
    """What the class itself handles: names on_*, and the messages of @on with their selectors."""
    named = {name.lstrip("_") for name in vars(cls) if name.lstrip("_").startswith("on_")}
    decorated = {
        f"@on {message.__qualname__} {sorted(map(str, selectors.values()))}"
        for message, handlers in vars(cls).get("_decorated_handlers", {}).items()
        for _, selectors in handlers
    }
    return named | decorated


@pytest.mark.parametrize("cls", sorted(pumps(), key=str), ids=lambda cls: cls.__name__)
def test_no_handler_is_defined_twice_in_one_chain(cls: type[MessagePump]) -> None:
    seen: dict[str, str] = {}
    for base in cls.__mro__:
        if base.__module__.startswith("llmlog_tui."):
            for handler in handlers_of(base):
                assert handler not in seen, f"{handler}: {base.__name__} and {seen[handler]}"
                seen[handler] = base.__name__


def test_the_classes_are_found() -> None:
    assert {"LogApp", "OverviewScreen", "CallsPane", "LineTable"} <= {
        cls.__name__ for cls in pumps()
    }
