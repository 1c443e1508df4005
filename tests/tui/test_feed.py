"""How often the files are looked at while nothing comes."""

from __future__ import annotations

import pytest

from llmlog_tui.tui.feed import pause_after


@pytest.mark.parametrize(
    ("took", "pause"), [(0.0, 0.02), (0.0005, 0.02), (0.005, 0.08), (1.0, 0.25)]
)
def test_hundreds_of_files_which_take_long_to_look_at_are_looked_at_less_often(
    took: float, pause: float
) -> None:
    assert pause_after(took) == pytest.approx(pause)
