"""Samples beside the log: private, bounded, one writer, and any bytes are read."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llmlog_tui.server import sidecar
from llmlog_tui.server.metrics import NO_METRICS
from llmlog_tui.server.sample import Sample
from llmlog_tui.server.sidecar import Sidecar, read

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
URL = "http://127.0.0.1:8000/metrics"


def nth(n: int) -> Sample:
    return Sample(NOON + timedelta(seconds=2 * n), URL, "vLLM", waiting=n, kv_cache=0.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl.metrics"


def test_what_was_kept_is_read_again_and_private(path: Path) -> None:
    os.umask(0)
    kept = Sidecar(path)
    for n in range(3):
        kept.put(nth(n))
    kept.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read([path]).samples == {URL: (nth(0), nth(1), nth(2))}


def test_the_older_half_is_dropped_at_the_limit(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "MAX_BYTES", 2_000)
    kept = Sidecar(path)
    for n in range(100):
        kept.put(nth(n))
        assert path.stat().st_size <= 2_000
    kept.put(nth(100))
    (samples,) = read([path]).samples.values()
    assert samples[-1] == nth(100)
    assert samples == tuple(nth(n) for n in range(int(samples[0].waiting or 0), 101))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_two_dashboards_the_first_keeps_the_samples(path: Path) -> None:
    first, second = Sidecar(path), Sidecar(path)
    first.put(nth(0))
    second.put(nth(1))
    first.put(nth(2))
    assert read([path]).samples[URL] == (nth(0), nth(2))
    first.close()
    second.close()


def test_a_line_that_broke_off_spoils_no_other(path: Path) -> None:
    path.write_bytes(b'{"ts":"2026-11-23T12:00:00Z","url":"x","wai')
    Sidecar(path).put(nth(1))
    assert read([path]).samples == {URL: (nth(1),)}


def test_a_link_is_replaced_and_its_target_untouched(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    path.symlink_to(target)
    Sidecar(path).put(nth(0))
    assert target.read_text() == "mine"
    assert not path.is_symlink()


def test_no_regular_file_is_written_or_read(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="regular file"):
        Sidecar(path).put(nth(0))
    assert read([path, path.with_name("none")]).samples == NO_METRICS.samples
    path.unlink()
    path.mkdir()
    assert read([path]).samples == {}


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\x00",
        b"[]",
        b"{}",
        b"null",
        b'{"ts": 5, "url": "u"}',
        b'{"ts": "2026-11-23T12:00:00", "url": "u"}',
        b'{"ts": "0001-01-01T00:00:00+14:00", "url": "u"}',
        b'{"ts": "9999-12-31T23:59:59Z", "url": "u"}',
        b'{"ts": "2026-11-23T12:00:00Z", "url": "u", "waiting": 1e400}',
        b'{"ts": "2026-11-23T12:00:00Z", "url": ["u"]}',
        b'{"ts": "2026-11-23T12:00:00Z", "url": "u", "kind": 3}',
        b"[" * 5_000,
    ],
)
def test_a_line_that_is_no_sample_is_left_out(path: Path, line: bytes) -> None:
    path.write_bytes(line + b"\n\n")
    assert read([path]).samples == {}


def test_values_that_are_no_quantities_are_unknown(path: Path) -> None:
    path.write_bytes(
        b'{"ts":"2026-11-23T12:00:00Z","url":"u","waiting":-1,"running":true,"kv_cache":"x",'
        b'"tokens_per_sec":null,"preemptions":3,"ttft_p50_ms":1e308,"more":1}\n'
    )
    ((found,),) = read([path]).samples.values()
    assert found == Sample(NOON, "u", preemptions=3.0)
