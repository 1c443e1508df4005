"""The dashboard in a browser: for this machine and whoever has the token, and nothing else."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from tests.commands.conftest import is_refused
from tests.commands.test_base_install import base_install
from tests.web.conftest import CHROMIUM, chromium, plain, wait_until

from llmlog_tui.web import server
from llmlog_tui.web.page import page

FORBIDDEN: Final = 403


@pytest.fixture
def trace(sample: Path) -> str:
    """The first characters of the newest trace of the sample, as a view shows them."""
    return str(json.loads(sample.read_bytes().splitlines()[-1])["trace_id"])[:8]


class Viewer:
    """A viewer's socket, and what came through it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.painted = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                self.painted += message.data.decode(errors="replace")

    async def press(self, keys: str) -> None:
        await self._socket.send_json(["stdin", keys])

    async def shows(self, text: str) -> None:
        await wait_until(lambda: text in plain(self.painted), text)

    async def end(self) -> None:
        await self._socket.close()
        await self._reading


async def test_each_viewer_has_a_dashboard_of_its_own(served: str, trace: str) -> None:
    origin = f"http://{urlsplit(served).netloc}"
    async with aiohttp.ClientSession(headers={"Origin": origin}) as session:
        sockets = [
            await session.ws_connect(f"{served}ws?width=160&height=50", max_msg_size=0)
            for _ in range(2)
        ]
        one, other = (Viewer(socket) for socket in sockets)
        await one.shows(trace)
        await other.shows(trace)
        await one.press("5")
        await one.shows("Ctrl-R")
        assert "Ctrl-R" not in plain(other.painted)
        await one.end()
        await other.press("2")
        await other.shows("newest last")
        await other.end()


async def test_whoever_is_not_this_machine_or_has_no_token_gets_403(served: str) -> None:
    parts = urlsplit(served)
    at = f"http://{parts.netloc}"
    refused = [
        (f"{at}/", {}),
        (f"{at}/wrong/", {}),
        (f"{at}//", {}),
        (served[:-2] + "/", {}),
        (f"{at}/static/js/textual.js", {}),
        (served, {"Host": "evil.example"}),
        (served, {"Host": f"evil.example:{parts.port}"}),
        (served, {"Origin": "http://evil.example"}),
        (served, {"Origin": f"https://{parts.netloc}"}),
        (served, {"Origin": "null"}),
        (f"{served}ws", {}),
        (f"{served}ws", {"Origin": "http://evil.example"}),
        (f"{served}static/", {}),
    ]
    async with aiohttp.ClientSession() as session:
        for url, headers in refused:
            async with session.get(url, headers=headers) as answer:
                assert answer.status == FORBIDDEN, (url, headers)
        for url, status in ((f"{served}ws", 400), (f"{served}static/../../x", 403)):
            async with session.get(url, headers={"Origin": at}) as answer:
                assert answer.status == status
        for size in ("width=1001", "width=x", "height=0", "height=-1"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"{served}ws?{size}", headers={"Origin": at})
            assert caught.value.status == 400


async def test_the_page_names_no_other_server(served: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(served) as answer:
        text, headers = await answer.text(), answer.headers
    assert "http" not in text.replace(f"ws://{urlsplit(served).netloc}", "")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_the_number_of_viewers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MAX_VIEWERS", 0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        dashboards = server.DashboardServer("false", "t", listening.getsockname()[1], "token")
        runner = web.AppRunner(await dashboards.make_app())
        await runner.setup()
        await web.SockSite(runner, listening).start()
        async with aiohttp.ClientSession(headers={"Origin": f"http://{address}"}) as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"http://{address}/token/ws")
        await runner.cleanup()
    assert caught.value.status == 503


def test_a_title_is_no_markup() -> None:
    assert "<script>x" not in page("<script>x", 'ws://"><script>x')


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
async def test_a_browser_shows_the_log_and_takes_keys_and_clicks(
    served: str, trace: str, tmp_path: Path
) -> None:
    async with chromium(tmp_path / "profile") as browser:
        await browser.open(served)
        await wait_until(lambda: trace in plain(browser.painted), "a trace of the sample")
        assert await browser.evaluate("document.body.classList.contains('-first-byte')")
        assert await browser.evaluate("document.fonts.check('14px \"Roboto Mono\"')")
        await browser.press("2")
        await wait_until(lambda: "newest last" in plain(browser.painted), "the calls")

        row = plain(browser.painted[browser.painted.rindex("\x1b[1;1H") :].partition("\x1b[2;")[0])
        query = parse_qs(urlsplit(browser.sockets[0]).query)
        columns = int(query["width"][0])
        width = await browser.evaluate(
            "document.querySelector('.xterm-screen').getBoundingClientRect().width"
        )
        await browser.click((row.index("5 SQL") + 1) * width / columns, 5)
        await wait_until(lambda: "Ctrl-R" in plain(browser.painted), "the SQL view")
        netloc = urlsplit(served).netloc
        asked = [url for url in browser.requested if not url.startswith(("data:", "about:"))]
        assert {urlsplit(url).netloc for url in asked} == {netloc}
        assert [urlsplit(url).netloc for url in browser.sockets] == [netloc]
        assert any(url.endswith(".ttf") for url in asked)


# -- the command line


def test_without_the_extra_one_line_names_it(sample: Path) -> None:
    done = base_install("dashboard", {"textual_serve", "aiohttp"}, str(sample), "--web")
    assert is_refused(done, "llmlog-tui --web needs", "pip install 'llmlog[web]'")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["-", "--web"], "standard input can be read once only"),
        (["calls.jsonl", "--web", "0", "--listen"], "cannot --listen, too"),
        (["none.jsonl", "--web", "0", "--no-follow"], "none.jsonl: no such file"),
        (["none/none.jsonl", "--web", "0"], "there is no folder none"),
        (["none.jsonl", "--web", "70000"], "70000: not a port"),
        (["sample_logs/calls.jsonl", "--web", "0", "--where", "("], "--where: "),
    ],
)
def test_what_cannot_be_served_is_one_line(arguments: list[str], why: str) -> None:
    assert is_refused(base_install("dashboard", set(), *arguments), why)


def test_a_log_that_does_not_exist_yet_is_waited_for_as_in_a_terminal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = base_install("dashboard", set(), "none.jsonl", "--web", port)
    assert is_refused(done, f"port {port}: Address already in use"), "the log is no reason"


def test_a_port_in_use_is_one_line(sample: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = base_install("dashboard", set(), str(sample), "--web", port)
    assert is_refused(done, f"port {port}: Address already in use")
