"""Read the user's settings from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

from llmlog_tui.config.settings import STYLES, THEMES, RowRule, Settings, SettingsError
from llmlog_tui.config.small_file import read_small

Check = Callable[[str], str]
"""Returns why an SQL predicate is invalid; empty if it is valid."""


def read_settings(path: Path, ids: Iterable[str], predicate_problem: Check) -> Settings:
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
    return replace(settings, rows=_rules(settings.rows, path, predicate_problem))


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
    is_complete = isinstance(row, dict) and row.keys() == {*RowRule._fields}
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
