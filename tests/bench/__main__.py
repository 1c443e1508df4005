"""Benchmarks of the log layer: `python -m tests.bench [--records N] [--rounds N] [--toolong TL]`.

Makes a seeded log, takes each measurement in a process of its own, all of them once a round, and
prints medians as ratios, because two machines never agree on seconds. Loading against polars,
DuckDB and orjson; `llmlog stats` against a DuckDB process; following; then the screen, see
tests.bench.screen. `--ten-million` opens a log of so many too, for which 7 GB of disk are needed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import live, process, screen
from tests.bench.make_log import write
from tests.bench.measure import MEASURES

_ROOT = Path(__file__).parent.parent.parent


def measure(name: str, file: Path) -> dict[str, float]:
    """One measurement, as measure.py prints it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.measure", name, str(file)],
        stdout=subprocess.PIPE,
        check=True,
        cwd=_ROOT,
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def spoil(file: Path, spoilt: Path) -> None:
    """A copy with a bad line after every 1,000: torn, chatter, a wrong type, NaN, no list."""
    bad = (
        *(b'{"step": 1, "mod\n', b"Traceback\n", b'{"latency_ms": "slow"}\n'),
        *(b'{"x": NaN}\n', b'{"tool_calls": 1}\n'),
    )
    with file.open("rb") as source, spoilt.open("wb") as out:
        for number, line in enumerate(source):
            out.write(line)
            if number % 1_000 == 999:
                out.write(bad[number // 1_000 % len(bad)])


def compare(file: Path, rounds: int) -> Iterator[str]:
    """Rows of a table: every measurement against the bare read."""
    spoilt = file.with_name("spoilt.jsonl")
    spoil(file, spoilt)
    jobs = {name: (name, file) for name in MEASURES} | {"one bad in 1,000": ("loaded", spoilt)}
    taken: dict[str, list[dict[str, float]]] = {job: [] for job in jobs}
    for _ in range(rounds):
        for job, (name, source) in jobs.items():
            taken[job].append(measure(name, source))
    wall = {
        job: statistics.median(each["wall_s"] for each in found) for job, found in taken.items()
    }
    cpu = {job: min(each["cpu_s"] for each in found) for job, found in taken.items()}
    size = file.stat().st_size
    yield f"{'':18}  wall s   x bare    cpu s   x bare   memory / file"
    for job, found in taken.items():
        memory = statistics.median(each["resident"] for each in found) / size
        yield (
            f"{job:18} {wall[job]:7.2f} {wall[job] / wall['bare']:8.2f} {cpu[job]:8.2f}"
            f" {cpu[job] / cpu['bare']:8.2f} {memory:12.2f}"
        )
    yield f"one bad line in 1,000 against clean: {wall['one bad in 1,000'] / wall['loaded']:.2f}"


def first_records(folder: Path, records: int) -> Iterator[str]:
    """How long the newest records of logs of several sizes take."""
    for size in (10_000, 100_000, records):
        file = folder / f"{size}.jsonl"
        if not file.exists():
            write(file, size)
        found = [measure("newest", file)["wall_s"] for _ in range(5)]
        yield f"newest records of {size:>10,}: {statistics.median(found) * 1e3:6.1f} ms"


def followed(seconds: float) -> Iterator[str]:
    """Delay and loss at two rates."""
    for rate in (100, 20_000):
        found = live.follow(rate, seconds)
        yield (
            f"{rate:>6,}/s: append to snapshot p50 {found['p50_ms']:.0f} ms,"
            f" p99 {found['p99_ms']:.0f} ms; {found['lost']:.0f} of {found['written']:,.0f} lost,"
            f" {found['twice']:.0f} twice; refresh {found['first_refresh_ms']:.1f}"
            f" -> {found['last_refresh_ms']:.1f} ms"
        )


def main() -> None:
    """Everything, into a folder that is removed again."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=10.0, help="of following")
    screen.add_options(options)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{chosen.records}.jsonl")
        write(file, chosen.records)
        sys.stdout.write(f"{chosen.records:,} records, {file.stat().st_size / 1e6:,.0f} MB\n")
        for section in (
            compare(file, chosen.rounds),
            process.compare(file, chosen.rounds),
            first_records(Path(folder), chosen.records),
            followed(chosen.seconds),
            screen.rows(Path(folder), chosen),
        ):
            for row in section:
                sys.stdout.write(row + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
