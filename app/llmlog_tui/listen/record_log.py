"""Append received spans and log records to a log, as llmlog's own records.

Each batch is written before take_spans() or take_logs() returns, one write a record: an
acknowledged batch survives a killed process. Batches of one trace may be received minutes apart:
a record's step is its place among the ones received so far, behind its parent's.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal

from llmlog.record_writer import RecordWriter
from llmlog_tui.formats import Found, LogState, Record
from llmlog_tui.formats.otlp_content import content_of
from llmlog_tui.formats.otlp_envelope import LogRecord, Span
from llmlog_tui.formats.otlp_logs import LogConverter, log_content
from llmlog_tui.formats.otlp_traces import SpanConverter

ContentPolicy = Literal["none", "redacted", "full"]

CONTENT_POLICIES: Final[tuple[ContentPolicy, ...]] = ("none", "redacted", "full")

QUIET_S: Final = 30
"""Seconds without a batch after which a call that failed is not tried again."""

_ContentOf = Callable[[int], Record]


class RecordLog:
    """Appends the records of received batches to one file, from any thread."""

    def __init__(self, out: Path, content: ContentPolicy = "none") -> None:
        state: LogState = {}
        self.written = 0
        """Records written so far."""
        self._spans = SpanConverter(state, reserves_steps=True)
        self._logs = LogConverter(state)
        self._writer = RecordWriter(out, content)
        self._tokens = count()
        self._lock = threading.Lock()
        self._unwritten: deque[bytes] = deque()
        self._unwritten_batch = b""
        self._taken_at: float | None = None

    def take_spans(self, spans: Sequence[Span], body: bytes) -> None:
        """Write the records of a batch of spans, received as `body`; raises OSError."""

        def convert() -> tuple[list[Found], _ContentOf]:
            batch = {next(self._tokens): span for span in spans}
            for token, span in batch.items():
                self._spans.add(token, (span,))
            found = [*self._spans.settled(), *self._spans.flush()]
            return found, lambda token: _content(batch, token, content_of)

        self._take(body, convert)

    def take_logs(self, logs: Sequence[LogRecord], body: bytes) -> None:
        """Write the records of a batch of log records, received as `body`; raises OSError."""

        def convert() -> tuple[list[Found], _ContentOf]:
            batch = {next(self._tokens): log for log in logs}
            found = [each for token, log in batch.items() for each in self._logs.add(token, (log,))]
            return found, lambda token: _content(batch, token, log_content)

        self._take(body, convert)

    def flush_if_quiet(self) -> None:
        """Write calls that count as failed after QUIET_S without a batch; raises OSError."""
        if self._taken_at is not None and time.monotonic() - self._taken_at > QUIET_S:
            self.close()

    def close(self) -> None:
        """Write calls that count as failed, as no attempt follows; raises OSError."""
        with self._lock:
            self._taken_at = None
            self._enqueue(self._logs.flush(), lambda _: {})
            self._write()

    def _take(self, body: bytes, convert: Callable[[], tuple[list[Found], _ContentOf]]) -> None:
        with self._lock:
            self._taken_at = time.monotonic()
            if self._unwritten:
                # The disk was full, or the like. The exporter sends that batch again: by then it
                # is written from here, and not converted a second time.
                self._write()
                if hashlib.sha256(body).digest() == self._unwritten_batch:
                    return
            self._enqueue(*convert())
            try:
                self._write()
            except OSError:
                self._unwritten_batch = hashlib.sha256(body).digest()
                raise

    def _enqueue(self, found: Sequence[Found], content: _ContentOf) -> None:
        keeps_content = self._writer.keeps_content
        for token, record in found:
            whole = {**record, **content(token)} if keeps_content else record
            self._unwritten.append(self._writer.line(whole))

    def _write(self) -> None:
        while self._unwritten:
            self._writer.write(self._unwritten[0])
            self._unwritten.popleft()
            self.written += 1


def _content(batch: dict[int, Any], token: int, read: Callable[[Any], Record]) -> Record:
    """Return the content of a record's span; {} if it was in an earlier batch."""
    return read(batch[token]) if token in batch else {}
