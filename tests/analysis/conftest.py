"""Logs made of a few records, read as any log is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl
import pytest

from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import priced
from llmlog_tui.analysis.traces.fingerprints import with_changed
from llmlog_tui.log.load import load
from llmlog_tui.log.store import Snapshot

Record: TypeAlias = Mapping[str, Any]
Log: TypeAlias = Callable[[Iterable[Record]], Snapshot]
CALL: Final = "chat_completion"

Frame: TypeAlias = Callable[[Iterable[Record]], pl.DataFrame]


def _as_record(fields: Record) -> Record:
    """Add the event, without which an object with few fields is no record."""
    return fields if fields.keys() & {"event", "tool_name"} else {**fields, "event": CALL}


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Writes records to a file and reads it."""

    def written(records: Iterable[Record]) -> Snapshot:
        path = tmp_path / "calls.jsonl"
        path.write_text("".join(json.dumps(_as_record(record)) + "\n" for record in records))
        return load([path])

    return written


@pytest.fixture
def calls(log: Log) -> Frame:
    """The model calls of a log of these records."""
    return lambda records: model_calls(priced(log(records).frame))


@pytest.fixture
def frame(log: Log) -> Frame:
    """All records of a log of these, with `changed` and costs, as analysis.overview() has them."""
    return lambda records: priced(with_changed(log(records).frame))
