"""Loading and watching a log is work in proportion to it, counted and not timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from tests.bench.make_log import lines

from llmlog_tui.analysis.alerts import fingerprint
from llmlog_tui.analysis.live.incremental import RecordState
from llmlog_tui.analysis.live.overview import IncrementalAnalyzer
from llmlog_tui.analysis.numeric.partition import KeyPartitioner
from llmlog_tui.config.rules import Rules
from llmlog_tui.log import file_parser, follow
from llmlog_tui.log.parse import Parsed, parse
from llmlog_tui.log.reader import Reader
from llmlog_tui.tui.analysis_schedule import LOADING_FACTOR

SMALL, TIMES = 3_000, 4
CALLS_PER_FINGERPRINT = 40


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the bytes that are parsed, and the rows that are analysed and watched."""
    counted: Counter[str] = Counter()

    def counting(owner: object, method: str, name: str) -> None:
        original: Callable[..., object] = getattr(owner, method)

        def counted_call(self: object, rows: pl.DataFrame, *rest: object) -> object:
            counted[name] += rows.height
            return original(self, rows, *rest)

        monkeypatch.setattr(owner, method, counted_call)

    def parsed(block: bytes, **options: object) -> Parsed:
        counted["bytes parsed"] += len(block)
        return parse(block, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(follow, "BLOCK_BYTES", 100_000)
    monkeypatch.setattr(file_parser, "parse", parsed)
    counting(RecordState, "__init__", "rows analysed")
    counting(KeyPartitioner, "split", "rows watched")
    counting(fingerprint._Model, "_settle", "rows of fingerprints")  # noqa: SLF001 - its work
    return counted


def load_and_watch(log: Path, records: int) -> None:
    """Load as the dashboard does, with an analysis whenever the records have doubled."""
    made = (
        line.replace("fp_44709d6fcb", f"fp_{number // CALLS_PER_FINGERPRINT}")
        for number, line in zip(range(records), lines(), strict=False)
    )
    log.write_text("".join(made), encoding="utf-8")
    analyzer, due = IncrementalAnalyzer(500.0, Rules()), 1
    with closing(Reader([log], newest_first=True)) as reader:
        while reader.step():
            if reader.records >= due:
                analyzer.overview(reader.snapshot())
                due = reader.records * LOADING_FACTOR
        reader.loaded()
        assert len(analyzer.overview(reader.snapshot()).frame) == records


def test_four_times_the_records_are_four_times_the_work(tmp_path: Path, work: Counter[str]) -> None:
    load_and_watch(tmp_path / "small.jsonl", SMALL)
    small = Counter(work)
    work.clear()
    load_and_watch(tmp_path / "large.jsonl", SMALL * TIMES)
    assert small.keys() >= {"bytes parsed", "rows analysed", "rows watched", "rows of fingerprints"}
    for name, count in work.items():
        assert count <= small[name] * TIMES * 1.1, name
