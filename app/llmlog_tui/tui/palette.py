"""What the command palette offers beyond the keys: files to write, alerts' silence, `:42`."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, Final

from textual import events, on
from textual.app import App, SystemCommand
from textual.command import CommandPalette, Hit, Hits, Provider
from textual.screen import Screen
from textual.widgets import Input

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui import screens
from llmlog_tui.tui.alert_throttle import AlertThrottle
from llmlog_tui.tui.bookmarks import Bookmarking
from llmlog_tui.tui.keys.naming import scope_of
from llmlog_tui.tui.workers.export import export_bundle, export_calls

_TEXTUALS: Final = ("Keys", "Maximize", "Minimize")
"""Commands of Textual's own that stand beside ours: the help, and z."""


class StepProvider(Provider):
    """A number is a step of the trace that is looked at."""

    async def search(self, query: str) -> Hits:
        """The way there, as the only match."""
        number, app = query.strip(), self.app
        if number.isascii() and number.isdecimal() and isinstance(app, Palette):
            go = partial(app.go_to_step, int(number))
            yield Hit(1.0, f"Go to step {int(number)}", go, help="of the trace that is looked at")


class Commands(CommandPalette):
    """The palette; in it a number and Enter are enough, however fast they are typed."""

    _early = ""

    def on_mount(self) -> None:
        """Take what was typed before there was a line for it."""
        self.type(self._early)

    def type(self, text: str) -> None:
        """Type a text that came before the line had the keys."""
        lines = self.query(Input)
        if lines:
            lines.first().insert_text_at_cursor(text)
        else:
            self._early += text

    @on(Input.Submitted)
    def _number(self, event: Input.Submitted) -> None:
        number, app = event.input.value.strip(), self.app
        if number.isascii() and number.isdecimal() and isinstance(app, Palette):
            event.prevent_default()
            self.workers.cancel_node(self)  # it gathers commands: a screen waits for its workers
            self.dismiss()
            app.call_later(app.go_to_step, int(number))


class Palette(Bookmarking):
    """The App as far as it answers to the palette. Those that inherit own the toasts."""

    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        *App.COMMANDS,
        StepProvider,
    }
    _toasts: AlertThrottle

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        for command in super().get_system_commands(screen):
            if command.title not in _TEXTUALS:
                yield command
        yield SystemCommand("Keys", "Show all keys", self.action_help)
        if self._toasts.silent:
            what = "Sound alerts", "Tell of new alerts again, with a toast and the bell"
        else:
            what = "Silence alerts", "No toast and no bell for new alerts; the list still has them"
        yield SystemCommand(*what, self._silence)
        calls = "Write the calls as shown, filtered and sorted, to a .csv, .parquet or .jsonl file"
        yield SystemCommand("Export calls", calls, self._ask_where_to_export)
        run = "Write what a support ticket needs of the trace, without content, to a .md file"
        yield SystemCommand("Support bundle", run, self._ask_where_to_bundle)
        if isinstance(screen, screens.OverviewScreen):
            group = "Group the traces of the Overview by session, or no more"
            yield SystemCommand(
                "Traces by session, or as they came", group, screen.traces.action_group
            )

    def action_command_palette(self) -> None:
        """Offer the commands, but not to one who leaves: half a palette cannot be taken down."""
        if not isinstance(self.screen, CommandPalette) and not self._exit:
            self.push_screen(Commands(id="--command-palette"))

    def on_key(self, event: events.Key) -> None:
        """What nobody took while the palette opens was meant for it."""
        if isinstance(self.screen, Commands) and event.is_printable and event.character:
            self.screen.type(event.character)

    def action_help(self) -> None:
        """Show all keys, those in force where one is before the others."""
        bindings = (active.binding for active in self.screen.active_bindings.values())
        here = {scope_of(binding) for binding in bindings}
        self.push_screen(screens.HelpDialog(here, self._settings.keys))

    def _silence(self) -> None:
        self._toasts.silent = not self._toasts.silent
        self.say()

    @abstractmethod
    def say(self) -> None:
        """Say in the top row how it stands."""

    # -- files

    def _ask_where_to_export(self) -> None:
        overview = self._overview
        if overview is None or not overview.calls.height:
            self.view.hint("No calls to export.")
            return
        number = overview.calls.height
        what = humanize.plural(number, "call")
        write = partial(export_calls, overview, self.view.order)
        self.push_screen(screens.SaveAsDialog(what, "calls.csv", ".csv, .parquet or .jsonl", write))

    def _ask_where_to_bundle(self) -> None:
        overview, trace = self._overview, self.view.trace_at_hand
        if overview is None or trace is None:
            self.view.hint("No trace under the cursor to bundle.")
            return
        short = humanize.short_id(trace)
        name = f"llmlog-{re.sub(r'[^A-Za-z0-9_-]', '_', short)}.md"
        write = partial(export_bundle, self._feed, overview, trace)
        self.push_screen(screens.SaveAsDialog(f"the bundle of {short}", name, ".md", write))

    # -- a step

    def go_to_step(self, number: int) -> None:
        """Go to a step of the trace that is looked at."""
        overview, trace = self._overview, self.view.trace_at_hand
        if overview is None or trace is None:
            self.view.hint("No trace under the cursor.")
            return
        text = f"step {number} in {sanitize(humanize.short_id(trace))}"
        self.work("search", lambda: self._analyst.find_step(overview, trace, number, text))
