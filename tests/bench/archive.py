"""A big archive on screen: `python -m tests.bench.archive ARCHIVE [--times 10]`.

The parts of an archive are copied N times (`--times`), each copy under earlier days. Measures the
time until the newest records are on screen, alternating with a log of 10,000 records.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl
from tests.bench import make_log
from tests.bench.screen import newest, probe
from tests.bench.terminal import LIVE, Terminal, dashboard

from llmlog_tui.log.archive_manifest import Manifest, Part

_DAY_US: Final = 86_400_000_000
_ROUNDS: Final = 5
_PATIENCE_S: Final = 120.0


def repeat(archive: Path, folder: Path, times: int) -> Manifest:
    """Copy an archive `times` times; only the last copy keeps the days of its records."""
    manifest = Manifest.read(archive)
    firsts = [part.first or 0 for part in manifest.parts]
    lasts = [part.last or 0 for part in manifest.parts]
    span = (max(lasts) - min(firsts)) // _DAY_US + 1
    parts: list[Part] = []
    for back in range(times - 1, -1, -1):
        for part in manifest.parts:
            first, last = (part.first or 0) - back * span * _DAY_US, part.last or 0
            last -= back * span * _DAY_US
            day = f"{datetime.fromtimestamp(first / 1e6, UTC):%Y-%m-%d}"
            path = folder / f"{day}.{len(parts) + 1:06}.parquet"
            shutil.copyfile(archive / part.file, path)
            os.utime(path, (last // 10**6, last // 10**6))
            parts.append(replace(part, file=path.name, first=first, last=last))
    repeated = Manifest(manifest.sources, tuple(parts), len(parts) + 1)
    repeated.write(folder)
    return repeated


def newest_trace(archive: Path, manifest: Manifest) -> str:
    """Return the first 8 characters, as on screen, of the last record's trace_id."""
    part = max(manifest.parts, key=lambda each: each.last or 0)
    rows = pl.read_parquet(archive / part.file, columns=["ts", "trace_id"])
    return str(rows.sort("ts")["trace_id"][-1])[:8]


def main() -> None:
    """Print, as it is measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("archive", type=Path)
    options.add_argument("--times", type=int, default=10)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        folder, small = home / "archive", home / "small.jsonl"
        folder.mkdir()
        manifest = repeat(chosen.archive, folder, chosen.times)
        make_log.write(small, 10_000)
        with small.open("ab") as file:
            file.write(probe(0))
        wanted = {small: newest(0), folder: newest_trace(folder, manifest)}
        took: dict[Path, list[tuple[float, float]]] = {log: [] for log in wanted}
        for _ in range(_ROUNDS):
            for log, trace in wanted.items():
                terminal = Terminal(dashboard(log), home)
                wall = terminal.until(trace.encode(), _PATIENCE_S)
                took[log].append((wall, terminal.cpu_s()))
                terminal.leave()
        few, many = ([statistics.median(n) for n in zip(*took[log], strict=True)] for log in wanted)
        terminal = Terminal(dashboard(folder), home)
        whole = terminal.until(LIVE, _PATIENCE_S)
        terminal.settle()
        print(  # noqa: T201 - what a benchmark is for
            f"{manifest.records:,} records in {len(manifest.parts):,} parts: newest on screen"
            f" {many[0]:.2f} s (cpu {many[1]:.2f}), of 10,000 records {few[0]:.2f} s (cpu"
            f" {few[1]:.2f}); its window after {whole:.1f} s, {terminal.resident() / 1e6:,.0f} MB"
        )
        terminal.leave()


if __name__ == "__main__":
    main()
