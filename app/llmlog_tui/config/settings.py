"""What a user has set for the dashboard, and what the dashboard remembers by itself."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, cast

THEMES: Final = ("dark", "light")
STYLES: Final = ("warning", "error", "accent", "success", "muted")


class SettingsError(ValueError):
    """A settings file that cannot be used; its text is one line that says why."""


@dataclass(frozen=True)
class RowRule:
    """Calls for which the SQL predicate `where` holds have a row in this style."""

    where: str
    style: str


@dataclass(frozen=True)
class Settings:
    """What a user can set: the `theme`, whether alerts ring the bell, other keys, and row styles.

    `keys` has the id of a binding (its scope and its description, as `view.freeze`) and the key, or
    several with commas between, in Textual's names: `f5`, `ctrl+f`, `space`. Of the `rows` that
    hold for a call, the first counts. `ascii`: no other signs are shown; None, as the terminal can.
    """

    theme: str = "dark"
    bell: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[RowRule] = ()
    ascii: bool | None = None


def settings_path() -> Path:
    """Where settings are looked for: `llmlog/config.toml` in the user's configuration folder."""
    return _folder("XDG_CONFIG_HOME", ".config") / "config.toml"


def memory_path() -> Path:
    """Where the dashboard keeps what it remembers, in the user's folder for such state."""
    return _folder("XDG_STATE_HOME", ".local/state") / "dashboard.json"


def _folder(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "llmlog"


def read(path: Path, ids: Iterable[str]) -> Settings:
    """The settings of a TOML file, whose `keys` name some of `ids`. Raises SettingsError."""
    import tomllib  # noqa: PLC0415 - most have no such file, and see the first frame sooner

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
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
    return dataclasses.replace(settings, rows=_rules(settings.rows, path))


def _check_keys(keys: Mapping[str, str], path: Path, ids: Iterable[str]) -> None:
    known = sorted(ids)
    for name, key in keys.items():
        _require(name in known, path, f"no key {name}; there are {', '.join(known)}")
        _require(
            isinstance(key, str) and key.strip() != "", path, f"{name} is not on a key: {key!r}"
        )


def _rules(rows: object, path: Path) -> tuple[RowRule, ...]:
    """The tables of [[rows]] as rules, whose predicates have an answer."""
    _require(isinstance(rows, list | tuple), path, "rows are tables, each begun by [[rows]]")
    return tuple(_rule(row, path, f"rows {n}") for n, row in enumerate(cast("Any", rows), 1))


def _rule(row: object, path: Path, name: str) -> RowRule:
    has = {each.name for each in fields(RowRule)}
    is_whole = isinstance(row, dict) and row.keys() == has
    _require(is_whole, path, f"{name}: a row style has where and style, and nothing else")
    rule = RowRule(**cast("Any", row))
    style = f"{name}: style is one of {', '.join(STYLES)}, not {rule.style!r}"
    _require(rule.style in STYLES, path, style)
    _require(isinstance(rule.where, str), path, f"{name}: where is a text, not {rule.where!r}")
    from llmlog_tui.analysis.query.sql import predicate_problem  # noqa: PLC0415 - imports polars

    why = predicate_problem(rule.where)
    _require(not why, path, f"{name}: {why}")
    return rule


def _require(holds: object, path: Path, why: str) -> None:
    if not holds:
        raise SettingsError(f"{path}: {why}")


class Memory:
    """What is remembered from one run to the next, by name; only for this one without a `path`.

    Whatever cannot be read or written is forgotten: nobody's dashboard stops for it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._values: dict[str, object] = {}
        if path is not None:
            with contextlib.suppress(OSError, ValueError, RecursionError):
                found = json.loads(path.read_bytes())
                self._values = found if isinstance(found, dict) else {}

    def get(self, name: str) -> object:
        """What was remembered; None if nothing, and anything at all if the file was edited."""
        return self._values.get(name)

    def put(self, name: str, value: object) -> None:
        """Remember a value that JSON can hold."""
        self._values[name] = value
        if self._path is not None:
            with contextlib.suppress(OSError):
                replace_file(self._path, json.dumps(self._values, indent=1))


def replace_file(path: Path, text: str) -> None:
    """Write a whole file at once, for its owner alone; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
