"""Folders of the user for llmlog's own files, by the XDG specification."""

from __future__ import annotations

import os
from pathlib import Path


def user_folder(variable: str, fallback: str) -> Path:
    """Return `llmlog` in the folder that an environment variable names.

    `fallback`, in the home folder, takes its place if it is not set.
    """
    folder = Path(os.environ.get(variable, ""))
    # The specification: a relative path is ignored.
    return (folder if folder.is_absolute() else Path.home() / fallback) / "llmlog"
