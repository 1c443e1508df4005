"""User settings of the dashboard, the paths of its files, and its persistent state (JSON)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from llmlog_tui.config.small_file import read_small
from llmlog_tui.private_file import replace_text
from llmlog_tui.user_folders import user_folder

THEMES: Final = ("dark", "light")
STYLES: Final = ("warning", "error", "accent", "success", "muted")


class SettingsError(ValueError):
    """An invalid settings file; the message is one line."""


class RowRule(NamedTuple):
    """Style for the rows of calls that match the SQL predicate `where`."""

    where: str
    style: str


@dataclass(frozen=True)
class Settings:
    """User settings: `theme`, the bell on alerts, key bindings, and row styles.

    `keys` maps the id of a binding (scope and description, as `view.freeze`) to a key, or several
    separated by commas, in Textual's names: `f5`, `ctrl+f`, `space`. The first matching entry of
    `rows` applies. `ascii`: restrict the screen to ASCII; None: if the terminal requires it.
    """

    theme: str = "dark"
    bell: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[RowRule] = ()
    ascii: bool | None = None


def settings_path() -> Path:
    """Return the settings file: `llmlog/config.toml` in the user's configuration folder."""
    return user_folder("XDG_CONFIG_HOME", ".config") / "config.toml"


def filters_path() -> Path:
    """Return the file of saved filters, beside the settings file."""
    return settings_path().with_name("filters.toml")


def memory_path() -> Path:
    """Return the file of the dashboard's own state, in the user's state folder."""
    return user_folder("XDG_STATE_HOME", ".local/state") / "dashboard.json"


def crash_path() -> Path:
    """Return the file of the dashboard's own errors, in the user's state folder."""
    return memory_path().with_name("crashes.log")


class Memory:
    """Named values persisted between runs; without a `path`, kept for this run.

    Read and write errors are ignored: the dashboard works without this file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._values: dict[str, object] = {}
        if path is not None:
            with contextlib.suppress(ValueError, RecursionError):
                found = json.loads(read_small(path))
                self._values = found if isinstance(found, dict) else {}

    def get(self, name: str) -> object:
        """Return a value of any type, as the file may be edited; None if missing."""
        return self._values.get(name)

    def put(self, name: str, value: object) -> None:
        """Store a JSON value."""
        self._values[name] = value
        if self._path is not None:
            with contextlib.suppress(OSError):
                replace_text(self._path, json.dumps(self._values, indent=1))
