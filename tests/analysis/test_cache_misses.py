"""Why a prompt was not cached."""

from __future__ import annotations

import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.traces.cache_misses import cache_misses, first_change


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("abc", "abc", None),
        ("abc", "abcde", None),
        ("abc", "ab", None),
        ("abc", "abxy", 2),
        ("abc", "xyz", 0),
        ("", "abc", None),
    ],
)
def test_the_first_message_that_is_another(before: str, after: str, changed: int | None) -> None:
    assert first_change(before, after) == changed


def call(step: int, cached: int | None, trace: str = "t", model: str = "m") -> Record:
    return {
        "trace_id": trace, "step": step, "model": model,
        "prompt_tokens": 100, "cached_tokens": cached,
    }  # fmt: skip


def test_a_changed_message_and_an_unchanged_prefix_are_told_apart(frame: Frame) -> None:
    records = [call(0, 0), call(1, 0), call(2, 0), call(3, 50), call(4, 49)]
    hashes = {0: "ab", 1: "abcd", 2: "abcxyz", 3: "q", 4: "abc"}
    assert cache_misses(frame(records), hashes) == {
        1: "prefix unchanged, not cached",
        2: "prefix changed at message 3",
        4: "prefix changed at message 0",
    }


def test_a_call_is_compared_with_the_step_before_it_in_its_trace_and_of_its_model(
    frame: Frame,
) -> None:
    records = [call(1, 0), call(0, 0), call(0, 0, trace="u"), call(2, 0, model="n")]
    hashes = {0: "ax", 1: "ab", 2: "cd", 3: "ef"}
    assert cache_misses(frame(records), hashes) == {0: "prefix changed at message 1"}


def test_nothing_is_said_of_what_is_unknown(frame: Frame) -> None:
    records = [call(0, 0), call(1, None), call(2, 0), {**call(3, 0), "prompt_tokens": None}]
    assert cache_misses(frame(records), {0: "a", 1: "b", 3: "c"}) == {}
