"""Polls servers, each in a thread of its own, and publishes what they say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Final

from llmlog_tui.errors import reason
from llmlog_tui.server.endpoint import Endpoint
from llmlog_tui.server.exposition import NotPrometheusError, Reading
from llmlog_tui.server.fetch import FetchError, fetch
from llmlog_tui.server.metrics import PollStatus, ServerMetrics
from llmlog_tui.server.prometheus_text import parse
from llmlog_tui.server.sample import Sample, sample
from llmlog_tui.server.sidecar import Sidecar

POLL_S: Final = 2.0
"""Seconds between two polls of a server."""
TIMEOUT_S: Final = 5.0
"""Maximum seconds of an answer; those of loaded servers are slow."""
_LOAD: Final = 1
"""Minimum pause as a multiple of a poll's duration: a slow server is polled less."""


class Poller:
    """Polls each endpoint until stop(), and calls `publish` with all there is after each poll.

    Samples are added to `metrics`, and to the `sidecar` if there is one. Without an interval, a
    server is polled every POLL_S.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        metrics: ServerMetrics,
        publish: Callable[[ServerMetrics], object],
        sidecar: Sidecar | None = None,
        interval_s: float | None = None,
    ) -> None:
        self._endpoints = tuple({endpoint.url: endpoint for endpoint in endpoints}.values())
        polls = {endpoint.url: PollStatus() for endpoint in self._endpoints}
        self._metrics = replace(metrics, polls=polls)
        self._publish = publish
        self._sidecar = sidecar
        self._interval_s = POLL_S if interval_s is None else interval_s
        self._stopped = Event()
        self._lock = Lock()

    def start(self) -> None:
        self._publish(self._metrics)
        for endpoint in self._endpoints:
            # A daemon: quitting does not wait for a server's answer.
            Thread(target=self._run, args=(endpoint,), name="llmlog-metrics", daemon=True).start()

    def stop(self) -> None:
        """End the threads; one that waits for an answer ends with it, and publishes nothing."""
        self._stopped.set()
        with self._lock:
            if self._sidecar is not None:
                self._sidecar.close()
                self._sidecar = None

    def _run(self, endpoint: Endpoint) -> None:
        before: tuple[float, Reading] | None = None
        while not self._stopped.is_set():
            began = time.monotonic()
            before = self._poll(endpoint, before)
            took = time.monotonic() - began
            self._stopped.wait(max(self._interval_s - took, _LOAD * took))

    def _poll(
        self, endpoint: Endpoint, before: tuple[float, Reading] | None
    ) -> tuple[float, Reading] | None:
        """Poll once; return when, and the reading, or the one before if there is none."""
        try:
            reading, now = parse(fetch(endpoint, TIMEOUT_S)), time.monotonic()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown, and polled again
            is_known = isinstance(error, FetchError | NotPrometheusError)
            why = str(error) if is_known else f"polling failed: {error!r}"
            self._add(endpoint, PollStatus(datetime.now(UTC), why), None)
            return before
        then, earlier = before or (now, None)
        ts = datetime.now(UTC)
        found = sample(endpoint.url, ts, reading, earlier, now - then)
        self._add(endpoint, PollStatus(ts, raw=reading.raw), found if reading.kind else None)
        return now, reading

    def _add(self, endpoint: Endpoint, poll: PollStatus, found: Sample | None) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            metrics = self._metrics.with_poll(endpoint.url, poll)
            if found is not None:
                metrics = self._kept(metrics.with_sample(found), found)
            self._metrics = metrics
            self._publish(metrics)  # within the lock: in this order

    def _kept(self, metrics: ServerMetrics, found: Sample) -> ServerMetrics:
        """Write a sample to the sidecar; after a failure, none is written."""
        if self._sidecar is None:
            return metrics
        try:
            self._sidecar.put(found)
        except OSError as error:
            self._sidecar = None
            return replace(metrics, problem=f"samples are not kept: {reason(error)}")
        return metrics
