"""Files that the user wants written: whole or not at all, and never over a log."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmlog_tui import humanize
from llmlog_tui.tui.messages import ExportDone

if TYPE_CHECKING:
    import polars as pl

    from llmlog_tui.analysis.live.overview import Overview
    from llmlog_tui.tui.queries import CallOrderQuery
    from llmlog_tui.tui.workers.reader import ReaderWorker

Write = Callable[[Path], object]


def export(
    frame: pl.DataFrame,
    path: str,
    replace: bool,  # noqa: FBT001 - as SaveAsDialog calls it
    *,
    logs: Sequence[Path],
) -> ExportDone:
    """Write a frame to a .csv, .parquet or .jsonl file, as written() does."""
    import polars as pl  # noqa: PLC0415 - not before the first frame

    flat = frame.with_columns(pl.col(pl.List).cast(pl.List(pl.String)).list.join(","))
    writers: dict[str, Write] = {
        ".csv": partial(flat.write_csv, datetime_format=humanize.CSV_TIME),
        ".parquet": frame.write_parquet,
        ".jsonl": frame.write_ndjson,
    }
    try:
        return write_file(path, writers, logs, replace=replace)
    except pl.exceptions.PolarsError as error:
        return ExportDone(path, str(error))


def export_calls(
    overview: Overview,
    calls_in: CallOrderQuery,
    path: str,
    replace: bool,  # noqa: FBT001 - as SaveAsDialog calls it
) -> ExportDone:
    """Write the calls that an Overview shows, in that order: the record's fields, and cost_usd."""
    from llmlog_tui.log.schema import COLUMNS, decategorize  # noqa: PLC0415 - imports polars

    calls = decategorize(overview.calls.select(*COLUMNS, "cost_usd"))
    order = calls_in(overview)
    shown = calls if order is None else calls[order]
    return export(shown, path, replace, logs=overview.snapshot.files)


def export_bundle(
    feed: ReaderWorker,
    overview: Overview,
    trace_id: str,
    path: str,
    replace: bool,  # noqa: FBT001 - as PathScreen calls it
) -> ExportDone:
    """Write what a support ticket needs of a trace to a .md file; see analysis.bundle."""
    import polars as pl  # noqa: PLC0415 - not before the first frame

    from llmlog_tui.analysis.reports.bundle import bundle  # noqa: PLC0415 - imports polars

    run = overview.frame.filter(pl.col("trace_id") == trace_id)
    names = [str(file) for file in overview.snapshot.files]
    text = bundle(run, trace_id, feed.lines_of(run), names) + "\n"
    writers: dict[str, Write] = {".md": lambda part: part.write_text(text, encoding="utf-8")}
    return write_file(path, writers, overview.snapshot.files, replace=replace)


def write_file(
    path: str, writers: Mapping[str, Write], logs: Sequence[Path], *, replace: bool
) -> ExportDone:
    """Write a file with the writer for its suffix; one that is there only to `replace` it.

    It stands at its path when it is whole. One of the `logs` is never replaced.
    """
    out = Path(path).expanduser()
    if out.suffix not in writers:
        return ExportDone(path, f"does not end in {', '.join(writers)}")
    part = out.with_name(f".{out.name}.part")
    try:
        if any(log.exists() and out.exists() and log.samefile(out) for log in logs):
            return ExportDone(path, "is the log that is read")
        if out.exists() and not replace:
            return ExportDone(path, "is there already", is_there=True)
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)  # readable by its owner, as a log is
        writers[out.suffix](part)
        part.replace(out)
    except OSError as error:
        return ExportDone(path, error.strerror or str(error))
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return ExportDone(path)
