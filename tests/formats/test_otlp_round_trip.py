"""Our own records, exported as spans and read back, are the same records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.formats.otlp import converted

from llmlog.record import EVENTS, FIELDS
from llmlog_tui.formats.otlp_export import to_lines

TYPES = {
    field.name: field.type
    for field in FIELDS
    if field.name not in {"v", "input", "output", "prefix_hashes"}
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": texts,
    "int": integers,
    "float": floats,
    "bool": st.booleans(),
    "strings": st.lists(texts, max_size=3),
    "time": st.datetimes(datetime(1969, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - below
        lambda moment: moment.replace(tzinfo=UTC)
    ),
    "json": st.dictionaries(texts, texts | integers | st.booleans(), max_size=3),
}
milliseconds = st.integers(0, 10**8) | st.floats(0, 10**8, width=32)
OF_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "event": st.sampled_from([*EVENTS, "deploy"]),
    "status": st.sampled_from(["ok", "error", "pending"]),
    "latency_ms": milliseconds,
    "ttft_ms": milliseconds,
    "step": st.integers(0, 10**6),
    "trace_id": texts | st.uuids().map(lambda uuid: uuid.hex),
    "span_id": texts | st.uuids().map(lambda uuid: uuid.hex[:16]),
}
ALWAYS = ("event", "status")


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row of a frame: every field, most of them null."""
    some = draw(st.sets(st.sampled_from(sorted(TYPES))))
    return {
        name: draw(OF_FIELD.get(name, VALUES[type_])) if name in {*some, *ALWAYS} else None
        for name, type_ in TYPES.items()
    }


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """A record without null fields; times as instants."""
    known = {name: value for name, value in record.items() if value is not None}
    if isinstance(known.get("ts"), str):
        known["ts"] = datetime.fromisoformat(known["ts"])
    return {name: value for name, value in known.items() if name != "extra" or value}


# Equal rows with the same ids are one span that was sent twice.
@given(st.lists(rows(), max_size=4, unique_by=repr))
def test_a_record_that_became_a_span_comes_back_the_same(went: list[dict[str, Any]]) -> None:
    came = converted(json.loads(line) for line in to_lines(went))

    def order(record: dict[str, Any]) -> str:
        return repr(sorted(record.items()))

    assert sorted(map(comparable, came), key=order) == sorted(map(comparable, went), key=order)
