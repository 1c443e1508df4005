"""The Python examples of the README and of the library's page run unchanged."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.capture.conftest import KEY, QUESTION, Anything

if TYPE_CHECKING:
    from tests.capture.conftest import Llmock

ROOT = Path(__file__).parents[2]
LIBRARY = ".github/docs/capture.md"


def examples(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


async def run(example: str, names: dict[str, Anything]) -> None:
    code = compile(example, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(code, names)  # noqa: S307 - the repository's own pages
    if inspect.isawaitable(waiting):
        await waiting


@pytest.fixture
def names(
    llmock: Llmock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Anything]]:
    """Everything that the examples use without defining it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", llmock.base_url)

    def search_docs(query: str) -> str:
        return f"found {query}"

    with ThreadPoolExecutor() as pool:
        yield {"messages": QUESTION, "search_docs": search_docs, "pool": pool}


def written() -> list[dict[str, Anything]]:
    return [json.loads(line) for line in Path("calls.jsonl").read_text().splitlines()]


async def test_the_readmes_example_records_a_call_and_a_tool(names: dict[str, Anything]) -> None:
    (example,) = examples("README.md")
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) == 8
    await run(example, names)
    names["client"].close()
    assert [(record["event"], record["step"]) for record in written()] == [
        ("chat_completion", 0),
        ("tool_call", 1),
    ]


async def test_the_librarys_examples_run_as_written_and_leave_their_records(
    names: dict[str, Anything],
) -> None:
    *programs, test = examples(LIBRARY)
    assert len(programs) == 5
    assert test.startswith("import pytest")  # run by test_pytest_plugin.py
    for example in programs:
        await run(example, names)
    names["pool"].shutdown()
    names["client"].close()
    await names["aclient"].close()

    records = written()
    assert [(record["event"], record["step"]) for record in records] == [
        ("chat_completion", 0),
        ("tool_call", 2),
        ("span", 1),
        ("chat_completion", 0),
        ("chat_completion", 3),
    ]
    assert {record["status"] for record in records} == {"ok"}
    assert records[3]["stream_end"] == "complete"
    assert records[3]["completion_tokens"]
    assert records[4]["trace_id"] == "7c1d4e8a"
