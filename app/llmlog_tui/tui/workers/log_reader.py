"""The reader of the log layer, with the user's cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from llmlog_tui.formats.json_text import without_bom
from llmlog_tui.log.archive_part import BIG_WINDOW, is_big
from llmlog_tui.log.parse_cache import user_cache
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.record_key import RecordLocation
from llmlog_tui.log.record_lines import LineForm
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import MIN_ID_PREFIX
from llmlog_tui.log.sources import Sources


def open_reader(
    files: Sequence[Path] | Sources,
    window: Retention,
    stdin: int | None,
    ids: Sequence[str],
    *,
    newest_first: bool,
) -> Reader:
    cache = user_cache()
    found = files.files() if isinstance(files, Sources) else files
    if window == EVERYTHING and is_big(found):
        window = BIG_WINDOW
    return Reader(
        files, newest_first=newest_first, window=window, stdin=stdin, cache=cache, ids=ids
    )


def may_be_id(text: str) -> bool:
    """Return whether a text may be an id, or how one begins."""
    return len(text) >= MIN_ID_PREFIX and not any(map(str.isspace, text))


def line_at(reader: Reader, location: RecordLocation) -> bytes | None:
    """Return a record's line as written; None if its file is gone."""
    place = pl.DataFrame({"block": [location.block], "line": [location.line]})
    return next(reader.lines(place))


def both_lines(
    reader: Reader, frame: pl.DataFrame, location: RecordLocation
) -> tuple[bytes | None, bytes | None]:
    """Return the line of the frame's record as written, and with content; read it once."""
    written = line_at(reader, location)
    if written is not None and not reader.is_converted(location.block):
        return written, without_bom(written)
    return written, next(reader.lines(frame, LineForm.WITH_CONTENT), None)


def lines_by_key(reader: Reader, frame: pl.DataFrame, *, with_content: bool) -> dict[int, bytes]:
    """Return the lines of records by key; missing ones are left out."""
    form = LineForm.WITH_CONTENT if with_content else LineForm.AS_WRITTEN
    # By block: each is read once, in whatever order the frame has its records.
    records = frame.sort("block", maintain_order=True)
    lines = zip(records["row"], reader.lines(records, form), strict=True)
    found = {row: line for row, line in lines if line is not None}
    return {row: found[row] for row in frame["row"] if row in found}
