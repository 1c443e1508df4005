"""When the detail of the current record is drawn: at once, or at the end of a burst of moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from llmlog_tui.tui.screens.location import DetailTimer


class View:
    """Notes what it is asked to run, and when."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], object]]] = []

    def call_after_refresh(self, update: Callable[[], object]) -> None:
        self.due.append((0.0, update))

    def set_timer(self, seconds: float, update: Callable[[], object]) -> View:
        self.due.append((seconds, update))
        return self

    def stop(self) -> None:
        self.due.pop()


def test_a_move_is_followed_at_once_and_a_burst_once_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    view = View()

    def update() -> None:
        raise AssertionError("only the view runs it")

    timer = DetailTimer(cast("Any", view), update)
    timer.restart()
    assert view.due == [(0.0, update)]
    for _ in range(3):
        now += 0.03
        timer.restart()
    assert view.due == [(0.0, update), (0.08, update)]
    now += 0.5
    view.due.clear()
    timer._timer = None  # noqa: SLF001 - it has run
    timer.restart()
    assert view.due == [(0.0, update)]
