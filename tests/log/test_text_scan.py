"""The scan of a file finds the lines a plain loop finds, with their numbers, the last first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmlog_tui.log import line_search, text_scan
from llmlog_tui.log.text_scan import scan

WORDS = "(?i)zebra"
PIECES = st.sampled_from([b"zebra", b"ZeBrA", b"\n", b"\n\n", b"x" * 40, b"zeb", b"\xff", b"\r"])


def looped(data: bytes) -> list[tuple[int, bytes]]:
    lines = enumerate(data.split(b"\n"), 1)
    return [(n, line) for n, line in lines if re.search(b"(?i)zebra", line)][::-1]


def scanned(path: Path) -> list[tuple[int, bytes]]:
    return [(number, line) for lines in scan(path, WORDS) for number, line in lines]


@given(
    data=st.lists(PIECES, max_size=80).map(b"".join),
    block=st.integers(1, 300),
    hold=st.sampled_from([0.0, 60.0]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_it_finds_what_a_loop_over_all_lines_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, block: int, hold: float
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(data)
    with monkeypatch.context() as patch:
        patch.setattr(line_search, "BLOCK_BYTES", block)
        patch.setattr(text_scan, "HOLD_S", hold)
        assert scanned(log) == looped(data)
        assert line_search.matching_lines(data, WORDS) == [
            (n - 1, each) for n, each in looped(data)
        ]


def test_numbers_are_right_however_many_spans_were_searched_before_the_first_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_search, "BLOCK_BYTES", 100)
    log = tmp_path / "calls.jsonl"
    for first in (0, 1, 500, 999):
        lines = [b"none %d" % n for n in range(1_000)]
        lines[first] = b"a zebra"
        lines[first // 2] = b"a zebra"
        log.write_bytes(b"\n".join(lines))
        for hold in (0.0, 60.0):
            monkeypatch.setattr(text_scan, "HOLD_S", hold)
            assert [n for n, _ in scanned(log)] == sorted({first + 1, first // 2 + 1}, reverse=True)


def test_a_line_that_is_too_long_is_passed_over_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_search, "BLOCK_BYTES", 64)
    monkeypatch.setattr(text_scan, "_MAX_BLOCK_BYTES", 256)
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"zebra 1\n" + b"long " * 1_000 + b"\nzebra 3\nnone\nzebra 5\n")
    for hold in (0.0, 60.0):
        monkeypatch.setattr(text_scan, "HOLD_S", hold)
        assert scanned(log) == [(5, b"zebra 5"), (3, b"zebra 3"), (1, b"zebra 1")]
