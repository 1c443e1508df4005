"""Polling of a real exporter: samples, a server that goes and comes back, files that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.server.conftest import Exporter, Serve, ok, wait_until

from llmlog_tui.server import poller
from llmlog_tui.server.endpoint import Endpoint
from llmlog_tui.server.exposition import Reading
from llmlog_tui.server.metrics import NO_METRICS, ServerMetrics
from llmlog_tui.server.poller import Poller
from llmlog_tui.server.sidecar import Sidecar, read

OFTEN = 0.01


@contextmanager
def polled(*urls: str, sidecar: Sidecar | None = None) -> Iterator[list[ServerMetrics]]:
    """Poll these servers; yields what is published."""
    published: list[ServerMetrics] = []
    endpoints = [Endpoint.of(url) for url in urls]
    polling = Poller(endpoints, NO_METRICS, published.append, sidecar, OFTEN)
    polling.start()
    try:
        yield published
    finally:
        polling.stop()


def test_an_exporters_load_becomes_samples_that_are_kept(
    exporter: Exporter, tmp_path: Path
) -> None:
    path = tmp_path / "calls.jsonl.metrics"
    exporter(running=8, waiting=11, kv_cache=0.97)
    with polled(exporter.url, sidecar=Sidecar(path)) as published:
        wait_until(lambda: len(published[-1].samples.get(exporter.url, ())) > 1, "two samples")
        exporter(preemptions=2, generation_tokens=500, queue=2.0, ttft=0.7)

        def preempted() -> bool:
            return any(each.preemptions for each in published[-1].samples[exporter.url])

        wait_until(preempted, "the preemptions")
    samples = published[-1].samples[exporter.url]
    (busy,) = (each for each in samples if each.preemptions)
    assert (busy.kind, busy.running, busy.waiting, busy.kv_cache) == ("vLLM", 8, 11, 0.97)
    assert busy.preemptions == 2
    assert (busy.tokens_per_sec or 0) > 0
    assert busy.queue_mean_ms == 2_000
    kept = read([path]).samples[exporter.url]
    assert [each.ts for each in kept] == [each.ts for each in samples]


def test_a_server_that_goes_is_shown_and_one_that_comes_back_goes_on(exporter: Exporter) -> None:
    with polled(exporter.url) as published:
        wait_until(lambda: published[-1].samples, "a sample")
        exporter.stop()
        wait_until(lambda: published[-1].polls[exporter.url].why, "the reason")
        assert published[-1].samples[exporter.url]


def test_each_server_is_polled_however_the_others_are(exporter: Exporter, serve: Serve) -> None:
    html = serve(ok(b"<html>"))
    other = serve(ok(b"tgi_queue_size 3\n"))
    stalled = serve(hold=True)
    with polled(exporter.url, html, other, stalled, exporter.url) as published:
        wait_until(lambda: len(published[-1].samples.get(exporter.url, ())) > 1, "samples")
        wait_until(lambda: published[-1].polls[html].why, "why not")
        wait_until(lambda: published[-1].polls[other].raw, "its values")
    last = published[-1]
    assert "not Prometheus" in last.polls[html].why
    assert last.polls[other].raw == (("tgi_queue_size", 3.0),)
    assert last.polls[stalled].polled is None
    assert last.urls == (exporter.url, html, other, stalled)
    assert set(last.samples) == {exporter.url}


def test_a_file_that_cannot_be_written_is_a_problem_and_samples_go_on(
    exporter: Exporter, tmp_path: Path
) -> None:
    folder = tmp_path / "calls.jsonl.metrics"
    folder.mkdir()
    with polled(exporter.url, sidecar=Sidecar(folder)) as published:
        wait_until(lambda: len(published[-1].samples.get(exporter.url, ())) > 2, "samples")
    assert published[-1].problem == "samples are not kept: is not a regular file"


def test_a_fault_of_our_own_is_shown_and_the_server_is_polled_again(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(body: bytes) -> Reading:
        raise KeyError(body[:1])

    with monkeypatch.context() as broken:
        broken.setattr(poller, "parse", fail)
        with polled(exporter.url) as published:
            wait_until(lambda: published[-1].polls[exporter.url].why, "the reason")
            assert "polling failed: KeyError" in published[-1].polls[exporter.url].why
            broken.undo()
            wait_until(lambda: published[-1].samples, "a sample")


def test_after_stop_nothing_is_published(exporter: Exporter) -> None:
    with polled(exporter.url) as published:
        wait_until(lambda: published[-1].samples, "a sample")
    count = len(published)
    exporter(waiting=1)
    assert len(published) == count
