"""Small files of the user, such as settings: read whole, up to a bound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from llmlog_tui.errors import reason

MAX_BYTES: Final = 2**20


class SmallFileError(ValueError):
    """A file that cannot be used; the message is one line, without the path."""


def read_small(path: Path, max_bytes: int = MAX_BYTES, *, or_pipe: bool = False) -> bytes:
    """Return the content of a regular file, or of /dev/null. Raises SmallFileError.

    With `or_pipe` also that of a pipe, as the shell's <(…) makes one: waits for its writer.
    """
    try:
        if path.is_dir():
            raise SmallFileError("is a folder")
        is_usable = path.is_file() or str(path) == os.devnull  # an empty one, without a wait
        if not is_usable and path.exists() and not or_pipe:
            raise SmallFileError("is not a regular file")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise SmallFileError(reason(error)) from error
    if len(content) > max_bytes:
        raise SmallFileError(f"too big, more than {max_bytes // 2**20} MiB")
    return content
