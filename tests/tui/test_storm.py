"""Nothing that is pressed, clicked, pasted or done to the log kills the dashboard.

`LLMLOG_STORM_SECONDS=60` has one storm blow that long (see .ci/run); without it, it is short.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from tests.tui.storm import Storm

_EVENTS: Final = 150
_SEED: Final = 1


def test_a_storm_leaves_the_dashboard_running_with_the_right_counts_and_the_terminal_clean(
    tmp_path: Path,
) -> None:
    seconds = float(os.environ.get("LLMLOG_STORM_SECONDS", "0"))
    storm = Storm(tmp_path, _SEED)
    try:
        if seconds:
            storm.blow(100_000, time.monotonic() + seconds)
        else:
            storm.blow(_EVENTS)
        outcome = storm.end()
    finally:
        storm.terminal.close()
    assert not outcome.faults, "\n".join(outcome.faults)
