"""Packages that llmlog does without: what is said when one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmlog._optional import import_optional


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ModuleNotFoundError) as raised:
        import_optional("no_such_package.client", "llmlog[client]")
    expected = 'the no_such_package package is missing: pip install "llmlog[client]"'
    assert str(raised.value) == expected


def test_what_an_installed_package_lacks_itself_is_said_as_python_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import its_own_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'its_own_dependency'"):
        import_optional("half_installed", "llmlog[half]")
