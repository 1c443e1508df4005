"""The journeys that people make, over a file and over an archive of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clickhouse.calls_table import in_order
from tests.conftest import ROOT
from tests.tui import journeys
from tests.tui.conftest import SMALL, WIDE, Shown, Until
from tests.tui.journeys import JOURNEYS, Journey, Walk

from llmlog_tui.log.archive_writer import ArchiveWriter

BOTH = {
    journeys.newest_slow_call_then_why_then_its_trace_then_replay_to_that_step,
    journeys.paste_a_request_id_in_any_view_then_the_call,
    journeys.good_and_bad_run_then_first_divergence,
}
"""Journeys that are made over a file and on a small screen over an archive."""

OVER_A_FILE = {
    journeys.how_much_did_this_session_cost_and_what_did_caching_save,
    journeys.a_truncated_answer_with_finish_reason_stop_is_found_by_its_alert,
}


def cases() -> Iterator[object]:
    for journey in JOURNEYS:
        name = journey.__name__
        if journey in BOTH | OVER_A_FILE:
            yield pytest.param(journey, "calls.jsonl", WIDE, id=f"{name} over a file")
        if journey not in OVER_A_FILE:
            size = SMALL if journey in BOTH else WIDE
            yield pytest.param(journey, "archive", size, id=f"{name} over an archive")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample in the order of time, as a file and as an archive."""
    folder = tmp_path_factory.mktemp("journeys")
    lines = in_order((ROOT / "sample_logs" / "calls.jsonl").read_bytes().splitlines())
    log = folder / "calls.jsonl"
    log.write_bytes(b"\n".join([*lines, b""]))
    with ArchiveWriter(folder / "archive", raw=True) as writer:
        writer.add(log)
        writer.commit()
    return folder


@pytest.mark.parametrize(("journey", "log", "size"), cases())
async def test_a_journey(  # noqa: PLR0913, PLR0917 - fixtures
    folder: Path,
    journey: Journey,
    log: str,
    size: tuple[int, int],
    shown: Shown,
    until: Until,
    tmp_path: Path,
) -> None:
    lines = [json.loads(line) for line in (folder / "calls.jsonl").read_bytes().splitlines()]
    await journey(Walk(str(folder / log), lines, size, shown, until, tmp_path))
