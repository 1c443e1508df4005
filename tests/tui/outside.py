"""A record outside the window of a table or an archive, found by `/`."""

from __future__ import annotations

from typing import Any

from tests.tui.conftest import Until
from textual.pilot import Pilot

from llmlog_tui.tui.app import LogApp


async def finds_outside_the_window(
    pilot: Pilot[Any], until: Until, wanted: str, fetched: int
) -> None:
    """Search for an id until its first record is selected; `fetched` records were read."""
    app = pilot.app
    assert isinstance(app, LogApp)
    await pilot.press("slash", *wanted, "enter")

    def is_there() -> bool:
        overview, row = app.overview, app.view.cursor_key
        if overview is None or not isinstance(row, int) or not overview.has(row):
            return False
        record = overview.row_of(row).row(0, named=True)
        return wanted in {record["id"], record["trace_id"]}

    await until(pilot, is_there, f"the record with {wanted}")
    assert app.overview is not None
    assert app.overview.snapshot.fetched == fetched
    times = app.overview.frame["ts"].to_list()
    assert times == sorted(times), "it is in front"
