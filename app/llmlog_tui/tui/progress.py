"""Progress of reading the files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["loading", "live", "done", "failed"]


@dataclass(frozen=True)
class Progress:
    """Reading progress: bytes `read` of the bytes `there`, and the `records` in them.

    `files` exist now (a glob may match more later), `waiting` do not exist yet, `gone` were
    deleted, `problems` pairs unreadable ones with the reason. `state` is `done` after the files
    were read once without following them. `refusal` is why the files can have no records.
    `rows_outside` are records outside the window, of tables and archives.
    """

    state: State = "loading"
    read: int = 0
    there: int = 0
    files: tuple[Path, ...] = ()
    waiting: tuple[Path, ...] = ()
    problems: tuple[tuple[Path, str], ...] = ()
    gone: tuple[Path, ...] = ()
    records: int = 0
    refusal: str = ""
    rows_outside: int = 0
