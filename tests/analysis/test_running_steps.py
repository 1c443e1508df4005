"""Facts of steps in flight, for commands and for the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from llmlog_tui.analysis.traces.running_steps import as_row, begin_of, counted, state, title
from llmlog_tui.log.starts import RunningStep
from llmlog_tui.tui.render import running_text

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def begun(minutes_ago: float | None, step: int | None = 0) -> RunningStep:
    ts = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return RunningStep(ts, "s", "t", step, "span", None, "gpt-5", None, None)


def test_a_run_began_with_its_first_step_of_known_time() -> None:
    assert begin_of([begun(1), begun(None), begun(3)]) == NOW - timedelta(minutes=3)
    assert begin_of([begun(None)]) is None
    assert begin_of([]) is None


@pytest.mark.parametrize(
    ("steps", "text", "marked"),
    [
        ([], "", ""),
        ([begun(1)], "1 running", "1 ► running"),
        ([begun(60)], "1 with no end in 10 min", "1 ? no end in 10 min"),
        (
            [begun(1), begun(None), begun(60)],
            "2 running, 1 with no end in 10 min",
            "2 ► running, 1 ? no end in 10 min",
        ),
    ],
)
def test_steps_are_counted_by_state(steps: list[RunningStep], text: str, marked: str) -> None:
    assert counted(steps, NOW) == text
    assert running_text.counted(steps, NOW) == marked


def test_a_row_has_the_state() -> None:
    assert as_row(begun(1, None), NOW) == {
        "step": None,
        "span_id": "span",
        "name": "gpt-5",
        "ts": "2026-11-23T08:59:00.000000Z",
        "state": "running for 60.0 s",
    }


@pytest.mark.parametrize(
    ("minutes_ago", "words"),
    [
        (0.2, "running for 12.0 s"),
        (10, "running for 10 min 0 s"),
        (11, "no end in 10 min: its process is probably gone"),
        (None, "running, since when is unknown"),
    ],
)
def test_a_long_step_is_not_said_to_be_dead_for_sure(minutes_ago: float | None, words: str) -> None:
    assert state(begun(minutes_ago), NOW) == words
    assert title(begun(minutes_ago)) == "step 0 gpt-5"
