"""The bench of refreshes measures a log of the length it says, and answers that are right."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysis.grown import assert_same
from tests.bench import refresh
from tests.bench.make_log import lines, write

from llmlog_tui.analysis.calls import kpis
from llmlog_tui.analysis.live.overview import IncrementalAnalyzer, overview
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.load import load
from llmlog_tui.log.parse import parse


def test_a_long_log_is_a_shorter_one_again_and_again_later_and_under_other_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kpis, "_REDRAW_GROWTH", 0.0)
    file = tmp_path / "calls.jsonl"
    write(file, 80)
    store = refresh.long_log(load([file]).frame, 3)
    found = IncrementalAnalyzer(refresh.SLOW_MS)
    before = found.overview(store.snapshot())
    assert (before.frame.height, before.traces.height) == (240, 30)
    data = "".join(line for line, _ in zip(lines(seed=2), range(20), strict=False)).encode()
    store.add(0, Block(data, 0, 1), parse(data))
    after = found.overview(store.snapshot())
    assert (after.frame.height, after.traces.height) == (260, 33)
    assert_same(after, overview(store.snapshot(), refresh.SLOW_MS))
    assert refresh.usual(store).total > 0
