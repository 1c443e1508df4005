"""Dialogs for a missing log, or one without calls."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.keys.dialogs import REFUSAL_BINDINGS, WELCOME_BINDINGS

_HOW: Final = """\
import llmlog
from openai import OpenAI

session = llmlog.session("{file}")
client = session.wrap(OpenAI())

with session.trace():
    client.chat.completions.create(…)"""


class WelcomeDialog(ModalScreen[str]):
    """Explains how to write a log; returns `demo`, `wait` or `quit`."""

    BINDINGS: ClassVar[list[BindingType]] = [*WELCOME_BINDINGS]

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = sanitize(file, 60)

    def compose(self) -> ComposeResult:
        key = "$text-primary bold"
        yield Static(
            Content.assemble(
                (f"No {self._file} here yet", "bold"),
                "\n\nllmlog shows the log of an application's LLM calls. "
                "This is how yours writes one:\n\n",
                (_HOW.format(file=self._file), "$text-secondary"),
                f"\n\nThis screen follows {self._file} as soon as it is there.\n\n",
                ("d", key),
                " show the demo: a made-up agent, no key, no network\n",
                ("Enter", key),
                " wait here     ",
                ("q", key),
                " quit",
            )
        )


class RefusalDialog(ModalScreen[str]):
    """Dialog for files that hold no calls; its result is `wait` or `quit`."""

    BINDINGS: ClassVar[list[BindingType]] = [*REFUSAL_BINDINGS]

    def __init__(self, refusal: str) -> None:
        super().__init__()
        self._refusal = sanitize(refusal)

    def compose(self) -> ComposeResult:
        key = "$text-primary bold"
        yield Static(
            Content.assemble(
                ("No calls in here", "bold"),
                f"\n\n{self._refusal}.\n\nThis screen closes as soon as there are records.\n\n",
                ("Enter", key),
                " wait here     ",
                ("q", key),
                " quit",
            )
        )
