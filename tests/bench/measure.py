"""Takes one measurement in a process of its own: `python -m tests.bench.measure NAME FILE`.

Prints JSON: seconds of wall and processor time without imports, resident bytes above those after
the imports.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb
import orjson
import polars as pl

from llmlog_tui.log.load import load
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.schema import READ_SCHEMA

_SQL_TYPES: Final = {
    pl.Float64(): "DOUBLE",
    pl.String(): "VARCHAR",
    pl.Categorical(): "VARCHAR",
    pl.Boolean(): "BOOLEAN",
}


def bare(file: Path) -> int:
    """What polars needs at least: the same columns, no times, no fallback, no raw lines."""
    return pl.read_ndjson(file, schema=READ_SCHEMA).height


def loaded(file: Path) -> int:
    """All blocks, columns typed, faults counted."""
    return load([file]).frame.height


def newest(file: Path) -> int:
    """Until the newest records can be shown."""
    reader = Reader([file], newest_first=True)
    reader.step()
    height = reader.snapshot().frame.height
    reader.close()
    return height


def newest_then_all(file: Path) -> int:
    """Until everything is there, with a snapshot four times a second, as the dashboard does."""
    reader = Reader([file], newest_first=True)
    shown = time.monotonic()
    while reader.step():
        if time.monotonic() - shown > 0.25:
            reader.snapshot()
            shown = time.monotonic()
    reader.loaded()
    height = reader.snapshot().frame.height
    reader.close()
    return height


def duck(file: Path) -> int:
    """DuckDB, the same columns into a table."""
    columns = {name: _SQL_TYPES.get(dtype, "VARCHAR[]") for name, dtype in READ_SCHEMA.items()}
    connection = duckdb.connect()
    connection.execute(
        "create table calls as select * from read_json($file, format='newline_delimited',"  # noqa: S608 - our own column names
        f" columns={columns})",
        {"file": str(file)},
    )
    (count,) = connection.execute("select count(*) from calls").fetchone() or (0,)
    return int(count)


def dicts(file: Path) -> int:
    """orjson, a dict for each line."""
    with file.open("rb") as lines:
        return len([orjson.loads(line) for line in lines])


MEASURES: Final[dict[str, Callable[[Path], int]]] = {
    measure.__name__: measure for measure in (bare, loaded, newest, newest_then_all, duck, dicts)
}


def resident() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def main(name: str, file: Path) -> None:
    """Measure, and print what was measured."""
    before, wall, cpu = resident(), time.perf_counter(), time.process_time()
    kept: dict[str, object] = {}
    if name == "loaded":  # kept, so that its memory is still there to be seen
        kept["snapshot"] = snapshot = load([file])
        rows = snapshot.frame.height
    else:
        rows = MEASURES[name](file)
    result = {
        "rows": rows,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "resident": resident() - before,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
