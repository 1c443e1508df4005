"""Tests marked `alone`: those of a file run in one process that ends with them.

What they import or allocate would stay in a worker of pytest-xdist until its end, on top of what
the other tests need: LiteLLM alone has over 200 MB, a value of 10 MB on the screen needs 350 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, TypeAlias

import pytest

_REPORTS: Final = "LLMLOG_TEST_REPORTS"
"""Environment variable of such a process: the file it writes its reports to."""

_Reports: TypeAlias = dict[str, list[pytest.TestReport]]
"""Reports of setup, call and teardown by test."""

_done: dict[Path, _Reports] = {}
"""Reports by file, of the files whose process has ended."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Report what the process of the test's file reported; start it for the first such test."""
    if _REPORTS in os.environ or not _is_alone(item):
        return None
    if item.path not in _done:
        _done[item.path] = _run(item)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _done[item.path][item.nodeid]:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # The test before it may have left fixtures of its file for this one, which needs none here.
    item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001
    return True


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write a report for the process that waits for it."""
    if path := os.environ.get(_REPORTS):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(report._to_json(), default=str) + "\n")  # noqa: SLF001


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _run(item: pytest.Item) -> _Reports:
    """Run the selected tests of a file that are marked; their reports by test."""
    items = [i for i in item.session.items if i.path == item.path and _is_alone(i)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "reports.jsonl")
        path.touch()
        names = [i.nodeid for i in items]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", *names],
            cwd=item.config.rootpath,
            env={**os.environ, _REPORTS: str(path)},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = path.read_text(encoding="utf-8").splitlines()
    reports: _Reports = {name: [] for name in names}
    for line in lines:
        report = pytest.TestReport._from_json(json.loads(line))  # noqa: SLF001
        reports[report.nodeid].append(report)
    for each in items:
        if not any(report.when == "teardown" for report in reports[each.nodeid]):
            reports[each.nodeid].append(_lost(each, done.stdout + done.stderr))
    return reports


def _lost(item: pytest.Item, output: str) -> pytest.TestReport:
    """The report of a test whose process ended before it."""
    return pytest.TestReport(
        item.nodeid, item.location, keywords={}, outcome="failed", longrepr=output, when="call"
    )
