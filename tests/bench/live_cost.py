"""What the dashboard costs while records arrive: `python -m tests.bench.live_cost`.

`[--seconds N] [--records N] [--probes N] [--views 1,2] [--where SQL] [--rates 100,10,0]`. In a
pseudo-terminal of 160x50, in the Overview and in Calls, without and with a filter: processor time
as a share of one core, wake-ups and bytes painted a second, then from an appended line to the
screen, N times. A rate of 0 is a log at rest; its lone records come after 6 to 10 s of quiet, a
tenth as often. An empty `--where` leaves the filter out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from tests.bench import make_log
from tests.bench.live import write
from tests.bench.screen import newest, probe
from tests.bench.terminal import LIVE, Terminal, dashboard

_WARM_S: Final = 3.0
_PROBES_PER_S: Final = 4
_QUIET_S: Final = 8.0
"""Mean seconds without records before a lone one."""
_LONE_SHARE: Final = 10
_SMALL: Final = 10
"""Records of each of many files."""
_DAY_S: Final = 86_400.0
_GOLDEN: Final = 0.309017
_VIEWS: Final = {"1": "Overview", "2": "Calls"}
_WHERE: Final = "latency_ms is null or latency_ms < 100000"


def wake_ups(terminal: Terminal) -> dict[str, int]:
    """How often each of the program's threads waited and was woken so far."""
    found = {}
    for task in Path(f"/proc/{terminal.process.pid}/task").iterdir():
        status = (task / "status").read_text(encoding="ascii")
        found[task.name] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return found


def cost(terminal: Terminal, log: Path, rate: int, seconds: float) -> str:
    """Processor share, wake-ups and painted bytes while so many records a second arrive."""
    writer = threading.Thread(target=write, args=(log, rate, seconds + 2 * _WARM_S))
    writer.start()
    terminal.wait(_WARM_S)
    cpu, woken, painted = terminal.cpu_s(), wake_ups(terminal), terminal.painted
    terminal.wait(seconds)
    cpu, now = terminal.cpu_s() - cpu, wake_ups(terminal)
    times = sum(now[task] - woken.get(task, 0) for task in now)
    painted = terminal.painted - painted
    writer.join()
    return (
        f"cpu {cpu / seconds:6.1%} of a core, {times / seconds:4.0f} wake-ups/s,"
        f" {painted / seconds / 1e3:5.1f} kB/s"
    )


def delays(terminal: Terminal, log: Path, rate: int, numbers: range) -> list[float]:
    """Milliseconds from an appended probe to the screen, while so many records a second arrive."""
    pause = 1 / _PROBES_PER_S if rate else _QUIET_S
    writer = threading.Thread(target=write, args=(log, rate, pause * len(numbers)))
    writer.start()
    took = []
    with log.open("ab", buffering=0) as file:
        for number in numbers:
            # Not always at the same time after a poll.
            terminal.wait(pause * (0.75 + number * _GOLDEN % 0.5))
            file.write(probe(number))
            took.append(terminal.until(newest(number).encode(), 5) * 1e3)
    writer.join()
    return sorted(took)


def rows(folder: Path, chosen: argparse.Namespace, where: str | None) -> Iterator[str]:
    """Yield the figures of one dashboard as lines of text."""
    log = folder / f"calls-{where is not None}.jsonl"
    make_log.write(log, chosen.records)
    terminal = Terminal([*dashboard(log), *(["--where", where] if where else [])], folder)
    terminal.until(LIVE, 60)
    terminal.settle()
    first = 1
    for view in chosen.views.split(","):
        terminal.press(view.encode(), b"", 0.1)
        for rate in map(int, chosen.rates.split(",")):
            case = f"{_VIEWS[view]}{', filtered' if where else ''}, {rate}/s"
            yield f"{case}: {cost(terminal, log, rate, chosen.seconds)}"
            probes = chosen.probes if rate else max(3, chosen.probes // _LONE_SHARE)
            took = delays(terminal, log, rate, range(first, first + probes))
            first += probes
            p99 = took[min(len(took) - 1, round(0.99 * len(took)))]
            yield (
                f"        append to screen p50 {statistics.median(took):.0f} ms, p99 {p99:.0f} ms"
                f" of {probes}; load average {os.getloadavg()[0]:.1f}"
            )
    terminal.leave()


def at_rest(folder: Path, files: int, seconds: float) -> str:
    """Return the cost of a dashboard over a folder of small logs written a day ago."""
    logs = folder / "logs"
    logs.mkdir()
    source = make_log.lines()
    for number in range(files):
        log = logs / f"{number}.jsonl"
        log.write_text("".join(islice(source, _SMALL)), encoding="utf-8")
        os.utime(log, (log.stat().st_mtime - _DAY_S,) * 2)
    terminal = Terminal(dashboard(logs), folder)
    terminal.until(LIVE, 120)
    terminal.settle()
    terminal.wait(_QUIET_S)
    found = f"{files:,} files, 0/s: {cost(terminal, folder / 'none.jsonl', 0, seconds)}"
    terminal.leave()
    return found


def main() -> None:
    """Print, as it is measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--rates", default="100,10,0")
    options.add_argument("--views", default="1,2")
    options.add_argument("--where", default=_WHERE)
    options.add_argument("--probes", type=int, default=200)
    options.add_argument("--files", type=int, help="measure only a folder of this number of logs")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.files:
            sys.stdout.write(at_rest(Path(folder), chosen.files, chosen.seconds) + "\n")
            return
        for where in (None, chosen.where) if chosen.where else (None,):
            for row in rows(Path(folder), chosen, where):
                sys.stdout.write(row + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
