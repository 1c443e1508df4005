"""Commands over an archive and a table: `python -m tests.bench.streams [RECORDS] [--table]`.

Prints the processor time and the memory of each. The log is made and archived in pieces, so that it
is never on disk as a whole; a table needs the extra scale-test.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from tests.bench import make_log
from tests.bench.shipping import run, say
from tests.clickhouse.running import ClickHouse

from llmlog_tui.log.archive_writer import ArchiveWriter
from llmlog_tui.shipping.schema import statements

_PIECE: Final = 500_000
"""Records per piece of the log."""


def pieces(records: int, folder: Path) -> Iterator[Path]:
    """Yield a log piece by piece; each is gone when the next one is made."""
    lines = make_log.lines()
    for first in range(0, records, _PIECE):
        piece = folder / f"calls.{first:09}.jsonl"
        with piece.open("w") as file:
            file.writelines(islice(lines, min(_PIECE, records - first)))
        yield piece
        piece.unlink()


@contextmanager
def archive(records: int, folder: Path) -> Iterator[str]:
    with ArchiveWriter(folder / "archive", raw=False) as writer:
        for piece in pieces(records, folder):
            writer.add(piece)
            writer.commit()
    yield str(folder / "archive")


@contextmanager
def table(records: int, folder: Path) -> Iterator[str]:
    with ClickHouse(folder / "server") as server:
        for statement in statements():
            server.query(statement)
        for piece in pieces(records, folder):
            run("export", str(piece), "--to", str(server.url("llm.lines")))
        yield str(server.url())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("records", type=int, nargs="?", default=10_000_000)
    options.add_argument("--table", action="store_true")
    chosen = options.parse_args()
    source = table if chosen.table else archive
    window = ("--last", str(chosen.records)) if chosen.table else ()
    with tempfile.TemporaryDirectory() as name, source(chosen.records, Path(name)) as log:
        for command in ("alerts", "check"):
            say(f"{command}: {run(command, log, '--json', *window)}")
        for ending in ("jsonl", "csv", "parquet"):
            out = Path(name) / f"out.{ending}"
            say(f"export to .{ending}: {run('export', log, '--to', str(out), *window)}")
            out.unlink()


if __name__ == "__main__":
    main()
