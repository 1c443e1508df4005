"""Opening a log again, from the cache: `python -m tests.bench.reopen [RECORDS]`.

Processor seconds of reading all of it without a cache, for the first time, and again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.bench import make_log

from llmlog_tui.log.load import read_all
from llmlog_tui.log.parse_cache import ParseCache
from llmlog_tui.log.reader import Reader

_AGAIN: Final = 3
_SETTLED_S: Final = 3.0
"""Seconds after writing a log until its times tell that it is unchanged."""


def cpu_s(log: Path, cache: ParseCache | None) -> float:
    """Read a log, and return the processor seconds that it took."""
    began = time.process_time()
    with closing(Reader([log], cache=cache)) as reader:
        read_all(reader)
    return time.process_time() - began


def main(records: int = 1_000_000) -> None:
    """Print the seconds and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        log, cached = Path(folder, "calls.jsonl"), Path(folder, "cache")
        make_log.write(log, records)
        time.sleep(_SETTLED_S)
        plain, first = cpu_s(log, None), cpu_s(log, ParseCache(cached))
        again = min(cpu_s(log, ParseCache(cached)) for _ in range(_AGAIN))
    sys.stdout.write(
        f"without a cache {plain:.2f} s, the first time {first:.2f} s, again {again:.2f} s:"
        f" {again / first:.2f} x the first time, {again / plain:.2f} x without\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
