"""Command palette: commands that have no key, and `:42` for a step."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from textual import on
from textual.app import SystemCommand
from textual.command import CommandPalette, Hit, Hits, Provider
from textual.screen import Screen
from textual.widgets import Input

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens

if TYPE_CHECKING:
    from llmlog_tui.tui.app import LogApp

REPLACED: Final = ("Keys", "Maximize", "Minimize")
"""Titles of Textual's commands that ours replace: the help, and z."""


def system_commands(app: LogApp, screen: Screen[Any]) -> Iterable[SystemCommand]:
    """Return the commands beyond Textual's own."""
    yield SystemCommand("Keys", "Show all keys", app.action_help)
    if app.alert_throttle.silent:
        yield SystemCommand("Sound alerts", "Toast and bell for new alerts", app.toggle_silence)
    else:
        silent = "No toast and no bell for new alerts; the list still has them"
        yield SystemCommand("Silence alerts", silent, app.toggle_silence)
    saved = "Named filters: apply, save the current one, delete"
    yield SystemCommand("Saved filters", saved, app.filters.open_list)
    for name, where in app.filters.all().items():
        title = f"Filter: {sanitize(name)}"
        yield SystemCommand(title, sanitize(where), partial(app.filters.apply, where))
    calls = "Write the calls as shown, filtered and sorted, to a .csv, .parquet or .jsonl file"
    yield SystemCommand("Export calls", calls, app.jobs.export_calls)
    bundle = "Write what a support ticket needs of the trace, without content, to a .md file"
    yield SystemCommand("Support bundle", bundle, app.jobs.export_bundle)
    if isinstance(screen, screens.OverviewScreen):
        group = "Group or ungroup the traces of the Overview"
        yield SystemCommand("Traces by session, or as they came", group, screen.traces.action_group)


def _go_to_step(app: object, text: str) -> partial[None] | None:
    """Return a command for the step number `text`; None for other texts."""
    number = text.strip()
    is_number = number.isascii() and number.isdecimal()
    return partial(cast("LogApp", app).jobs.go_to_step, int(number)) if is_number else None


class StepProvider(Provider):
    """Offers a number as a step of the current trace."""

    async def search(self, query: str) -> Hits:
        if go := _go_to_step(self.app, query):
            yield Hit(1.0, f"Go to step {int(query)}", go, help="of the current trace")


class Commands(CommandPalette):
    """The palette; a number and Enter go to a step, however fast they are typed."""

    _early = ""

    def on_mount(self) -> None:
        self.type(self._early)

    def type(self, text: str) -> None:
        """Type text that arrived before the input had focus."""
        inputs = self.query(Input)
        if inputs:
            inputs.first().insert_text_at_cursor(text)
        else:
            self._early += text

    @on(Input.Submitted)
    def _submit_number(self, event: Input.Submitted) -> None:
        if go := _go_to_step(self.app, event.input.value):
            event.prevent_default()
            self.workers.cancel_node(self)  # it gathers commands: a screen waits for its workers
            self.dismiss()
            self.app.call_later(go)
