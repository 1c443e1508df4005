"""What is typed faster than it is dealt with: each key waits until the one before is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode


class KeyQueue:
    """Deals with keys in turn, so that what opens a field has done so before its text comes.

    Textual gives a key to whoever has the keys when it is read: behind `/` the text would go to
    the view, as commands, if it was typed before the field is there.
    """

    def __init__(self, app: App[Any], deal: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app, self._deal = app, deal
        self._waiting: deque[events.Event] = deque()
        self._is_dealing = True

    async def begin(self) -> None:
        """Deal with what came until now: there is something that it can go to."""
        await self._next()

    async def take(self, event: events.Event) -> None:
        """Deal with it when its turn has come."""
        self._waiting.append(event)
        if not self._is_dealing:
            await self._next()

    async def _next(self) -> None:
        self._is_dealing = bool(self._waiting)
        if self._waiting:
            way = self._way()
            await self._deal(self._waiting.popleft())
            await self._follow(way)

    def _way(self) -> Sequence[DOMNode]:
        """Whom a key goes to until one of them knows it, and the App once more: it moves focus."""
        return [*(self._app.focused or self._app.screen).ancestors_with_self, self._app]

    async def _follow(self, way: Sequence[DOMNode]) -> None:
        """Go that way behind the key; one that is closing has no more to do with it."""
        if way:
            first, rest = way[0], way[1:]
            if not first.call_later(self._follow, rest) and rest:
                await self._follow(rest)
        else:
            await self._next()
