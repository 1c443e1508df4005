"""The examples under "Write a log" in the README run unchanged."""

from __future__ import annotations

import ast
import inspect
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.capture.conftest import KEY, QUESTION, Anything

if TYPE_CHECKING:
    import pytest
    from tests.capture.conftest import Llmock

README = Path(__file__).parents[2] / "README.md"


def examples() -> list[str]:
    section = README.read_text().partition("## Write a log")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


async def run(example: str, names: dict[str, Anything]) -> None:
    code = compile(example, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(code, names)  # noqa: S307 - the README's own
    if inspect.isawaitable(waiting):
        await waiting


async def test_the_examples_run_as_written_and_leave_their_records(
    llmock: Llmock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", llmock.base_url)

    def search_docs(query: str) -> str:
        return f"found {query}"

    names: dict[str, Anything] = {"messages": QUESTION, "search_docs": search_docs}
    with ThreadPoolExecutor() as names["pool"]:
        assert len(examples()) == 5
        for example in examples():
            await run(example, names)
    names["client"].close()
    await names["aclient"].close()

    records = [json.loads(line) for line in Path("calls.jsonl").read_text().splitlines()]
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
