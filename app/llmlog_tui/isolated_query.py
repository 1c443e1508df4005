"""Run a potentially endless SQL query in a separate process that can be killed.

polars cannot be interrupted, and a fork of a process with its threads can hang. A query that passes
over one table once is therefore run here, in milliseconds; any other (joins, CTEs, unions) in a new
interpreter: its tables go there and its result comes back as Arrow IPC in unlinked files. That
costs about half a second, and less than one per million records.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Final, NoReturn

import polars as pl

from llmlog_tui.analysis.query import sql as queries
from llmlog_tui.analysis.query.query_error import QueryError
from llmlog_tui.analysis.query.statement import is_linear
from llmlog_tui.config.rules import DEFAULT, Rules
from llmlog_tui.errors import reason

_FAILED: Final = 3
"""Exit code of a failed query, whose output is its error."""


class QueryCancelled(Exception):  # noqa: N818 - not an error
    """The query was cancelled before it had a result."""


class IsolatedQuery:
    """One SQL query over a log: run() in one thread, cancel() in any other."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_cancelled = False

    def run(self, frame: pl.DataFrame, rules: Rules = DEFAULT) -> pl.DataFrame:
        """Return the result; see analysis.query.sql.query().

        Raises QueryError, and QueryCancelled after cancel().
        """
        queries.check(self.sql)
        if is_linear(self.sql):
            return queries.query(frame, self.sql, rules)
        tables = queries.tables_of(frame, self.sql, rules)
        columns = [*chain.from_iterable(queries.columns_of(frame, self.sql, rules).values())]
        try:
            with contextlib.ExitStack() as files:
                given = {}
                for name, table in tables.items():
                    given[name] = files.enter_context(_temporary())
                    table.write_ipc(given[name])
                    given[name].flush()
                result = files.enter_context(_temporary())
                return self._result(self._run(given, result, columns), result)
        except OSError as error:  # no room for the files, no process
            raise QueryError(f"the query: {reason(error)}") from error

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            if self._process is not None:
                self._process.kill()

    def _run(self, given: Mapping[str, IO[bytes]], result: IO[bytes], columns: list[str]) -> int:
        tables, answer = {name: file.fileno() for name, file in given.items()}, result.fileno()
        request = {"sql": self.sql, "columns": columns, "tables": tables, "result": answer}
        # -P: no module is imported from the working directory, where anything may be.
        command = [sys.executable, "-P", "-m", __name__]
        with self._lock:
            if self._is_cancelled:
                raise QueryCancelled
            process = self._process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[*tables.values(), answer],
                start_new_session=True,  # Ctrl-C is for this process, which then ends that one
            )
        # To close the pipe of a process that was killed writes once more what it has not read.
        with contextlib.suppress(BrokenPipeError), process:
            assert process.stdin is not None  # noqa: S101 - a pipe
            # Left open: its end tells the other process that this one is gone.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
            try:
                process.wait()
            finally:
                process.kill()
        return process.wait()

    def _result(self, code: int, result: IO[bytes]) -> pl.DataFrame:
        if self._is_cancelled:
            raise QueryCancelled
        result.seek(0)
        if code == _FAILED:
            raise QueryError(result.read().decode())
        if code:
            raise QueryError("the query: ended early; it may need more memory than there is")
        return pl.read_ipc(result)


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="llmlog-", buffering=0)


# -- in the process of the query


def _main() -> NoReturn:
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        request = json.loads(stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(OSError):  # if memory runs out, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with os.fdopen(request["result"], "wb") as result:
        try:
            tables = {name: _table(number) for name, number in request["tables"].items()}
            found = queries.evaluate(tables, request["sql"], request["columns"])
        except QueryError as error:
            result.write(str(error).encode())
            result.flush()
            os._exit(_FAILED)
        found.write_ipc(result)
        result.flush()
    os._exit(0)  # without the time that freeing memory takes


def _table(number: int) -> pl.DataFrame:
    with os.fdopen(number, "rb") as file:
        file.seek(0)
        return pl.read_ipc(file)


def _end_with_parent() -> None:
    """End with the process that asked, however that ended."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    _main()
