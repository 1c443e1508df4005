"""Converting objects as the reader does: file by file, and what came of it by field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from llmlog_tui.formats import Format, Item, LogState, Record
from llmlog_tui.formats.shared_state import LOADING


def records(format_: Format, *items: Item, log: LogState | None = None) -> list[Record]:
    """The records of one file, its end included."""
    converter = format_.converter({} if log is None else log)
    found = [each for line, item in enumerate(items) for each in converter.feed(line, item)]
    return [each.record for each in (*found, *converter.flush())]


def records_of_files(format_: Any, files: Iterable[Sequence[Item]]) -> list[Record]:  # noqa: ANN401 - with peek()
    """The records of a log, its files read in this order by a reader that says it is loading."""
    files = list(files)
    log: LogState = {LOADING: True}
    for items in files:
        format_.peek(log, items[:20])
    converters, found = [], []
    for items in files:
        converters.append(format_.converter(log))
        for line, item in enumerate(items):
            found += converters[-1].feed(line, item)
        found += converters[-1].flush()
    del log[LOADING]
    for converter in converters:
        found += converter.flush()
    return [each.record for each in found]


def by(name: str, found: Iterable[Record]) -> dict[Any, Record]:
    """Records by the value of a field, which each has once."""
    made = list(found)
    keyed = {record.get(name): record for record in made}
    assert len(keyed) == len(made)
    return keyed


def values(found: Iterable[Record], *names: str) -> list[Any]:
    """The values of one field, or tuples of several."""
    rows = [tuple(record.get(name) for name in names) for record in found]
    return [row[0] for row in rows] if len(names) == 1 else rows


def within(record: Record, **expected: object) -> None:
    """Assert the fields named; others may be there."""
    assert {name: record.get(name) for name in expected} == expected
