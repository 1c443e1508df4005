"""What the top row says while a log is read."""

from __future__ import annotations

import pytest

from llmlog_tui.tui.progress import Progress, State
from llmlog_tui.tui.status import _loading, header_state


@pytest.mark.parametrize(
    ("progress", "speed", "words"),
    [
        # 2/5 of the bytes, in which 400,000 records were: 1.476 records a kB; 407 MB are left
        (
            Progress("loading", 271_000_000, 678_000_000, records=400_000),
            135_500_000,
            "████░░░░░░  40%  271 of 678 MB  200k/s  3.00 s left",
        ),
        (Progress("loading", 0, 5_000_000), 0, "░░░░░░░░░░   0%  0 of 5 MB  0/s  – left"),
    ],
)
def test_loading_says_how_much_is_read_how_fast_and_how_long_it_will_take(
    progress: Progress, speed: float, words: str
) -> None:
    assert _loading(progress, speed) == words


@pytest.mark.parametrize("state", ["live", "done"])
def test_what_was_read_is_loading_until_it_is_on_screen_and_has_no_counts(state: State) -> None:
    read = Progress(state, 5_000, 5_000, records=12)
    said = header_state(read, None, rate=0.0, speed=0.0, held_back=None, unseen=0)
    assert (said.state, said.detail, said.calls) == ("loading", "", None)
