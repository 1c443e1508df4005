"""The Server view, beside a real exporter: its queue explains slow calls, live and later."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import Exporter, Serve, ok, serve
from tests.tui.conftest import SMALL, WIDE, Shown, Until, lines_of, record, text_of, top_row
from textual.pilot import Pilot

from llmlog_tui.server import poller
from llmlog_tui.server.endpoint import Endpoint
from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.overview import OverviewScreen
from llmlog_tui.tui.screens.server import ServerScreen
from llmlog_tui.tui.widgets.footer import KeyFooter

__all__ = ["serve"]

HOSTILE = 'evil{a="\\x1b[31m[red]x[/]\x1b[2J\u202e"} 1\nvllm_like 2\n'


@pytest.fixture(autouse=True)
def _polled_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "POLL_S", 0.2)


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter() as running:
        yield running


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Twenty quick calls to this machine, a slow one to it, and a slow one to another host."""
    now = datetime.now(UTC)
    quick: dict[str, Any] = {"provider": "127.0.0.1", "stream": True, "ttft_ms": 50}
    slow = {**quick, "latency_ms": 4_000, "ttft_ms": 3_500}
    calls = [quick] * 20 + [slow, {**slow, "provider": "api.openai.com"}]
    path = tmp_path / "calls.jsonl"
    lines = (
        record(ts=(now + timedelta(milliseconds=n)).isoformat(), step=n, **call)
        for n, call in enumerate(calls)
    )
    path.write_bytes(b"".join(lines))
    return path


async def opened(pilot: Pilot[str], until: Until) -> ServerScreen:
    await pilot.press("6")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, ServerScreen), "the view")
    assert isinstance(app.screen, ServerScreen)
    return app.screen


def status(screen: ServerScreen) -> str:
    return str(screen.status.render())


def charts(screen: ServerScreen) -> list[str]:
    return [str(chart.render()) for chart in screen.charts if chart.display]


async def test_a_queue_is_drawn_explains_a_slow_call_and_is_there_when_the_log_is_opened_again(
    log: Path, exporter: Exporter, shown: Shown, until: Until
) -> None:
    exporter(running=8, waiting=11, kv_cache=0.97)
    async with LogApp([log], metrics=[Endpoint.of(exporter.url)]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 22)
        await until(pilot, lambda: len(app.server.samples.get(exporter.url, ())) > 2, "samples")
        assert "6 Server" in top_row(app)
        screen = await opened(pilot, until)
        await until(pilot, lambda: "waiting 11 ▲" in status(screen), "the queue")
        assert "vLLM" in status(screen)
        assert "running 8" in status(screen)
        assert "KV cache 97% ▲" in status(screen)
        requests, cache, calls, waits, speed = charts(screen)
        assert "20 ┤" in requests
        assert "█" in requests
        assert "100% ┤" in cache
        assert "× slow" in calls
        assert ("Waits ms" in waits, "Throughput" in speed) == (True, True)
        await pilot.press("l", "enter")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen), "the slowest call")
        await look_at_calls(pilot, until)
        await pilot.press("6")
        exporter.stop()
        await until(pilot, lambda: "✗ connection refused" in status(screen), "that it is down")
        assert "waiting 11" in status(screen)  # the last that is known
    sidecar = log.with_name("calls.jsonl.metrics")
    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o600

    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 22)
        await until(pilot, lambda: bool(app.server.samples), "the samples that were kept")
        screen = await opened(pilot, until)
        await until(pilot, lambda: "not polled now" in status(screen), "that they are old")
        await look_at_calls(pilot, until)


async def look_at_calls(pilot: Pilot[str], until: Until) -> None:
    """Look at the two slow calls: one waited in the queue, one went to another host."""
    await pilot.press("2", "end")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, CallsScreen), "the calls")
    screen = app.screen
    assert isinstance(screen, CallsScreen)

    def explained() -> list[str]:
        return [line for line in lines_of(screen.calls) if "4,000" in line]

    await until(pilot, lambda: "server queue, 11 waiting" in "".join(explained()), "the reason")
    assert "slow first token, 3.5 s" in explained()[-1]
    await pilot.press("k", "enter")
    await until(pilot, lambda: "server load" in text_of(screen.drawer), "what the server did")
    assert "11 waiting, 8 running, cache 97%" in text_of(screen.drawer)
    await pilot.press("enter")


async def test_without_the_option_nothing_is_polled_and_the_view_names_it(
    log: Path, shown: Shown, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "fetch", pytest.fail)
    async with LogApp([log]).run_test(size=SMALL) as pilot:
        app = await shown(pilot, 22)
        screen = await opened(pilot, until)
        command = "llmlog-tui calls.jsonl --metrics-url http://127.0.0.1:8000/metrics"
        await until(pilot, lambda: f"  {command}" in text_of(screen.values).splitlines(), "how to")
        assert "No server metrics." in status(screen)
        assert charts(screen) == []
        assert "6 Server" in top_row(app)
        footer = str(screen.query_one(KeyFooter).render())
        assert "find" in footer
        for key in ("cursor", "zoom", "earlier", "next server", "values", "its call", "pane"):
            assert key not in footer, "it lists no key that does nothing"
    assert not log.with_name("calls.jsonl.metrics").exists()


async def test_servers_that_are_down_unknown_or_hostile_are_shown_on_a_small_screen(
    log: Path, exporter: Exporter, serve: Serve, shown: Shown, until: Until
) -> None:
    exporter(running=3)
    urls = [
        exporter.url,
        serve(ok(HOSTILE.encode())),
        serve(ok(b"<html>")),
        "http://127.0.0.1:1/metrics",
    ]
    endpoints = [Endpoint.of(url) for url in urls]
    app = LogApp([log], metrics=endpoints, keep_metrics=False)
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, 22)
        screen = await opened(pilot, until)
        await until(pilot, lambda: "run 3" in status(screen), "the first server")
        assert len(charts(screen)) == 3
        await pilot.press("v")
        assert "Waits" in charts(screen)[0]
        assert "no values in this time" in charts(screen)[0], "why it is empty"
        await pilot.press("v")
        await until(pilot, lambda: "vllm:num_requests_running" in text_of(screen.values), "values")
        await pilot.press("M")
        await until(pilot, lambda: "evil" in text_of(screen.values), "an unknown server's values")
        assert "\x1b" not in text_of(screen.values)
        assert "[red]x" in text_of(screen.values)
        await pilot.press("M")
        await until(pilot, lambda: "not Prometheus" in status(screen), "no metrics at all")
        await pilot.press("M")
        await until(pilot, lambda: "connection refused" in status(screen), "nobody there")
        await pilot.press("M")
        await until(pilot, lambda: "1 of 4" in status(screen), "the first one again")
        await pilot.press("i")
        await until(pilot, lambda: not app.busy, "half of the time")
        await pilot.press("H", "L", "h", "o", "0")
        for size in ((40, 10), (12, 5), (3, 2), (1, 1), WIDE):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: not app.busy, "the view of any size")
        assert len(charts(screen)) == 5
    assert not log.with_name("calls.jsonl.metrics").exists()
