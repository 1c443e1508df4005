"""The README and the pages of .github: their commands run, and what they list is complete."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from tests.commands.conftest import Run
from tests.commands.test_stats import GROUP_KEYS, KEYS

from llmlog.record import EVENTS, FIELDS
from llmlog_tui.analysis.query.predicate import predicate_problem
from llmlog_tui.commands import _COMMANDS as COMMANDS
from llmlog_tui.config.rules import RULE_KEYS, parse_rules
from llmlog_tui.config.settings_file import read_settings
from llmlog_tui.tui.keys.registry import IDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github").rglob("*.md"))]
RUNS_FOR_EVER = ("llmlog listen", "llmlog-tui")
FIRES = {"check": 1}
"""Exit codes of commands that report alerts of the sample."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> list[str]:
    lines = (line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines())
    ours = (line for line in lines if line.startswith("llmlog"))
    return [line for line in dict.fromkeys(ours) if not line.startswith(RUNS_FOR_EVER)]


@pytest.mark.parametrize("line", commands())
def test_every_command_runs_in_the_samples_folder(
    llmlog: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    shutil.copy(sample, tmp_path / "calls.jsonl")
    monkeypatch.chdir(tmp_path)
    _, *words = shlex.split(line, comments=True)
    done = llmlog(*words)
    assert done.code == FIRES.get(words[0], 0), done.err
    assert "--to" in words or done.out or done.err


PAGE_WRITERS = ("bundle", "export", "report")
NO_ANSWERS = (*PAGE_WRITERS, "archive", "cache", "demo", "listen", "mcp", "prune", "schema")
"""Commands that write files or DDL, delete or serve."""
ARGUMENTS = {
    "diff": ["cd613e30", "failed"],
    "find": ["req_683115a8"],
    "session": ["28b6a473"],
    "sql": ["select model, count(*) from calls group by model"],
    "tail": ["--no-follow"],
    "trace": ["failed"],
}


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - set(NO_ANSWERS)))
def test_every_answer_is_there_as_json_and_for_some_of_the_records(
    llmlog: Run, sample: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(sample.parent)
    where = [] if name == "sql" else ["--where", "latency_ms >= 0"]
    done = llmlog(name, *ARGUMENTS.get(name, []), *where, "--json")
    assert done.code == FIRES.get(name, 0), done.err
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert objects
    assert all(isinstance(each, dict) for each in objects)
    if name == "status":
        line = llmlog(name, *where).out
        (found,) = objects
        assert f"{found['calls']} calls" in line
        assert f"✗ {found['errors']} calls failed" in line
        assert (found["alerts"][0]["state"], found["unpriced_calls"]) == ("ongoing", 14)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_figure_names_a_benchmark_that_exists(page: Path) -> None:
    for module in re.findall(r"python -m\s+(tests\.[\w.]+)", page.read_text(encoding="utf-8")):
        assert importlib.util.find_spec(module) is not None, module


def page(name: str) -> str:
    return (ROOT / ".github" / "docs" / name).read_text(encoding="utf-8")


def test_the_settings_and_the_rules_shown_are_valid(tmp_path: Path) -> None:
    (rules,) = blocks(ROOT / ".github/docs/rules.md", "toml")
    assert parse_rules(rules).budget.usd_per_hour == 2.5
    (settings,) = blocks(ROOT / ".github/docs/keys.md", "toml")
    file = tmp_path / "config.toml"
    file.write_text(settings, encoding="utf-8")
    assert read_settings(file, IDS, predicate_problem).theme == "light"


def test_every_command_field_event_rule_and_key_of_the_statistics_is_described() -> None:
    named = {
        "commands.md": [*(f"llmlog {name}" for name in COMMANDS), *KEYS, *GROUP_KEYS],
        "record.md": [f.name for f in FIELDS if f.section != "ratelimit"] + [*EVENTS],
        "rules.md": [f"[{key}]" for key in RULE_KEYS],
    }
    for name, words in named.items():
        text = page(name)
        assert [word for word in words if word not in text] == []
