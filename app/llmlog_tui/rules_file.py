"""Reads a rules file, for the dashboard and the commands alike."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from llmlog_tui.analysis.rules import Rules, RulesError, parse

_MOST_BYTES: Final = 2**20


def read(path: Path) -> Rules:
    """The rules of a file. Raises RulesError, one line that names the file and what is wrong."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise RulesError(f"{path}: {error.strerror}") from error
    if len(text) > _MOST_BYTES:
        raise RulesError(f"{path}: too big for rules, more than 1 MiB")
    try:
        return parse(text.decode())
    except UnicodeDecodeError as error:
        raise RulesError(f"{path}: not UTF-8") from error
    except RulesError as error:
        raise RulesError(f"{path}: {error}") from error
