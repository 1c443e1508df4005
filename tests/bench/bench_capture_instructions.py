"""What capture adds in instructions: `python -m tests.bench.bench_capture_instructions`.

Needs valgrind. On a busy machine times scatter more than what is measured; these counts repeat
within a few percent. They leave out the kernel: bench_capture_calls has the CPU time with it.
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.bench_capture_calls import VARIANTS, say

TOGETHER = ("bare", "lesson", "one os.write", "llmlog")
"""In one process, where they find the same heap; langfuse patches the SDK and is compared with the
bare SDK of a process without it."""
CALLS = 20
_MODULE = "tests.bench.bench_capture_instructions"


def mark() -> None:
    """Let callgrind write down what it has counted since the last mark."""
    os.getpriority(os.PRIO_PROCESS, 0)


def run(folder: Path, names: list[str]) -> None:
    """Make the calls of some variants, a mark before and after those of each kind."""
    calls = [VARIANTS[name](folder / f"{name}.jsonl") for name in names]
    for call in itertools.chain(*calls):
        for _ in range(30):  # as the interpreter settles
            call()
    for call in itertools.chain(*calls):
        gc.collect()
        gc.freeze()  # a large heap's collection would fall into one variant or the other
        mark()
        for _ in range(CALLS):
            call()
        mark()
    os._exit(0)


def counted(folder: Path, *names: str) -> dict[str, list[float]]:
    """For each variant, instructions per chat call and per stream; none if it is not installed."""
    out = folder / f"{names[0]}.out"
    command = ["valgrind", "--tool=callgrind", "--dump-before=getpriority"]
    command += [f"--callgrind-out-file={out}", sys.executable, "-m", _MODULE, str(folder), *names]
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run(command, check=False, capture_output=True, env=env)
    # Dump 1 is what came before the first mark, 2 the first calls, 3 what was between, 4 the next.
    dumps = [out.with_name(f"{out.name}.{2 * number}") for number in range(1, 1 + 2 * len(names))]
    if not dumps[-1].exists():
        return {}
    counts = [
        re.search(rb"^(?:totals|summary): (\d+)", d.read_bytes(), re.MULTILINE) for d in dumps
    ]
    each = [int(count[1]) / CALLS for count in counts if count]
    return {name: each[2 * at : 2 * at + 2] for at, name in enumerate(names)}


def main() -> None:
    """Print what each variant adds to the bare call."""
    # Counts, unlike times, do not mind company.
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        langfuse = pool.submit(counted, Path(folder), "langfuse")
        known = counted(Path(folder), *TOGETHER) | langfuse.result()
    for kind, title in enumerate(("a chat call", "a stream of 20 chunks")):
        say(f"{title}: bare {known['bare'][kind]:,.0f} instructions")
        for name in [name for name in known if name != "bare"]:
            added = known[name][kind] - known["bare"][kind]
            ratio = added / (known["lesson"][kind] - known["bare"][kind])
            say(f"  {name:18}{added:+10,.0f}   {ratio:6.2f} x lesson")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(Path(sys.argv[1]), sys.argv[2:])
    main()
