"""The log of the benchmarks is one our own library could have written."""

from __future__ import annotations

import importlib.util
import json
from itertools import islice
from pathlib import Path
from types import ModuleType

from llmlog.record import checked, to_line
from llmlog_tui.log.parse import parse


def module(name: str) -> ModuleType:
    """A script beside this file: they are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_its_lines_are_records_of_ours_to_the_byte() -> None:
    for line in islice(module("make_log").lines(), 300):
        assert to_line(checked(json.loads(line))) == line.encode()


def test_the_same_seed_makes_the_same_log_and_another_another() -> None:
    make_log = module("make_log")
    first, again, other = (list(islice(make_log.lines(seed), 20)) for seed in (1, 1, 2))
    assert first == again != other


def test_every_line_of_it_is_a_record_without_a_fault(tmp_path: Path) -> None:
    module("make_log").write(tmp_path / "calls.jsonl", 500)
    parsed = parse((tmp_path / "calls.jsonl").read_bytes())
    assert parsed.frame.height == 500
    assert not parsed.skipped.counts
    assert not parsed.nulled.counts


def test_following_loses_nothing_through_rotation() -> None:
    found = module("live").follow(2_000, 1.0, rotate_s=0.2)
    assert found["written"] > 1_000
    assert (found["lost"], found["twice"]) == (0, 0)
