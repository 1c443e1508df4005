"""Files to write that would be read as logs themselves."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from llmlog_tui.log.archive_manifest import is_archive
from llmlog_tui.log.sources import reads_below, url_of


def output_problem(out: Path, names: Sequence[str] = ()) -> str | None:
    """Return why a file is not to be written; None if it may be.

    In an archive's folder it could replace a part, or be deleted as an unfinished one. Below a
    folder, or matching a glob, of the LOG `names` it would be read as another part of the log.
    """
    if is_archive(out.parent):
        return f"{out.parent} is an archive; write outside of it"
    for name in names:
        if url_of(Path(name)) is None and _would_match(name, out):
            return f"would be read as a part of {name}; write outside of it"
    return None


def _would_match(name: str, out: Path) -> bool:
    path = Path(name)
    target = Path(os.path.realpath(out.parent)) / out.name
    if path.is_dir():
        folder = Path(os.path.realpath(path))
        return target.is_relative_to(folder) and reads_below(
            folder, target.relative_to(folder).parts
        )
    if path.exists() or not any(mark in name for mark in "*?["):
        return False
    # Folders may be links; a link's .. is another folder's, and so is that of each match of a mark.
    parts = path.absolute().parts
    fixed = next(at for at, part in enumerate(parts) if any(mark in part for mark in "*?["))
    fixed = max([fixed, *(at + 1 for at, part in enumerate(parts) if part == "..")])
    for found in glob.iglob(os.path.join(*parts[:fixed]), recursive=True):  # noqa: PTH118, PTH207
        folder = Path(os.path.realpath(found))
        if target.is_relative_to(folder) and _fits(target.relative_to(folder).parts, parts[fixed:]):
            return True
    return False


def _fits(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Return whether the components of a path match those of a glob."""
    if not patterns or not parts:
        return not parts and not patterns
    first, *others = patterns
    if first == "**":
        return _fits(parts, others) or (parts[0][0] != "." and _fits(parts[1:], patterns))
    is_hidden = parts[0].startswith(".") and not first.startswith(".")
    return not is_hidden and fnmatchcase(parts[0], first) and _fits(parts[1:], others)
