"""Search records for a text in their ids, model, tool or error."""

from __future__ import annotations

import re
import weakref
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.letter_case import NON_ASCII_FORMS, in_any_case
from llmlog_tui.log.schema import ALL_IDS

SEARCHED: Final = (
    *ALL_IDS,
    *("model", "requested_model", "tool_name", "name", "trace_name"),
    *("finish_reason", "system_fingerprint", "error_type", "error_code"),
)
"""The searched fields."""


@dataclass(frozen=True)
class Hit:
    """The record with key `row`, the `nth` (from 1) of `total` that match.

    Records that the frame no longer has are -1, -2 and so on, the newest of them first. With
    `in_field` a searched field has the text; a scan may have found it in content as well.
    """

    row: int
    nth: int
    total: int
    in_field: bool = True


_HEX: Final = frozenset("0123456789abcdef")
_CASELESS: Final = re.compile("[^A-Za-z]{2,}")
"""Digits and signs of an ASCII text, which have no other case."""
_SHORT_BYTES: Final = 16
"""Maximum bytes of texts in which polars finds bytes faster than text."""
_SHORT_TEXT: Final = 8
"""Maximum characters of a text for which a column's longest value is not computed."""


def in_fields(frame: pl.DataFrame, text: str) -> pl.Series:
    """Return for each record whether a searched field contains the text, whatever its case."""
    found = pl.Series([False]).new_from_index(0, frame.height)
    # The texts of all categoricals of the process: finding the distinct ones of each takes longer.
    categories = pl.Categorical().categories.to_series()
    categories = categories.filter(_contains(categories, text))
    for name in SEARCHED:
        column = frame[name]
        if column.null_count() == len(column):
            continue
        if not isinstance(column.dtype, pl.Categorical):
            found |= _contains(column, text).fill_null(value=False)
        elif len(categories):
            found |= column.is_in(categories.implode()).fill_null(value=False)
    return found


class LastMatches:
    """Cache of the records that match the last text, among which its next hit is."""

    def __init__(self) -> None:
        self._last: tuple[weakref.ref[pl.DataFrame], str, pl.Series] | None = None

    def get(self, frame: pl.DataFrame, text: str) -> pl.Series:
        """Return for each record whether a searched field contains the text."""
        last = self._last  # read once: another thread may replace it
        if last is not None and last[0]() is frame and last[1] == text:
            return last[2]
        matching = in_fields(frame, text)
        self._last = weakref.ref(frame), text, matching
        return matching


def _contains(column: pl.Series, text: str) -> pl.Series:
    """Return whether texts contain another in any case; null for null."""
    if not text or not text.isascii():
        return column.str.contains(f"(?i){in_any_case(text)}")
    part = max(_CASELESS.findall(text), key=len, default="")
    if not part and len(text) <= _SHORT_TEXT:
        return _contains_ascii(column, text)
    longest = column.str.len_bytes().max()
    if not isinstance(longest, int) or longest < len(text):
        return pl.Series([False]).new_from_index(0, len(column))
    if not part:
        return _contains_ascii(column, text)
    # An exact search for a part takes half of the time of a search in any case.
    if longest <= _SHORT_BYTES:
        may_contain = column.cast(pl.Binary).bin.contains(part.encode())
    else:
        may_contain = column.str.contains(part, literal=True)
    if part == text:
        return may_contain
    contains = _contains_ascii(column.filter(may_contain), text)
    return may_contain.scatter(may_contain.arg_true(), contains)


def _contains_ascii(column: pl.Series, text: str) -> pl.Series:
    """Return _contains() for an ASCII text."""
    lower = text.lower()
    # contains_any() seeks rare letters: hex digits are none.
    if _HEX.issuperset(lower):
        return column.str.contains(f"(?i-u:{text})")
    others = [
        other for letter, forms in NON_ASCII_FORMS.items() if letter in lower for other in forms
    ]
    if len(others) > 1:  # one search for three texts takes longer than two searches
        contains = column.str.contains_any([text], ascii_case_insensitive=True)
        contains |= column.str.contains_any(others)
    else:
        contains = column.str.contains_any([text, *others], ascii_case_insensitive=True)
    # A text with one of the others matches whatever its other letters: compare exactly.
    if others and len(rows := contains.arg_true()):
        exact = column.gather(rows).str.contains(f"(?i){in_any_case(text)}")
        contains = contains.scatter(rows, exact)
    return contains


def step_of(frame: pl.DataFrame, trace_id: str, number: int) -> Hit | None:
    where = (pl.col("trace_id") == trace_id) & (pl.col("step") == number)
    rows = frame.select_seq("row", "trace_id", "step").filter(where)["row"]
    return Hit(int(rows[0]), 1, len(rows)) if len(rows) else None


def missing_steps(frame: pl.DataFrame, trace_id: str) -> int:
    """Return how many steps of a trace come before its first one in the frame."""
    lowest = (
        frame.select_seq("trace_id", "step").filter(pl.col("trace_id") == trace_id)["step"].min()
    )
    return lowest if isinstance(lowest, int) else 0


def _position_of(row: int | None, frame: pl.DataFrame) -> int:
    """Return the position of a record, below 0 of older ones; the end without one."""
    if row is not None and row < 0:
        return row
    here = None if row is None else frame["row"].index_of(row)
    return frame.height if here is None else here


def search(  # noqa: PLR0913 - what matches, and from where
    frame: pl.DataFrame,
    text: str,
    row: int | None,
    direction: int,
    *,
    found: Collection[int] = (),
    older: int = 0,
    matches: LastMatches | None = None,
) -> Hit | None:
    """Return the next match after record `row`, before it with direction -1.

    Records with the keys `found` match, too; `older` is the number of matches before the frame.
    Case-insensitive, and wraps around. From None it searches backwards from the newest record.
    With direction 0 it is `row` itself, if that matches. None without a match. With `matches` the
    same text is not looked for in the same frame again.
    """
    matching = in_field = (matches or LastMatches()).get(frame, text)
    if found:
        matching = in_field | frame["row"].is_in(pl.Series(list(found), dtype=pl.UInt32).implode())
    at_positions = matching.arg_true()
    # Older records precede the first position.
    before = pl.int_range(-older, 0, dtype=pl.Int64, eager=True)
    positions = pl.concat([before, at_positions.cast(pl.Int64)])
    rows = pl.concat([before, frame["row"].gather(at_positions).cast(pl.Int64)])
    if not len(positions):
        return None
    at = _position_of(row, frame)
    if direction == 0:
        nth = int((positions < at).sum())
        if nth == len(positions) or positions[nth] != at:
            return None
    elif direction > 0:
        nth = int((positions <= at).sum()) % len(positions)
    else:
        nth = (int((positions < at).sum()) - 1) % len(positions)
    position = int(positions[nth])
    return Hit(int(rows[nth]), nth + 1, len(positions), position >= 0 and bool(in_field[position]))
