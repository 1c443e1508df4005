"""The pytest plugin: calls counted per test, budgets, a summary, and the log of a run."""

from __future__ import annotations

import json
import re
import stat
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.capture.conftest import Anything

from llmlog._budgets import CallUsage, usage_of, why_no_cost


@pytest.fixture(autouse=True)
def _no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load no other plugins in the inner runs: some keep state that both runs would share."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


PLUGIN = ("-p", "llmlog.pytest")

AGENT = """
    import httpx2, llmlog, openai, pytest

    ANSWER = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 18, "completion_tokens": 3, "total_tokens": 21, "cost": 0.002}}
    MESSAGES = [{"role": "user", "content": "Say hi."}]

    def client(answer=ANSWER):
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
        return openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport))

    def ask(recorded, times=1):
        for _ in range(times):
            recorded.chat.completions.create(model="m", messages=MESSAGES)
"""


class Run:
    """The result of pytest in a folder of its own."""

    def __init__(self, pytester: pytest.Pytester, tests: str, *options: str) -> None:
        pytester.makepyfile(test_agent=textwrap.dedent(AGENT) + textwrap.dedent(tests))
        done = pytester.runpytest("-q", "-p", "no:cacheprovider", *options)
        self.code = done.ret
        self.text = "\n".join([*done.outlines, *done.errlines])
        self.log = pytester.path / "llm-calls.jsonl"

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_bytes().splitlines()]


BUDGETS = """
    def test_without_budget(llm_session):
        ask(llm_session.wrap(client()), 2)

    @pytest.mark.llm_budget(calls=2, tokens=42, cost_usd=0.004, p95_ms=60_000)
    def test_within(llm_session):
        ask(llm_session.wrap(client()), 2)

    @pytest.mark.llm_budget(calls=1, tokens=41)
    def test_beyond(llm_session):
        ask(llm_session.wrap(client()), 2)

    @pytest.mark.llm_budget(cost_usd=0.001)
    def test_too_dear(llm_session):
        ask(llm_session.wrap(client()))

    @pytest.mark.llm_budget(tokens=100)
    def test_unknown(llm_session):
        ask(llm_session.wrap(client({**ANSWER, "usage": None})))

    @pytest.mark.llm_budget(calls=0)
    def test_no_calls():
        pass

    @pytest.mark.llm_budget(calls=0)
    def test_fails_by_itself(llm_session):
        ask(llm_session.wrap(client()))
        raise ZeroDivisionError

    own = llmlog.session(lambda line: None, content="full")

    @pytest.mark.llm_budget(calls=1)
    def test_with_a_session_of_its_own():
        ask(own.wrap(client()), 3)

    @pytest.mark.llm_budget(calls=9)
    class TestNearest:
        @pytest.mark.llm_budget(calls=1)
        def test_counts(self, llm_session):
            ask(llm_session.wrap(client()), 2)
"""


@pytest.fixture
def budgets(pytester: pytest.Pytester) -> Run:
    return Run(pytester, BUDGETS, *PLUGIN, "-rA")


def test_the_example_of_the_librarys_page_passes(pytester: pytest.Pytester, root: Path) -> None:
    page = (root / ".github/docs/capture.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import pytest.*?)```", page, re.DOTALL)
    agent = """
        client = client()

        def run_agent(recorded):
            ask(recorded)
            return "your refund"
    """
    run = Run(pytester, textwrap.dedent(agent) + example, *PLUGIN)
    assert run.code == pytest.ExitCode.OK, run.text
    assert re.search(r" 1 call +21  tokens +\$0\.0020 ", run.text)


def line_of(run: Run, test: str) -> str:
    """Return what the short summary says of a test."""
    (found,) = re.findall(rf"^(?:PASSED|FAILED) test_agent.py::{test}\b.*$", run.text, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("test", ["test_without_budget", "test_within", "test_no_calls"])
def test_a_test_within_its_budget_passes(budgets: Run, test: str) -> None:
    assert line_of(budgets, test).startswith("PASSED")


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("test_beyond", "LLM budget: 2 calls, at most 1; 42 tokens, at most 41"),
        ("test_too_dear", "LLM budget: 0.002 cost_usd, at most 0.001"),
        ("test_unknown", "LLM budget: tokens of 1 of 1 calls is unknown"),
        ("test_with_a_session_of_its_own", "LLM budget: 3 calls, at most 1"),
        ("TestNearest::test_counts", "LLM budget: 2 calls, at most 1"),
    ],
)
def test_a_test_beyond_its_budget_fails_with_the_reason(
    budgets: Run, test: str, reason: str
) -> None:
    assert reason in budgets.text
    assert line_of(budgets, test).startswith("FAILED")


