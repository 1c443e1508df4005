"""Read the files of a log whole, once."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import EVERYTHING, Retention
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.sources import SourceError, Sources, path_text, url_of
from llmlog_tui.log.store import Snapshot


def load(
    files: Sequence[Path] | Sources,
    *,
    window: Retention = EVERYTHING,
    columns: Collection[str] = COLUMNS,
) -> Snapshot:
    """Read `files` to their current ends; options as for Reader, errors as for read_all()."""
    with closing(Reader(files, window=window, columns=columns)) as reader:
        return read_all(reader)


def read_all(reader: Reader, on_step: Callable[[], object] = lambda: None) -> Snapshot:
    """Read all files to their current ends, standard input to its end; return the records.

    `on_step` is called after each step. Raises SourceError for a file that cannot be read.
    """
    reader.read_to_end(on_step)
    while reader.wait():
        reader.read_to_end(on_step)
    for problem in problems_of(reader):
        raise SourceError(problem)
    for file in reader.waiting_for():
        raise SourceError(f"{path_text(file)}: {os.strerror(2)}")
    reader.finish()
    reader.loaded()
    return reader.snapshot()


def problems_of(reader: Reader) -> Iterator[str]:
    """Yield why files and tables cannot be read at present, one line each."""
    for path, why in reader.problems.items():
        yield why if url_of(path) else f"{path}: {why}"  # that of a table names its server
