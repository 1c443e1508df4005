"""A user's settings, and what the dashboard remembers by itself."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from llmlog import _content
from llmlog_tui.analysis.query.predicate import row_problem
from llmlog_tui.config.settings import (
    Memory,
    RowRule,
    Settings,
    SettingsError,
    memory_path,
    settings_path,
)
from llmlog_tui.config.settings_file import read_settings
from llmlog_tui.log.cache_folder import cache_folder

IDS = ("app.freeze", "view.find")
A_ROW = "a row style has where and style, and nothing else"


def test_a_settings_file_sets_theme_bell_keys_and_ascii(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        'theme = "light"\nbell = false\nascii = true\n[keys]\n"app.freeze" = "f8,ctrl+f"\n'
    )
    keys = {"app.freeze": "f8,ctrl+f"}
    assert read_settings(file, IDS, row_problem) == Settings(
        "light", bell=False, keys=keys, ascii=True
    )


def test_a_settings_file_gives_rows_a_style(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    where = "latency_ms > 5000 and model = 'gpt-5'"
    file.write_text(f'[[rows]]\nwhere = "{where}"\nstyle = "warning"\n')
    assert read_settings(file, IDS, row_problem) == Settings(rows=(RowRule(where, "warning"),))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("theme = 'pink'", "theme is dark or light, not 'pink'"),
        ("theme = 1", "theme is dark or light, not 1"),
        ("bell = 'no'", "bell is true or false, not 'no'"),
        ("ascii = 'no'", "ascii is true or false, not 'no'"),
        ("thme = 'dark'", "no setting thme; there are theme, bell, keys, rows, ascii"),
        ("keys = 3", "keys is a table of ids and keys"),
        ("[keys]\n'app.freze' = 'x'", "no key app.freze; there are app.freeze, view.find"),
        ("rows = 3", "rows are tables, each begun by [[rows]]"),
        ("[[rows]]\nwhere = 'step > 1'", f"rows 1: {A_ROW}"),
        ("[[rows]]\nwhere = 'step > 1'\nstyle = 'error'\nmark = '!'", f"rows 1: {A_ROW}"),
        ("rows = ['x']", f"rows 1: {A_ROW}"),
        (
            "[[rows]]\nwhere = 'step > 1'\nstyle = 'red'",
            "rows 1: style is one of warning, error, accent, success, muted, not 'red'",
        ),
        ("[[rows]]\nwhere = 1\nstyle = 'error'", "rows 1: where is a text, not 1"),
        (
            "rows = [{where='step > 1', style='error'}, {where='latency > 1', style='error'}]",
            "rows 2: no column latency; the nearest is latency_ms",
        ),
        (
            "rows = [{where='latency_ms > avg(latency_ms)', style='error'}]",
            "rows 1: the predicate: takes fields of one call, no aggregates",
        ),
        ("[keys]\n'app.freeze' = 7", "app.freeze is not on a key: 7"),
        ("[keys]\n'app.freeze' = ' '", "app.freeze is not on a key: ' '"),
    ],
)
def test_what_is_wrong_with_it_is_said_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_settings(file, IDS, row_problem)
    assert str(caught.value) == f"{file}: {why}"


@pytest.mark.parametrize("content", [b"theme =", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "config.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"config\.toml: "):
        read_settings(file, IDS, row_problem)


def test_what_is_remembered_is_there_in_the_next_run_and_only_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "state" / "dashboard.json"
    Memory(file).put("overview", {"top": 9})
    assert Memory(file).get("overview") == {"top": 9}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["dashboard.json"]


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b"[" * 100_000])
def test_a_memory_that_makes_no_sense_is_no_memory(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "dashboard.json"
    file.write_bytes(content)
    assert Memory(file).get("overview") is None


def test_a_memory_that_cannot_be_kept_lasts_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "in the way").touch()
    memory = Memory(tmp_path / "in the way" / "dashboard.json")
    memory.put("overview", 1)
    assert memory.get("overview") == 1


@pytest.mark.parametrize("own", ["", "relative", "./x"])
def test_a_user_folder_that_is_no_absolute_path_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, own)
    assert cache_folder() == tmp_path / ".cache" / "llmlog" / "parsed"
    assert settings_path() == tmp_path / ".config" / "llmlog" / "config.toml"
    assert memory_path() == tmp_path / ".local" / "state" / "llmlog" / "dashboard.json"
    if sys.platform == "linux":
        assert _content._data_folder() == tmp_path / ".local" / "share"  # noqa: SLF001
