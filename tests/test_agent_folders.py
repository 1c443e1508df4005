"""Where coding agents keep their sessions: only what exists, each folder once."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmlog_tui.agent_folders import agent_folders
from llmlog_tui.cli import dashboard


def made(*folders: Path) -> list[Path]:
    for folder in folders:
        folder.mkdir(parents=True)
    return list(folders)


def test_a_home_without_agents_has_no_folders(tmp_path: Path) -> None:
    assert agent_folders(tmp_path, {}) == []


def test_the_folders_of_a_home_that_exist_are_found(tmp_path: Path) -> None:
    folders = made(
        tmp_path / ".claude/projects",
        tmp_path / ".config/claude/projects",
        tmp_path / ".codex/sessions",
        tmp_path / ".codex/archived_sessions",
        tmp_path / ".gemini/tmp",
    )
    assert agent_folders(tmp_path, {}) == folders


def test_variables_go_before_the_home(tmp_path: Path) -> None:
    made(tmp_path / ".claude/projects", tmp_path / ".codex/sessions")
    one, other, codex = made(
        tmp_path / "one/projects", tmp_path / "other/projects", tmp_path / "codex/sessions"
    )
    environ = {
        "CLAUDE_CONFIG_DIR": f"{tmp_path}/one, ~/other,,{tmp_path}/none",
        "CODEX_HOME": f"{tmp_path}/codex",
    }
    assert agent_folders(tmp_path, environ) == [one, other, codex]


def test_a_folder_that_two_names_lead_to_is_found_once(tmp_path: Path) -> None:
    (folder,) = made(tmp_path / ".claude/projects")
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/claude").symlink_to(tmp_path / ".claude")
    assert agent_folders(tmp_path, {}) == [folder]


def test_empty_variables_count_as_unset_and_files_as_missing(tmp_path: Path) -> None:
    (folder,) = made(tmp_path / ".claude/projects")
    (tmp_path / ".gemini").mkdir()
    (tmp_path / ".gemini/tmp").write_text("")
    assert agent_folders(tmp_path, {"CLAUDE_CONFIG_DIR": " ", "CODEX_HOME": ""}) == [folder]


def test_the_dashboard_says_in_one_line_that_there_are_no_sessions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert dashboard(["--agents"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "llmlog-tui: --agents: no sessions of Claude Code, Codex or Gemini CLI found"
