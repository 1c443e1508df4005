"""Pytest plugin: LLM calls of each test, budgets for them, a log of the run.

Off unless asked for: `pytest -p llmlog.pytest`, or `pytest_plugins = ["llmlog.pytest"]` in the
outermost conftest.py. Then

- calls that any llmlog session of the test process records count for the running test;
- the fixture `llm_session` is a session for code that has none: `llm_session.wrap(OpenAI())`;
- `@pytest.mark.llm_budget(calls=4, tokens=8000, cost_usd=0.02, p95_ms=1500)` fails a test whose
  calls exceed it, or whose usage is unknown;
- a summary ends the run, and the log (--llm-log) keeps the records, each with its test as
  `extra.test`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from llmlog import _core
from llmlog._budgets import LIMITS, CallUsage, usage_of, why_no_cost
from llmlog._foreign import Fields, Foreign, as_float, as_object
from llmlog._session import Session
from llmlog._session import session as open_session
from llmlog._writer import open_writer
from llmlog.record import dump

if TYPE_CHECKING:
    from collections.abc import Generator

    from llmlog._content import ContentPolicy

_MARKER: Final = "llm_budget"
_PROPERTY: Final = "llm_{}"
_LISTED: Final = 10
"""Maximum tests in the summary."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("llmlog", "LLM calls")
    group.addoption(
        "--llm-log",
        metavar="FILE",
        default="llm-calls.jsonl",
        help="log of the tests' LLM calls, replaced at the start of a run (default: %(default)s)",
    )
    group.addoption(
        "--llm-content",
        choices=("none", "hash", "redacted", "full"),
        default="none",
        help="content policy of the fixture llm_session; testing.replay needs full",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start to count calls."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(calls, tokens, cost_usd, p95_ms): fail the test if its LLM calls exceed one",
    )
    recorder = _Recorder(config.rootpath / cast("str", config.getoption("--llm-log")))
    config.pluginmanager.register(recorder, "llmlog-recorder")
    _core.observers.append(recorder.observe)
    config.add_cleanup(lambda: _core.observers.remove(recorder.observe))


@pytest.fixture
def llm_session(request: pytest.FixtureRequest) -> Generator[Session]:
    """Return a session whose calls are those of one trace, named after the test."""
    content = cast("ContentPolicy", request.config.getoption("--llm-content"))
    test = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType]
    session = open_session(_discard, content=content)
    with session.trace(name=test.nodeid):
        yield session


def _discard(line: bytes) -> None:
    """Ignore a line: the recorder writes it."""


class _Recorder:
    """The records of the running test, and the usage of all tests."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._writer = open_writer(log)
        self._test = ""
        self._records: list[Fields] = []
        self._usage: dict[str, CallUsage] = {}

    def observe(self, line: bytes) -> None:
        """Note a line that any session has written."""
        record = as_object(json.loads(line)) or {}
        self._records.append(record)
        extra = {**(as_object(record.get("extra")) or {}), "test": self._test or None}
        self._writer.write(dump({**record, "extra": extra}))

    # First: the processes of pytest-xdist begin to write after this.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Remove the log of the last run; refuse to remove any other file."""
        is_part = hasattr(session.config, "workerinput")
        if is_part or session.config.option.collectonly or not self._log.exists():
            return
        if not _is_ours(self._log):
            raise pytest.UsageError(f"--llm-log: {self._log} is no log of an earlier test run")
        self._log.unlink()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse a budget of unknown limits."""
        for item in items:
            for mark in item.iter_markers(_MARKER):
                if wrong := _problem(mark):
                    raise pytest.UsageError(f"{item.nodeid}: {_MARKER} takes {wrong}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Foreign, Foreign]:
        """Count the calls from the setup of a test to its teardown as its own."""
        self._test = item.nodeid
        self._records = []
        try:
            return (yield)
        finally:
            self._test = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Foreign, Foreign]:
        """Fail a test that has passed, but exceeded its budget."""
        try:
            result = yield
        finally:
            usage = usage_of(self._records)
            if usage.calls:
                known = usage.as_fields().items()
                item.user_properties += [(_PROPERTY.format(name), value) for name, value in known]
        # The mark nearest to the test comes first.
        limits: dict[str, float] = {}
        for mark in item.iter_markers(_MARKER):
            limits = {**mark.kwargs, **limits}
        if excess := usage.excess(limits, why_no_cost(self._records)):
            pytest.fail("LLM budget: " + "; ".join(excess), pytrace=False)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the usage of a test, which may have run in another process."""
        if report.when == "call":
            names = {_PROPERTY.format(name): name for name in vars(CallUsage())}
            known: Fields = {
                names[name]: value for name, value in report.user_properties if name in names
            }
            if known:
                self._usage[report.nodeid] = CallUsage.of_fields(known)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the usage of the tests, those with the most tokens first."""
        if not self._usage:
            return
        write = terminalreporter.write_line
        terminalreporter.section("LLM calls")
        tests = sorted(self._usage, key=lambda test: self._usage[test].tokens, reverse=True)
        for test in tests[:_LISTED]:
            write(f"{self._usage[test].describe()}  {test}")
        if (more := len(tests) - _LISTED) > 0:
            write(f"and {more} more {'test' if more == 1 else 'tests'}")
        total = sum(self._usage.values(), CallUsage())
        counted = f"{len(tests)} {'test' if len(tests) == 1 else 'tests'}"
        write(f"{total.describe()}  in {counted}; log: {self._log}")


def _problem(mark: pytest.Mark) -> str:
    """Return a clause on the limits that a mark takes; empty if it is right."""
    unknown = sorted(mark.kwargs.keys() - LIMITS)
    if mark.args or unknown or not mark.kwargs:
        return f"{', '.join(LIMITS)}, not {', '.join(unknown) or 'no limit by name'}"
    for name, limit in mark.kwargs.items():
        number = as_float(limit)
        if number is None or number < 0:
            return f"numbers from 0, not {name}={limit!r}"
    return ""


def _is_ours(log: Path) -> bool:
    """Return whether a file is empty or a log of test runs."""
    with log.open("rb") as file:
        first = file.readline()
    try:
        record = as_object(json.loads(first or '{"extra": {"test": null}}')) or {}
    except ValueError:
        return False
    return "test" in (as_object(record.get("extra")) or {})
