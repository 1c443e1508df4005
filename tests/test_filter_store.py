"""Saved filters on disk: a TOML file beside the settings that users may edit, too."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from llmlog_tui.config.filters import MAX_NAME, FilterStore, name_problem
from llmlog_tui.config.settings import filters_path, settings_path

HOSTILE = 'a "quoted" \\ name [b] = é 日本'


def test_the_file_is_beside_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert filters_path() == tmp_path / "llmlog" / "filters.toml"
    assert filters_path().parent == settings_path().parent


def test_filters_are_saved_replaced_and_deleted_for_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "new" / "filters.toml"
    store = FilterStore(path)
    assert store.read() == ({}, "")
    assert store.put("slow", "latency_ms > 5000") == ""
    assert store.put(HOSTILE, "model = 'it''s \"x\"' and\t\x7f true") == ""
    assert store.put("slow", "latency_ms > 9000") == ""
    known = {HOSTILE: "model = 'it''s \"x\"' and\t\x7f true", "slow": "latency_ms > 9000"}
    assert FilterStore(path).read() == (known, "")
    assert [*FilterStore(path).read()[0]] == [HOSTILE, "slow"], "the latest is the last"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FilterStore(path).drop(HOSTILE) == ""
    assert store.read() == ({"slow": "latency_ms > 9000"}, "")
    assert store.drop("never there") == ""


def test_two_dashboards_lose_no_filter(tmp_path: Path) -> None:
    one, other = (FilterStore(tmp_path / "filters.toml") for _ in range(2))
    one.put("a", "step = 1")
    other.put("b", "step = 2")
    one.put("c", "step = 3")
    assert [*other.read()[0]] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"slow = ", "Invalid value"),
        (b"slow = 5", "slow is not a predicate in quotes"),
        (b"[slow]\nwhere = 'x'", "slow is not a predicate in quotes"),
        (b"\xff\xfe", "can't decode"),
        (b"#" * 2**21, "too big, more than 1 MiB"),
    ],
    ids=["torn", "number", "table", "not UTF-8", "too big"],
)
def test_a_file_that_cannot_be_used_is_left_unchanged(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "filters.toml"
    path.write_bytes(content)
    store = FilterStore(path)
    assert problem in store.read()[1]
    assert "left unchanged" in store.put("mine", "step = 1")
    assert path.read_bytes() == content
    assert store.read()[0] == {"mine": "step = 1"}, "kept for this run"
    store.drop("mine")
    assert store.read()[0] == {}


def test_without_a_writable_file_filters_are_kept_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FilterStore(tmp_path / "file" / "filters.toml")
    assert "Not a directory" in store.put("a", "step = 1") or os.geteuid() == 0
    assert store.read()[0] == {"a": "step = 1"}
    assert "not valid Unicode" in FilterStore(tmp_path / "f.toml").put("b", "model = '\udcff'")
    memory = FilterStore()
    memory.put("a", "step = 1")
    assert memory.read() == ({"a": "step = 1"}, "")


def test_names_are_printable_and_short() -> None:
    assert name_problem("slow [b] 日本") == ""
    assert "needs a name" in name_problem("")
    assert "at most" in name_problem("x" * (MAX_NAME + 1))
    assert "control" in name_problem("a\x1bb")