def test_a_test_that_fails_by_itself_keeps_its_own_reason(budgets: Run) -> None:
    assert "ZeroDivisionError" in line_of(budgets, "test_fails_by_itself")
    assert budgets.code == pytest.ExitCode.TESTS_FAILED


def test_the_summary_shows_the_usage_of_each_test_and_the_sum(budgets: Run) -> None:
    assert re.search(r"=+ LLM calls =+", budgets.text)
    assert re.search(
        r" 2 calls +42  tokens +\$0\.0040 +p95 .* test_agent\.py::test_within", budgets.text
    )
    assert re.search(
        r" 14 calls +273\+ tokens .* in 8 tests; log: .*llm-calls\.jsonl", budgets.text
    )


def test_the_log_keeps_each_record_with_its_test(budgets: Run) -> None:
    tests = [record["extra"]["test"] for record in budgets.records()]
    assert tests.count("test_agent.py::test_with_a_session_of_its_own") == 3
    named = [record for record in budgets.records() if "trace_name" in record]
    assert {record["trace_name"] for record in named} <= set(tests)
    assert not any("input" in record for record in named)


@pytest.mark.parametrize(
    ("mark", "wrong"),
    [
        ("(colour=1)", "calls, tokens, cost_usd, p95_ms, not colour"),
        ("(3)", "calls, tokens, cost_usd, p95_ms, not no limit by name"),
        ("()", "calls, tokens, cost_usd, p95_ms, not no limit by name"),
        ("(calls='3')", "numbers from 0, not calls='3'"),
        ("(calls=-1)", "numbers from 0, not calls=-1"),
    ],
)
def test_a_budget_of_unknown_limits_is_refused(
    pytester: pytest.Pytester, mark: str, wrong: str
) -> None:
    tests = f"""
        @pytest.mark.llm_budget{mark}
        def test_agent():
            pass
    """
    run = Run(pytester, tests, *PLUGIN)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert f"llm_budget takes {wrong}" in run.text


def test_the_log_is_private_and_replaced_by_the_next_run(pytester: pytest.Pytester) -> None:
    tests = """
        def test_agent(llm_session):
            ask(llm_session.wrap(client()), 2)
    """
    for _ in range(2):
        run = Run(pytester, tests, *PLUGIN)
        assert len(run.records()) == 2
        assert stat.S_IMODE(run.log.stat().st_mode) == 0o600
    Run(pytester, tests, *PLUGIN, "--collect-only")
    assert len(run.records()) == 2


@pytest.mark.parametrize("line", ['{"model": "m", "latency_ms": 5}', "not a log", "[]"])
def test_no_other_file_is_replaced(pytester: pytest.Pytester, line: str) -> None:
    (pytester.path / "llm-calls.jsonl").write_text(line + "\n")
    run = Run(pytester, "def test_agent(): pass", *PLUGIN)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "llm-calls.jsonl is no log of an earlier test run" in run.text
    assert run.log.read_text() == line + "\n"


def test_without_calls_there_is_no_log_and_no_summary(pytester: pytest.Pytester) -> None:
    run = Run(pytester, "def test_agent(): pass", *PLUGIN)
    assert (run.code, run.log.exists()) == (pytest.ExitCode.OK, False)
    assert "LLM calls" not in run.text


def test_calls_of_a_fixture_count_for_the_test_that_uses_it(pytester: pytest.Pytester) -> None:
    tests = """
        @pytest.fixture
        def warm(llm_session):
            ask(llm_session.wrap(client()), 2)

        @pytest.mark.llm_budget(calls=1)
        def test_agent(warm):
            pass
    """
    run = Run(pytester, tests, *PLUGIN)
    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert "LLM budget: 2 calls, at most 1" in run.text


def test_an_expected_failure_may_exceed_its_budget(pytester: pytest.Pytester) -> None:
    tests = """
        @pytest.mark.xfail(strict=True)
        @pytest.mark.llm_budget(calls=0)
        def test_agent(llm_session):
            ask(llm_session.wrap(client()))
    """
    assert Run(pytester, tests, *PLUGIN).code == pytest.ExitCode.OK


