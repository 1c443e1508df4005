"""What capture adds in instructions: `python -m tests.bench.bench_capture_instructions`.

Needs valgrind. On a busy machine times scatter more than what is measured; these counts repeat
within a few percent. They leave out the kernel: bench_capture_calls has the CPU time with it.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.bench_capture_calls import VARIANTS, say

COMPARED = ("bare", "lesson", "one os.write", "llmlog", "langfuse")
CALLS = 20
_MODULE = "tests.bench.bench_capture_instructions"


def mark() -> None:
    """Let callgrind write down what it has counted since the last mark."""
    os.getpriority(os.PRIO_PROCESS, 0)


def run(name: str, path: Path) -> None:
    """Make the calls of one variant, a mark before and after those of each kind."""
    calls = VARIANTS[name](path)
    for call in calls:
        for _ in range(30):  # as the interpreter settles
            call()
    for call in calls:
        gc.collect()
        gc.freeze()  # a large heap's collection would fall into one variant or the other
        mark()
        for _ in range(CALLS):
            call()
        mark()
    os._exit(0)


def counted(name: str, folder: Path) -> tuple[float, float] | None:
    """Instructions per chat call and per stream; None if the variant is not installed."""
    out = folder / f"{name}.out"
    command = ["valgrind", "--tool=callgrind", "--dump-before=getpriority"]
    command += [f"--callgrind-out-file={out}", sys.executable, "-m", _MODULE, name]
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    command.append(str(folder / f"{name}.jsonl"))
    subprocess.run(command, check=False, capture_output=True, env=env)
    # Dump 1 is what came before the first mark, 2 the chat calls, 3 between, 4 the streams.
    dumps = [out.with_name(f"{out.name}.{number}") for number in (2, 4)]
    if not dumps[1].exists():
        return None
    chat, stream = (
        int(found[1]) / CALLS
        for dump in dumps
        if (found := re.search(r"^(?:totals|summary): (\d+)", dump.read_text(), re.MULTILINE))
    )
    return chat, stream


def main() -> None:
    """Print what each variant adds to the bare call."""
    # Counts, unlike times, do not mind company.
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        counted_each = pool.map(lambda name: counted(name, Path(folder)), COMPARED)
        counts = dict(zip(COMPARED, counted_each, strict=True))
    known = {name: count for name, count in counts.items() if count is not None}
    for kind, title in enumerate(("a chat call", "a stream of 20 chunks")):
        say(f"{title}: bare {known['bare'][kind]:,.0f} instructions")
        for name in [name for name in known if name != "bare"]:
            added = known[name][kind] - known["bare"][kind]
            ratio = added / (known["lesson"][kind] - known["bare"][kind])
            say(f"  {name:18}{added:+10,.0f}   {ratio:6.2f} x lesson")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1], Path(sys.argv[2]))
    main()
