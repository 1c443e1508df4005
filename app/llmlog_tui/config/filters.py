"""Saved filters: SQL predicates by name, in a TOML file beside the settings."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Final

from llmlog_tui.config.small_file import read_small
from llmlog_tui.errors import reason
from llmlog_tui.private_file import replace_text

Filters = dict[str, str]
"""Name -> SQL predicate, in the order in which they were saved."""

MAX_NAME: Final = 60
"""Maximum characters of a name."""

_HEAD: Final = "# Saved filters of llmlog-tui, by name\n"


class FilterStore:
    """The saved filters; without a writable `path`, kept for this run.

    The file is read again for each change: other dashboards may have changed it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._unsaved: dict[str, str | None] = {}

    def read(self) -> tuple[Filters, str]:
        """Return the filters, and why the file cannot be used, empty if it can."""
        known, problem = _read(self._path)
        for name, where in self._unsaved.items():
            known.pop(name, None)
            if where is not None:
                known[name] = where
        return known, problem

    def put(self, name: str, where: str) -> str:
        """Save or replace a filter; return why the file was not written."""
        return self._change(name, where)

    def drop(self, name: str) -> str:
        """Delete a filter; return as put()."""
        return self._change(name, None)

    def _change(self, name: str, where: str | None) -> str:
        known, problem = _read(self._path)
        known.pop(name, None)
        if where is not None:
            known[name] = where
        if self._path is not None and not problem:
            try:
                replace_text(self._path, _HEAD + "".join(map(_line, known.items())))
            except OSError as error:
                problem = f"{self._path.name}: {reason(error)}"
            except UnicodeEncodeError:  # bytes of a command line that are no UTF-8
                problem = "the filter is not valid Unicode"
        if self._path is None or problem:
            self._unsaved[name] = where
        else:
            self._unsaved.pop(name, None)
        return problem


def name_problem(name: str) -> str:
    """Return why a filter cannot have this name; empty if it can."""
    if not name:
        return "a filter needs a name"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters"
    return "" if name.isprintable() else "a name has no control characters"


def _read(path: Path | None) -> tuple[Filters, str]:
    if path is None or not path.exists():
        return {}, ""
    try:
        found = tomllib.loads(read_small(path).decode())
    except (ValueError, RecursionError) as error:
        return {}, f"{path.name}: {error}; left unchanged"
    if bad := [name for name, where in found.items() if not isinstance(where, str)]:
        return {}, f"{path.name}: {bad[0]} is not a predicate in quotes; left unchanged"
    return {name: where for name, where in found.items() if not name_problem(name)}, ""


def _line(named: tuple[str, str]) -> str:
    # A string of JSON is one of TOML, except for DEL.
    strings = (json.dumps(text, ensure_ascii=False) for text in named)
    return " = ".join(strings).replace("\x7f", "\\u007f") + "\n"