def test_without_the_plugin_nothing_is_counted(pytester: pytest.Pytester) -> None:
    tests = """
        def test_agent(request):
            assert not request.config.pluginmanager.has_plugin("llmlog-recorder")
            ask(llmlog.session(lambda line: None).wrap(client()))
    """
    run = Run(pytester, tests)
    assert (run.code, run.log.exists()) == (pytest.ExitCode.OK, False)
    assert "LLM calls" not in run.text


def test_a_run_with_content_can_be_replayed(pytester: pytest.Pytester) -> None:
    tests = """
        from llmlog import testing

        def test_agent(llm_session):
            ask(llm_session.wrap(client()))

        def test_replay():
            ask(testing.replay("llm-calls.jsonl"))
    """
    run = Run(pytester, tests, *PLUGIN, "--llm-content", "full")
    assert run.code == pytest.ExitCode.OK, run.text


def test_processes_of_one_run_share_the_log_and_the_summary(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    tests = """
        @pytest.mark.parametrize("number", range(4))
        def test_agent(llm_session, number):
            ask(llm_session.wrap(client()))
    """
    run = Run(pytester, tests, *PLUGIN, "-p", "xdist.plugin", "-n", "2")
    assert run.code == pytest.ExitCode.OK, run.text
    assert len(run.records()) == 4
    assert re.search(r" 4 calls +84  tokens .* in 4 tests", run.text)


def call(**changes: Anything) -> dict[str, Any]:
    return {"event": "chat_completion", "status": "ok", "total_tokens": 10, **changes}


def test_only_model_calls_count_and_failed_ones_need_no_tokens() -> None:
    failed = call(status="error", total_tokens=None)
    usage = usage_of([call(), failed, {"event": "tool_call"}, {"event": "start"}])
    assert (usage.calls, usage.tokens, usage.without_tokens) == (2, 10, 0)


def test_the_percentile_is_interpolated() -> None:
    usage = usage_of([call(latency_ms=latency) for latency in (100, 200, 300)])
    assert usage.p95_ms == pytest.approx(290)
    assert usage_of([call()]).p95_ms is None


def test_a_call_is_priced_by_its_tokens_where_its_provider_is_known() -> None:
    pytest.importorskip("genai_prices")
    known = {"model": "gpt-4o", "prompt_tokens": 1_000_000, "completion_tokens": 0}
    by_host = usage_of([call(**known, provider="api.openai.com")])
    by_name = usage_of([call(**known, provider="openai")])
    assert by_host.cost_usd == by_name.cost_usd > 0
    for unknown in ({**known, "provider": None}, {**known, "provider": "example.org"}):
        assert usage_of([call(**unknown)]).without_cost == 1


def test_a_cost_that_is_unknown_is_not_within_a_budget() -> None:
    (reason,) = CallUsage(calls=2, without_cost=1).excess({"cost_usd": 1})
    assert reason == "cost_usd of 1 of 2 calls is unknown"


def test_the_reason_for_an_unknown_cost_names_each_model() -> None:
    pytest.importorskip("genai_prices")
    own = call(model="own-7b", prompt_tokens=1, provider="example.org")
    others = [
        call(model="gpt-4o", provider="openai"),
        call(model="gpt-4o", prompt_tokens=1),
        call(prompt_tokens=1, provider="openai"),
    ]
    known = call(model="gpt-4o", prompt_tokens=1, completion_tokens=0, provider="openai")
    assert why_no_cost([known, call(status="error"), {"event": "tool_call"}]) == ""
    records = [own, known, own, *others]
    why = why_no_cost(records)
    assert why.startswith("no price of own-7b at example.org, no tokens of gpt-4o, ")
    assert why.endswith("no provider of gpt-4o, no model")
    (reason,) = usage_of(records).excess({"cost_usd": 1}, why)
    assert reason == f"cost_usd of 5 of 6 calls is unknown ({why})"


def test_only_without_the_package_of_prices_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    own = call(model="own-7b", prompt_tokens=1, provider="example.org")
    assert why_no_cost([own]) == 'pip install "llmlog[cost]" for prices'
    assert why_no_cost([call(reported_cost_usd=0.1)]) == ""


def test_a_percentile_beyond_its_budget_is_in_ms() -> None:
    usage = usage_of([call(latency_ms=19.5)])
    assert usage.excess({"p95_ms": 15}) == ["p95 19.5 ms, at most 15 ms"]
    assert usage.excess({"p95_ms": 20}) == []
