"""Serialise key events: dispatch a key only after the previous one was handled."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode


class KeyQueue:
    """Dispatches one key at a time: it may open the next ones' input.

    Textual sends a key to the node that has focus when the key is read: text after `/` would reach
    the view as commands if it was typed before the input has focus.
    """

    def __init__(self, app: App[Any], dispatch: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app, self._dispatch = app, dispatch
        self._waiting: deque[events.Event] = deque()
        self._is_busy = True

    @property
    def is_busy(self) -> bool:
        """Whether a key is being handled, or waits for that."""
        return self._is_busy

    async def begin(self) -> None:
        """Dispatch the queued keys: there is a view now."""
        await self._next()

    async def put(self, event: events.Event) -> None:
        """Dispatch an event after all earlier ones."""
        self._waiting.append(event)
        if not self._is_busy:
            await self._next()

    async def _next(self) -> None:
        self._is_busy = bool(self._waiting)
        if self._waiting:
            path = self._bubble_path()
            try:
                await self._dispatch(self._waiting.popleft())
            finally:  # a key whose handler raises must not hold up the next ones
                await self._await_handled(path)

    def _bubble_path(self) -> Sequence[DOMNode]:
        """Nodes a key bubbles through; the App comes twice because it also moves focus."""
        try:
            node = self._app.focused or self._app.screen
        except ScreenStackError:  # between two screens
            return [self._app]
        return [*node.ancestors_with_self, self._app]

    async def _await_handled(self, path: Sequence[DOMNode]) -> None:
        """Follow the key through the nodes' message queues, then dispatch the next one."""
        if path:
            first, remaining = path[0], path[1:]
            # A node that is closing takes no callback: skip it.
            if not first.call_later(self._await_handled, remaining) and remaining:
                await self._await_handled(remaining)
        else:
            await self._next()
