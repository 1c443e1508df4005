"""Folders in which coding agents keep their sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path


def agent_folders(home: Path, environ: Mapping[str, str]) -> list[Path]:
    """Return the folders of Claude Code, Codex and Gemini CLI that exist, each once.

    $CLAUDE_CONFIG_DIR (a list with commas) and $CODEX_HOME go before the places in `home`.
    """
    found: dict[Path, Path] = {}
    for folder in _places(home, environ):
        if folder.is_dir():
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _places(home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    named = [part.strip() for part in environ.get("CLAUDE_CONFIG_DIR", "").split(",")]
    for claude in [part for part in named if part] or ["~/.claude", "~/.config/claude"]:
        yield _expanded(claude, home) / "projects"
    codex = _expanded(environ.get("CODEX_HOME", "").strip() or "~/.codex", home)
    yield codex / "sessions"
    yield codex / "archived_sessions"
    yield home / ".gemini" / "tmp"


def _expanded(folder: str, home: Path) -> Path:
    """Return a folder with `home` for a leading ~."""
    # A variable that was set in a file is not expanded by a shell.
    return home / folder[2:] if folder.startswith("~/") else Path(folder)
