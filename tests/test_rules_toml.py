"""The rules file: read for the dashboard and the commands, refused in one line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from llmlog_tui.config.rules import DEFAULT, PriceOverride, RulesError, read_rules

DASHBOARD = "import sys; from llmlog_tui.cli import dashboard; sys.exit(dashboard())"


def test_a_file_changes_what_is_watched(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[truncation]\nwindow_calls = 30\n")
    assert read_rules(rules).truncation.window_calls == 30


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), (b"\xff", "not UTF-8"), (b"x" * 2**21, "too big"), (b"[x]", "x")],
)
def test_what_cannot_be_used_is_named_with_its_file(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    rules = tmp_path / "rules.toml"
    if content is not None:
        rules.write_bytes(content)
    with pytest.raises(RulesError) as refused:
        read_rules(rules)
    assert str(refused.value).startswith(f"{rules}: ")
    assert why in str(refused.value)


def test_the_dashboard_refuses_bad_rules_in_one_line(tmp_path: Path, sample: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[nonsense]\n")
    command = [sys.executable, "-c", DASHBOARD, str(sample), "--rules", str(rules)]
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"llmlog-tui: {rules}: ")
    assert refused.stderr.count("\n") == 1


def test_the_documented_keys_and_defaults_are_those_of_the_rules() -> None:
    written = {}
    for line in (Path(__file__).parents[1] / ".github/docs/rules.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`") and "." in cells[0]:
            assert cells[3]
            written[cells[0].strip("`")] = cells[1].strip("`")
    screen = {"hidden_truncation": "hidden_cut", "errors": "error_rate", "retries": "retry_storm"}
    expected = {
        f"{screen.get(section, section)}.{key}": default
        for section, keys in asdict(DEFAULT).items()
        for key, default in keys.items()
    }
    nothing: tuple[object, ...] = (None, (), "")
    shown = {key: "none" if it in nothing else str(it).lower() for key, it in expected.items()}
    prices = dict.fromkeys(("input", "output"), "required")
    prices |= dict.fromkeys(("cached", "cache_write"), "input")
    assert set(prices) == {field.name for field in fields(PriceOverride)}
    assert written == shown | {f"prices.MODEL.{key}": price for key, price in prices.items()}
