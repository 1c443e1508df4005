"""Helpers for tests that look at the dashboard."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.frozen import freeze_again
from tests.tui.idle import until_idle
from textual._styles_cache import StylesCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.events import Event, Key
from textual.message import Message
from textual.pilot import Pilot

from llmlog_tui.log.sources import bookmarks_of
from llmlog_tui.tui import analysis_schedule
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.runtime.key_queue import KeyQueue
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.widgets.table import LineTable
from llmlog_tui.tui.widgets.text_pane import TextPane

Until: TypeAlias = Callable[[Pilot[Any], Callable[[], bool], str], Awaitable[None]]
Shown: TypeAlias = Callable[[Pilot[Any], int], Awaitable[LogApp]]

WIDE, SMALL = (160, 50), (80, 24)

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.002
_TESTS_PER_COLLECTION = 4
_tests = itertools.count(1)
_parsed: dict[Hashable, list[RuleSet]] = {}
_ANALYSIS_PAUSE_S = 0.05


def _free_closed_apps() -> None:
    StylesCache.get_inner_outer.cache_clear()  # has the lines of 1,024 widgets, whosever they are
    gc.collect()


@pytest.fixture(autouse=True)
def _imports_stay_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep imports out of garbage collections: an App that ends would unfreeze them, too."""
    freeze_again()
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "unfreeze", lambda: None)


@pytest.fixture(autouse=True)
def _closed_apps_are_freed() -> Iterator[None]:
    """Free closed Apps every few tests: each has about 9 MB, in cycles that gc finds too late."""
    yield
    if next(_tests) % _TESTS_PER_COLLECTION == 0:
        _free_closed_apps()


@pytest.fixture
def freed_at_once() -> Iterator[None]:
    """Free the App of a test of large values as soon as it is closed."""
    yield
    _free_closed_apps()


@pytest.fixture(autouse=True)
def _no_message_follows_the_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close an App as run() does, which ends its messages before it closes the screens.

    run_test() closes the screens first, and a worker that has just ended then finds none.
    """

    async def unless_closing(app: LogApp, message: Message) -> None:
        if app.is_running or isinstance(message, Event):
            # Looked up late: the first App of a process puts the event guard around it.
            await super(LogApp, app)._dispatch_message(message)

    monkeypatch.setattr(LogApp, "_dispatch_message", unless_closing)


@pytest.fixture(autouse=True)
def _pilots_wait_for_the_dashboard_not_for_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a pilot's key or pause return as soon as there is nothing left to do."""
    for module in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{module}.wait_for_idle", until_idle)


@pytest.fixture(autouse=True)
def _new_records_are_analysed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait in no test for the pause between two analyses of new records."""
    for pause in ("PAUSE_S", "LONG_PAUSE_S"):
        monkeypatch.setattr(analysis_schedule, pause, _ANALYSIS_PAUSE_S)


@pytest.fixture(autouse=True)
def _styles_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse a widget's CSS for the first App that has it; each new App would do so again."""
    parse = Stylesheet._parse_rules  # noqa: SLF001

    def parsed(sheet: Stylesheet, *source: Hashable, **options: Hashable) -> list[RuleSet]:
        colours = frozenset(sheet._variables.items())  # noqa: SLF001
        key = (colours, source, tuple(options.items()))
        if key not in _parsed:
            _parsed[key] = parse(sheet, *source, **options)  # type: ignore[arg-type]
        return _parsed[key]

    monkeypatch.setattr(Stylesheet, "_parse_rules", parsed)


@pytest.fixture(autouse=True, scope="session")
def _textual_takes_less_time() -> Iterator[None]:
    """Have Textual paint and style the same in four fifths of the time.

    Each strip makes seven caches in Python, most of them for nothing, and each rule that is looked
    up is hashed by a method in Python.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual.strip.FIFOCache", lambda _max_size: {})
        patch.setattr(RuleSet, "__hash__", object.__hash__)
        yield


@pytest.fixture
def no_styles_parsed() -> None:
    """Forget all CSS that was parsed for other tests."""
    _parsed.clear()


@pytest.fixture(autouse=True)
def _keys_are_handled_once_they_are_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `pilot.press` return when all its keys have been handled.

    Textual takes a process that does not get the processor for one that has nothing to do.
    """
    press, put, received = Pilot.press, KeyQueue.put, Counter[int]()

    async def counted(queue: KeyQueue, event: Event) -> None:
        received[id(queue)] += isinstance(event, Key)
        await put(queue, event)

    async def press_and_wait(pilot: Pilot[Any], *keys: str) -> None:
        app = pilot.app
        queue = app._keys if isinstance(app, LogApp) and app.views else None  # noqa: SLF001
        wanted = received[id(queue)] + sum(not key.startswith("wait:") for key in keys)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        await press(pilot, *keys)
        while queue and app.is_running and not app._exit:  # noqa: SLF001 - one may have quit
            if received[id(queue)] >= wanted and not queue.is_busy:
                break
            assert time.monotonic() < deadline, f"never handled: {keys}"
            await pilot.pause()

    monkeypatch.setattr(KeyQueue, "put", counted)
    monkeypatch.setattr(Pilot, "press", press_and_wait)


