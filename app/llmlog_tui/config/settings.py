"""User settings of the dashboard (TOML), and its own persistent state (JSON)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, cast

from llmlog_tui.config.small_file import read_small
from llmlog_tui.private_file import replace_text
from llmlog_tui.user_folders import user_folder

THEMES: Final = ("dark", "light")
STYLES: Final = ("warning", "error", "accent", "success", "muted")


class SettingsError(ValueError):
    """An invalid settings file; the message is one line."""


@dataclass(frozen=True)
class RowRule:
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


Check = Callable[[str], str]
"""Returns why an SQL predicate is invalid; empty if it is valid."""


def read(path: Path, ids: Iterable[str], predicate_problem: Check) -> Settings:
    """Read a TOML file whose `keys` are among `ids`. Raises SettingsError."""
    try:
        found = tomllib.loads(read_small(path).decode())
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: nested too deep") from None
    names = [each.name for each in fields(Settings)]
    for name in found:
        _require(name in names, path, f"no setting {name}; there are {', '.join(names)}")
    settings = Settings(**found)
    theme = f"theme is {' or '.join(THEMES)}, not {settings.theme!r}"
    _require(settings.theme in THEMES, path, theme)
    _require(isinstance(settings.bell, bool), path, f"bell is true or false, not {settings.bell!r}")
    ascii_only = f"ascii is true or false, not {settings.ascii!r}"
    _require(isinstance(settings.ascii, bool | None), path, ascii_only)
    _require(isinstance(settings.keys, dict), path, "keys is a table of ids and keys")
    _check_keys(settings.keys, path, ids)
    return dataclasses.replace(settings, rows=_rules(settings.rows, path, predicate_problem))


def _check_keys(keys: Mapping[str, str], path: Path, ids: Iterable[str]) -> None:
    known = sorted(ids)
    for name, key in keys.items():
        _require(name in known, path, f"no key {name}; there are {', '.join(known)}")
        _require(
            isinstance(key, str) and key.strip() != "", path, f"{name} is not on a key: {key!r}"
        )


def _rules(rows: object, path: Path, predicate_problem: Check) -> tuple[RowRule, ...]:
    """Return the tables of [[rows]] as rules with valid predicates."""
    _require(isinstance(rows, list | tuple), path, "rows are tables, each begun by [[rows]]")
    return tuple(
        _rule(row, path, f"rows {n}", predicate_problem)
        for n, row in enumerate(cast("Any", rows), 1)
    )


def _rule(row: object, path: Path, name: str, predicate_problem: Check) -> RowRule:
    has = {each.name for each in fields(RowRule)}
    is_complete = isinstance(row, dict) and row.keys() == has
    _require(is_complete, path, f"{name}: a row style has where and style, and nothing else")
    rule = RowRule(**cast("Any", row))
    style = f"{name}: style is one of {', '.join(STYLES)}, not {rule.style!r}"
    _require(rule.style in STYLES, path, style)
    _require(isinstance(rule.where, str), path, f"{name}: where is a text, not {rule.where!r}")
    why = predicate_problem(rule.where)
    _require(not why, path, f"{name}: {why}")
    return rule


def _require(holds: object, path: Path, why: str) -> None:
    if not holds:
        raise SettingsError(f"{path}: {why}")


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
