"""The lines of a detail in a narrow sheet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmlog_tui.analysis.calls.detail import Detail
from llmlog_tui.analysis.live.overview import overview
from llmlog_tui.log.load import load
from llmlog_tui.tui.render import detail_text


@pytest.mark.parametrize("width", [38, 60, 100])
def test_no_line_is_wider_than_its_sheet_and_later_parts_stand_under_the_text(
    sample: Path, width: int
) -> None:
    found = overview(load([sample]), 500.0)
    records = [json.loads(line) for line in sample.read_bytes().splitlines()]
    cut = next(n for n, each in enumerate(records) if each.get("finish_reason") == "length")
    lines = list(detail_text.lines(found.detail(cut), 0.0, width))
    assert all(line.cell_length <= width for line in lines)
    at = next(n for n, line in enumerate(lines) if line.plain.startswith("cut off"))
    is_hung = lines[at + 1].plain.startswith(" " * len("fingerprint "))
    assert is_hung == (width < 100), "in the widest sheet it is one line"
    said = " ".join(line.plain for line in lines[at : at + 4])
    assert "finish_reason length, limit" in " ".join(said.split())


def test_tokens_in_and_out_are_bars_on_the_scale_of_the_trace(sample: Path) -> None:
    found = overview(load([sample]), 500.0)
    calls = found.calls.frame()
    calls = calls.filter(calls["prompt_tokens"] > 0)
    trace = calls.filter(calls["trace_id"] == calls["trace_id"][0])
    most = trace["prompt_tokens"].max()
    full = trace.filter(trace["prompt_tokens"] == most).row(0, named=True)
    assert 0 < bar_of(found.detail(full["row"]), "out") < bar_of(found.detail(full["row"]), "in")
    less = trace.filter(trace["prompt_tokens"] < most).row(0, named=True)
    share = less["prompt_tokens"] / full["prompt_tokens"]
    cells = bar_of(found.detail(full["row"]), "in")
    assert bar_of(found.detail(less["row"]), "in") == round(cells * share)


def bar_of(detail: Detail, label: str) -> int:
    """The cells of a bar."""
    lines = [line.plain for line in detail_text.lines(detail, 0.0, 80)]
    line = next(line for line in lines if line.split()[:1] == [label])
    return line.count("█") + line.count("▓")


@pytest.mark.parametrize(("model", "is_told"), [("nobody-knows-it", True), ("gpt-5", False)])
def test_a_call_without_a_price_says_how_to_give_one(
    tmp_path: Path, model: str, *, is_told: bool
) -> None:
    log = tmp_path / "calls.jsonl"
    call: dict[str, object] = {"event": "chat_completion", "model": model}
    call["provider"] = "api.openai.com"
    call |= {"ts": "2026-11-23T09:00:00Z", "prompt_tokens": 5, "completion_tokens": 3}
    unknown = {**call, "completion_tokens": None}
    log.write_text(json.dumps(call) + "\n" + json.dumps(unknown) + "\n")
    found = overview(load([log]), 500.0)
    for row, has_tokens in enumerate((True, False)):
        said = "\n".join(line.plain for line in detail_text.lines(found.detail(row), 0.0, 100))
        assert ("[prices] of --rules" in said) == (is_told and has_tokens)
