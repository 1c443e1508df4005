"""Write files for the user: complete or not at all, and never over a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import polars as pl

from llmlog_tui import humanize, private_file
from llmlog_tui.analysis.calls.bookmarks import Lines
from llmlog_tui.analysis.live.overview import Overview
from llmlog_tui.analysis.reports.bundle import bundle
from llmlog_tui.analysis.reports.csv_cells import flat
from llmlog_tui.errors import reason
from llmlog_tui.log.outputs import output_problem
from llmlog_tui.log.schema import COLUMNS, decategorize
from llmlog_tui.log.sources import url_of
from llmlog_tui.tui.queries import CallOrderQuery, ExportResult
from llmlog_tui.tui.workers.analysis import call_order

Write = Callable[[IO[bytes]], object]


def export(
    frame: pl.DataFrame,
    path: str,
    replace: bool,  # noqa: FBT001 - as SaveAsDialog calls it
    *,
    logs: Sequence[Path],
) -> ExportResult:
    """Write a frame to a .csv, .parquet or .jsonl file; see write_file()."""
    writers: dict[str, Write] = {
        ".csv": lambda file: flat(frame).write_csv(file, datetime_format=humanize.CSV_TIME),
        ".parquet": frame.write_parquet,
        ".jsonl": frame.write_ndjson,
    }
    try:
        return write_file(path, writers, logs, replace=replace)
    except pl.exceptions.PolarsError as error:
        return ExportResult(path, str(error))


def export_calls(
    overview: Overview,
    query: CallOrderQuery,
    path: str,
    replace: bool,  # noqa: FBT001 - as SaveAsDialog calls it
) -> ExportResult:
    """Write the Overview's calls in that order: the record's fields, and cost_usd."""
    calls = decategorize(overview.calls.select(*COLUMNS, *overview.tags, "cost_usd"))
    order = call_order(query, overview)
    return export(
        calls if order is None else calls[order], path, replace, logs=overview.snapshot.files
    )


def export_bundle(
    lines: Lines,
    overview: Overview,
    trace_id: str,
    path: str,
    replace: bool,  # noqa: FBT001 - as SaveAsDialog calls it
) -> ExportResult:
    """Write a trace's support bundle, without content, to a .md file; see reports.bundle."""
    steps = overview.frame.filter(pl.col("trace_id") == trace_id)
    names = [url_of(file) or str(file) for file in overview.snapshot.files]
    text = bundle(steps, trace_id, lines(steps), names) + "\n"
    writers: dict[str, Write] = {".md": lambda file: file.write(text.encode())}
    return write_file(path, writers, overview.snapshot.files, replace=replace)


def write_file(
    path: str, writers: Mapping[str, Write], logs: Sequence[Path], *, replace: bool
) -> ExportResult:
    """Write a file atomically with the writer for its suffix.

    An existing file is overwritten only with `replace`, one of the `logs` never.
    """
    try:
        out = Path(path).expanduser()
        if out.suffix not in writers:
            return ExportResult(path, f"does not end in {', '.join(writers)}")
        if problem := output_problem(out):
            return ExportResult(path, problem)
        private_file.check_replaceable(out, logs)
        if out.exists() and not replace:
            return ExportResult(path, "is there already", is_there=True)
        with private_file.replacing(out, logs) as file:
            writers[out.suffix](file)
    except OSError as error:
        return ExportResult(path, reason(error))
    except (ValueError, RuntimeError) as error:  # a NUL, half a surrogate pair, no such ~user
        return ExportResult(path, str(error))
    return ExportResult(path)
