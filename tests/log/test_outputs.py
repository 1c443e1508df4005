"""A file to write is refused if it would be read as another part of the log, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmlog_tui.log.archive_manifest import Manifest
from llmlog_tui.log.outputs import output_problem
from llmlog_tui.log.sources import SourceError, expand

LAYOUTS: tuple[list[str], ...] = (
    ["calls.jsonl"],
    ["session.jsonl", "session/agent.jsonl"],
    ["2026/11/a.log"],
    [],
)
NAMES = (".", "*.jsonl", "**/*.jsonl", "*", "20*/*/*", "calls.jsonl", "link", "link/*.jsonl")
BY_PARENT = ("s*/../out.jsonl", "s*/../*.jsonl", "l*/../logs/*.jsonl", "link/../*/out.jsonl")
OUTS = (
    *("out.jsonl", "out.csv", ".out.jsonl", "calls.jsonl.gz", "session/out.jsonl"),
    *("2026/11/out.log", "2026/out.jsonl", ".hidden/out.jsonl", "other/out.jsonl"),
    *("2026/11/23/5/6/out.jsonl", "link/out.jsonl"),
)


@pytest.mark.parametrize("layout", LAYOUTS, ids=" ".join)
def test_it_is_refused_if_its_name_would_be_found_among_the_logs(
    tmp_path: Path, layout: list[str]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "link").symlink_to(folder)
    for name in layout:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for at in OUTS:
        out = folder / at
        made = [each for each in out.parents if not each.exists()]
        out.parent.mkdir(parents=True, exist_ok=True)
        for name in (str(folder / name) for name in NAMES + BY_PARENT):
            problem = output_problem(out, [name])
            out.touch()
            try:
                is_found = any(out.samefile(each) for each in expand([name], must_exist=True))
            except SourceError:
                is_found = False
            assert (problem is not None) == is_found, (at, name)
            out.unlink()
        for each in made:
            each.rmdir()


def test_an_archive_s_folder_takes_no_other_file(tmp_path: Path) -> None:
    Manifest().write(tmp_path)
    assert output_problem(tmp_path / "out.parquet") is not None
    assert output_problem(tmp_path / "below" / "out.parquet") is None
