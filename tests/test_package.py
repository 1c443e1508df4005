"""The package: what is in the wheel, who imports whom, what stands at the top."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

BELOW_THE_SCREEN = ["llmlog_tui.log.reader", "llmlog_tui.analysis.live.overview"]


def imported_by(module: str) -> set[str]:
    """The top-level modules that are there after `import module` in a new process."""
    program = (
        f"import sys, {module}; print('\\n'.join({{m.partition('.')[0] for m in sys.modules}}))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(shown.stdout.split())


def test_the_capture_library_imports_nothing_but_the_standard_library() -> None:
    ours = {"llmlog"}
    other = imported_by("llmlog") - set(sys.stdlib_module_names) - imported_by("sys") - ours
    assert other == set()


@pytest.mark.parametrize("module", BELOW_THE_SCREEN)
def test_log_and_analysis_never_import_textual_or_click(module: str) -> None:
    assert not imported_by(module) & {"textual", "rich", "click", "openai"}


def test_the_dashboard_paints_before_polars_and_never_imports_openai_or_click() -> None:
    assert not imported_by("llmlog_tui.tui.app") & {"polars", "orjson", "openai", "httpx2", "click"}


def test_the_headless_commands_never_import_textual() -> None:
    assert not imported_by("llmlog_tui.commands") & {"textual", "openai"}


def test_the_wheel_holds_both_packages_with_their_types_and_styles(
    root: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, check=True, cwd=root, capture_output=True)
    (wheel,) = tmp_path.glob("llmlog-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "llmlog/__init__.py",
        "llmlog/__main__.py",
        "llmlog/py.typed",
        "llmlog_tui/cli.py",
        "llmlog_tui/py.typed",
        "llmlog_tui/tui/app.tcss",
        "llmlog_tui/demo/run.py",
    } <= names
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    (data,) = tops - {"llmlog", "llmlog_tui"}
    assert f"{data}/data/share/man/man1/llmlog-tui.1" in names


def test_a_base_install_depends_on_nothing(root: Path) -> None:
    lines = (root / "pyproject.toml").read_text().splitlines()
    assert "dependencies = []" in lines


def test_the_top_level_holds_what_was_agreed_and_nothing_else(root: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files"], check=True, cwd=root, capture_output=True, text=True
    )
    tops = {name.partition("/")[0] for name in listed.stdout.splitlines()}
    visible = {top for top in tops if not top.startswith(".")}
    assert visible <= {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "app",
        "capture",
        "tests",
        "sample_logs",
    }


def test_the_import_rules_hold(root: Path) -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        check=False,
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
