"""What a user has set for the dashboard, and what the dashboard remembers by itself."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

THEMES: Final = ("dark", "light")


class SettingsError(ValueError):
    """A settings file that cannot be used; its text is one line that says why."""


@dataclass(frozen=True)
class Settings:
    """What a user can set: the `theme`, whether alerts ring the bell, and other keys.

    `keys` has the id of a binding (its scope and its description, as `view.freeze`) and the key, or
    several with commas between, in Textual's names: `f5`, `ctrl+f`, `space`.
    """

    theme: str = "dark"
    bell: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)


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
    _require(isinstance(settings.keys, dict), path, "keys is a table of ids and keys")
    known = sorted(ids)
    for name, key in settings.keys.items():
        _require(name in known, path, f"no key {name}; there are {', '.join(known)}")
        _require(
            isinstance(key, str) and key.strip() != "", path, f"{name} is not on a key: {key!r}"
        )
    return settings


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
                replace(self._path, json.dumps(self._values, indent=1))


def replace(path: Path, text: str) -> None:
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
