"""Cost of tags: `python -m tests.bench.tags [RECORDS] [ROUNDS]`.

Logs with tags of several kinds against the same log without them, each measurement in a process of
its own, all of them once a round. Printed are ratios to the log without tags: of the bytes, of the
memory at rest, and of the processor time of loading, of polars.read_ndjson without the tags, and of
polars.read_ndjson with the tags as a struct of their types. `relative` is the ratio of loading
divided by that of polars with the tags.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl
from tests.bench.make_log import lines
from tests.bench.measure import resident

from llmlog_tui.log.load import read_all
from llmlog_tui.log.process_memory import return_memory
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.schema import READ_SCHEMA

Tags = dict[str, Any]

_ROOT: Final = Path(__file__).parent.parent.parent
_STEPS: Final = 8
"""Records per trace."""

_TYPED_FROM: Final = 100
"""Lines from which the types of the tags are inferred for polars."""


def _few(chance: random.Random, _number: int) -> Tags:
    version = f"v{chance.randrange(12)}"
    return {"prompt_version": version, "user_tier": _tier(chance), "region": _region(chance)}


def _users(chance: random.Random, _number: int) -> Tags:
    user = f"u-{chance.randrange(5_000):05}"
    return {"user_id": user, "user_tier": _tier(chance), "region": _region(chance)}


def _users_of_traces(_chance: random.Random, number: int) -> Tags:
    return _users(random.Random(number // _STEPS), number)  # noqa: S311 - no secret


def _tier(chance: random.Random) -> str:
    return chance.choice(("free", "pro", "team"))


def _region(chance: random.Random) -> str:
    return chance.choice(("eu", "us", "asia"))


def _numbers(chance: random.Random, number: int) -> Tags:
    return {"n": number, "share": chance.random(), "beta": chance.random() < 1 / 2}


def _nested(chance: random.Random, number: int) -> Tags:
    return {**_users(chance, number), "region": {"shard": number % 7, "zones": ["a"]}}


KINDS: Final[dict[str, Callable[[random.Random, int], Tags] | None]] = {
    "no tags": None,
    "few values": _few,
    "5,000 values, by trace": _users_of_traces,
    "5,000 values, by record": _users,
    "int, float and bool": _numbers,
    "an object among them": _nested,
}
"""Three tags each."""


def load(file: Path) -> object:
    """Load a log as the dashboard does, without the cache."""
    reader = Reader([file])
    read_all(reader)
    snapshot = reader.snapshot()
    reader.close()
    return snapshot


def polars(file: Path) -> object:
    """Read the same columns by polars, without the tags."""
    return pl.read_ndjson(file, schema=READ_SCHEMA)


def polars_with_tags(file: Path) -> object:
    """Read the same columns by polars, and the tags in their types, if there are any."""
    with file.open("rb") as log:
        inferred = pl.read_ndjson(b"".join(islice(log, _TYPED_FROM))).schema
    tags = {name: dtype for name, dtype in inferred.items() if name == "extra"}
    return pl.read_ndjson(file, schema={**READ_SCHEMA, **tags})


MEASURES: Final = {each.__name__: each for each in (load, polars, polars_with_tags)}


def write(file: Path, records: int, kind: str) -> None:
    """Write a log with tags of a kind."""
    tags_of, chance = KINDS[kind], random.Random(1)  # noqa: S311 - the same file again
    with file.open("w", encoding="utf-8") as out:
        for number, line in enumerate(islice(lines(), records)):
            if tags_of is None:
                out.write(line)
            else:
                out.write(f'{line[:-2]}, "extra": {json.dumps(tags_of(chance, number))}}}\n')


def take(name: str, file: Path) -> tuple[float, float]:
    """Return the processor seconds and resident bytes of a measurement in another process."""
    code = (sys.executable, "-m", "tests.bench.tags", "--one", name, str(file))
    done = subprocess.run(code, stdout=subprocess.PIPE, check=True, cwd=_ROOT, env=os.environ)
    cpu, memory = json.loads(done.stdout)
    return cpu, memory


def one(name: str, file: Path) -> None:
    """Measure, and print what was measured."""
    before, began = resident(), time.process_time()
    kept = MEASURES[name](file)
    cpu = time.process_time() - began
    return_memory()
    json.dump((cpu, resident() - before), sys.stdout)
    del kept  # here, so that its memory was still there to be seen


def table(files: dict[str, Path], rounds: int) -> Iterator[str]:
    """Yield the rows of a table."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for kind, file in files.items():
            for name in MEASURES:
                found.setdefault((kind, name), []).append(take(name, file))

    def ratio(kind: str, name: str, at: int = 0) -> float:
        pairs = zip(found[kind, name], found["no tags", name], strict=True)
        return statistics.median(mine[at] / plain[at] for mine, plain in pairs)

    yield f"{'':24}   bytes  memory    load  polars  with tags  relative"
    plain = files["no tags"].stat().st_size
    for kind, file in files.items():
        loading, peer = ratio(kind, "load"), ratio(kind, "polars_with_tags")
        yield (
            f"{kind:24}{file.stat().st_size / plain:7.2f}x{ratio(kind, 'load', 1):7.2f}x"
            f"{loading:7.2f}x{ratio(kind, 'polars'):7.2f}x{peer:10.2f}x{loading / peer:9.2f}x"
        )


def main(records: int = 200_000, rounds: int = 5) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        files = {kind: Path(folder, f"{at}.jsonl") for at, kind in enumerate(KINDS)}
        for kind, file in files.items():
            write(file, records, kind)
        for row in table(files, rounds):
            sys.stdout.write(row + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
