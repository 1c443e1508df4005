"""Answers that were cut off without saying so, and empty ones."""

from __future__ import annotations

import polars as pl
import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.alerts.hidden_truncation import HiddenTruncation, HiddenTruncationDetector
from llmlog_tui.analysis.calls.truncation import (
    CUT_OFF,
    CUT_OFF_SHARE,
    HIDDEN,
    empty_reason,
    is_cut_off,
)
from llmlog_tui.config.rules import HiddenTruncationRule

CUT: Record = {"model": "m", "completion_tokens": 512, "max_tokens": 512, "finish_reason": "stop"}
WHOLE: Record = {**CUT, "completion_tokens": 511}


def hidden_truncations(calls: pl.DataFrame, rule: HiddenTruncationRule) -> list[HiddenTruncation]:
    detector = HiddenTruncationDetector(rule)
    detector.add(calls)
    return detector.found


@pytest.mark.parametrize(
    ("fields", "is_hidden"),
    [
        (CUT, True),
        (WHOLE, False),
        ({**CUT, "finish_reason": None}, True),
        ({**CUT, "finish_reason": "length"}, False),
        ({**CUT, "status": "error"}, False),
        ({"completion_tokens": 0, "max_tokens": 0}, False),
        ({"completion_tokens": 9}, False),
        ({"tool_args_ok": False}, True),
        ({"tool_args_ok": True}, False),
        ({"stream_end": "truncated", "finish_reason": "stop"}, True),
        ({"stream_end": "truncated", "finish_reason": "length"}, False),
        ({"stream_end": "complete"}, False),
    ],
)
def test_what_is_a_hidden_truncation(calls: Frame, fields: Record, *, is_hidden: bool) -> None:
    assert calls([fields]).select(HIDDEN).item() is is_hidden


@pytest.mark.parametrize("finish_reason", ["stop", "length", None])
@pytest.mark.parametrize("status", ["ok", "error"])
@pytest.mark.parametrize(
    "sign", [{}, {"max_tokens": 9}, {"tool_args_ok": False}, {"stream_end": "truncated"}]
)
def test_an_answer_is_cut_off_if_finish_reason_or_a_hidden_sign_tells(
    calls: Frame, sign: Record, status: str, finish_reason: str | None
) -> None:
    call = {"completion_tokens": 9, "status": status, "finish_reason": finish_reason, **sign}
    frame = calls([call])
    told = finish_reason == "length" or (bool(sign) and status == "ok")
    assert frame.select(CUT_OFF).item() is told
    assert is_cut_off(frame.row(0, named=True)) is told


def test_the_share_of_cut_off_answers_is_of_calls_that_have_an_answer(calls: Frame) -> None:
    answers = [CUT, WHOLE, {"event": "response", "finish_reason": "length"}, {"model": "m"}]
    embeddings = [{"event": "embedding", "model": "m"}] * 3
    assert calls([*answers, *embeddings]).select(CUT_OFF_SHARE).item() == 0.5
    assert calls(embeddings).select(CUT_OFF_SHARE).item() is None


def test_hidden_truncations_of_a_model_are_counted_by_their_signs(calls: Frame) -> None:
    both = {**CUT, "tool_args_ok": False, "ts": "2026-11-23T09:00:00Z"}
    broken = {"model": "m", "stream_end": "truncated"}
    (found,) = hidden_truncations(
        calls([WHOLE, both, {**WHOLE, "model": "n"}, broken]), HiddenTruncationRule()
    )
    assert str(found.ts) == "2026-11-23 09:00:00+00:00"
    assert found == HiddenTruncation(
        model="m",
        calls=2,
        at_limit=1,
        broken_arguments=1,
        broken_stream=1,
        ts=found.ts,
        row=1,
        last_ts=None,
        last_row=3,
        ongoing=True,
    )


def test_hidden_truncations_far_apart_are_two_findings(calls: Frame) -> None:
    rule = HiddenTruncationRule(clear_calls=3)
    near = hidden_truncations(calls([CUT, WHOLE, WHOLE, CUT, WHOLE, WHOLE]), rule)
    assert [(found.row, found.last_row, found.ongoing) for found in near] == [(0, 3, True)]
    far = hidden_truncations(calls([CUT, WHOLE, WHOLE, WHOLE, CUT, WHOLE, WHOLE, WHOLE]), rule)
    assert [(found.row, found.ongoing) for found in far] == [(0, False), (4, False)]


def test_each_model_is_by_itself(calls: Frame) -> None:
    found = hidden_truncations(
        calls([{**CUT, "model": "n"}, CUT, {**CUT, "model": None}]), HiddenTruncationRule()
    )
    assert [(one.model, one.row) for one in found] == [("n", 0), ("m", 1), (None, 2)]


def test_a_log_without_calls_has_none(calls: Frame) -> None:
    assert hidden_truncations(calls([]), HiddenTruncationRule()) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"finish_reason": "content_filter"}, "stopped by the content filter"),
        (
            {"completion_tokens": 512, "reasoning_tokens": 512, "finish_reason": "length"},
            "reasoning used all 512 tokens, up to the limit",
        ),
        (
            {"completion_tokens": 64, "reasoning_tokens": 64, "finish_reason": "stop"},
            "reasoning used all 64 tokens",
        ),
        (
            {"completion_tokens": 0, "stream_end": "truncated"},
            "the stream broke off before the first token",
        ),
        ({"completion_tokens": 0, "finish_reason": "stop"}, "no tokens in the answer"),
        ({"completion_tokens": 64, "reasoning_tokens": 63}, ""),
        ({"completion_tokens": 64}, ""),
        ({}, ""),
        ({"completion_tokens": 0, "status": "error"}, ""),
        ({"completion_tokens": 0, "tool_calls": ["search"]}, ""),
    ],
)
def test_why_an_answer_is_empty(calls: Frame, fields: Record, why: str) -> None:
    assert empty_reason(calls([fields]).row(0, named=True)) == why
