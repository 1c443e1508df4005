"""Which files a command line means."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path


class SourceError(Exception):
    """A file that can never be read as a log; its text is one clear line for the user."""


def expand(paths: Sequence[str], *, must_exist: bool) -> list[Path]:
    """The files named by `paths`, each once, in the order given.

    Raises SourceError for what is no file, and with `must_exist` for what is not there (a follower
    waits for it instead).
    """
    found: dict[Path, None] = {}
    for name in paths:
        path = Path(name)
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            if must_exist:
                raise SourceError(f"{name}: no such file") from None
        except OSError as error:
            raise SourceError(f"{name}: {error.strerror}") from error
        else:
            if stat.S_ISDIR(mode):
                raise SourceError(f"{name}: is a folder, not a log")
            if not stat.S_ISREG(mode):
                raise SourceError(f"{name}: is not a regular file")
        found[path] = None
    return list(found)