@pytest.fixture(autouse=True)
def _new_files_are_found_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait in no test for the pause between two scans of a folder."""
    monkeypatch.setattr("llmlog_tui.log.new_files.SCAN_S", 0.02)


@pytest.fixture(autouse=True)
def _samples_without_bookmarks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody has bookmarked while trying the samples is in no test."""

    def elsewhere(log: Path) -> Path:
        is_sample = log.resolve().parent == root / "sample_logs"
        return root / "tests" / "none.bookmarks" if is_sample else bookmarks_of(log)

    monkeypatch.setattr("llmlog_tui.config.bookmarks.bookmarks_of", elsewhere)


@pytest.fixture
def until() -> Until:
    """`await until(pilot, condition, name)`: wait for a condition, or fail with its name.

    It is asked when all that has happened is handled and painted: a dialog that is on screen by
    then also has its text.
    """

    async def wait(pilot: Pilot[Any], condition: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            if pilot.app.is_running:
                await pilot.pause()
            if condition():
                return
            while not condition():
                assert time.monotonic() < deadline, f"never came true: {name}"
                await asyncio.sleep(_POLL_SECONDS)

    return wait


@pytest.fixture
def shown(until: Until) -> Shown:
    """`app = await shown(pilot, n)`: wait until n records are on screen and all is answered."""

    async def wait(pilot: Pilot[Any], records: int) -> LogApp:
        app = pilot.app
        assert isinstance(app, LogApp)
        await until(pilot, lambda: app.records_shown == records, f"{records} records on screen")
        await until(pilot, lambda: not app.busy, "all questions answered")
        await pilot.pause()
        return app

    return wait


@pytest.fixture
def records(sample: Path) -> int:
    """How many records the sample log has."""
    return len(sample.read_bytes().splitlines())


def lines_of(pane: LineTable) -> list[str]:
    """What a pane shows, line by line."""
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


def row_of(pane: LineTable) -> Hashable:
    """The key of the row under a pane's cursor."""
    return pane.cursor_key


def record(**fields: object) -> bytes:
    """A line of a log: a quick call, but for `fields`."""
    call = {
        "ts": "2026-11-23T09:00:00Z",
        "event": "chat_completion",
        "session_id": "s",
        "trace_id": "t",
        "step": 0,
        "status": "ok",
        "latency_ms": 100,
        "model": "m",
    }
    return json.dumps({**call, **fields}).encode() + b"\n"


def expect_fault(app: LogApp) -> None:
    """Say that a contained exception was meant: run_test() would raise it at its end."""
    assert app._exception is not None  # noqa: SLF001
    app._exception = None  # noqa: SLF001


def top_row(app: LogApp) -> str:
    """What the header says."""
    return str(app.screen.query_one("Header").render())


def listed(app: LogApp) -> set[str]:
    """The names of the keys that a footer with enough room lists."""
    shown = (active.binding for active in app.screen.active_bindings.values())
    return {binding.description for binding in shown if binding.show}


def toasts(app: LogApp) -> str:
    """What the toasts on screen say."""
    return "\n".join(str(toast.render()) for toast in app.screen.query("Toast"))


def overview_of(app: LogApp) -> OverviewScreen:
    """The Overview, which is on screen."""
    assert isinstance(app.view, OverviewScreen)
    return app.view


def text_of(sheet: TextPane) -> str:
    """What a sheet says under its title."""
    return f"{sheet.border_title}\n{sheet.query_one('Static').render()}"


def says(sheet: TextPane, *words: str) -> bool:
    """Whether a sheet has all of these words."""
    return all(word in text_of(sheet) for word in words)
