"""A dashboard that is served, and a Chromium that looks at it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.commands.conftest import command

PATIENCE_SECONDS = 60.0
_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def served(sample: Path) -> Iterator[str]:
    """The URL at which the sample log is shown."""
    process = subprocess.Popen(
        command("dashboard", sample, "--web", "0", "--config", "/dev/null"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0


def plain(painted: str) -> str:
    """What was painted, without colours and positions."""
    return _CONTROL.sub("", painted)


async def wait_until(condition: Callable[[], Any], name: str) -> None:
    """Wait for a condition that messages make true, or fail with its name."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while not condition():
        assert loop.time() < deadline, f"never came true: {name}"
        await asyncio.sleep(0.01)


class Browser:
    """One page of a Chromium, driven by the DevTools protocol."""

    def __init__(self, devtools: aiohttp.ClientWebSocketResponse) -> None:
        self.painted = ""
        """What the dashboard has sent to the page."""
        self.requested: list[str] = []
        self.sockets: list[str] = []
        self._devtools = devtools
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._session: str | None = None
        self._numbers = itertools.count(1)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._devtools:
            event = json.loads(message.data)
            answer = self._answers.pop(event.get("id"), None)
            if answer is not None:
                answer.set_result(event)
            self._on_event(event.get("method"), event.get("params"))

    def _on_event(self, method: str | None, params: Any) -> None:  # noqa: ANN401 - JSON
        if method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.sockets.append(params["url"])
        elif method == "Network.webSocketFrameReceived":
            frame = params["response"]
            if frame["opcode"] == aiohttp.WSMsgType.BINARY:
                self.painted += base64.b64decode(frame["payloadData"]).decode(errors="replace")

    async def ask(self, method: str, **params: object) -> Any:  # noqa: ANN401 - JSON
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        await self._devtools.send_json(message)
        event = await asyncio.wait_for(answer, PATIENCE_SECONDS)
        assert "result" in event, event
        return event["result"]

    async def open(self, url: str) -> None:
        target = await self.ask("Target.createTarget", url="about:blank")
        attached = await self.ask(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        await self.ask("Network.enable")
        await self.ask("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - JSON
        found = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, text=key)

    async def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """Start a Chromium without a window, and a network of loopback names alone."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1400,900",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        address = ""
        while not address:
            assert process.stderr is not None
            line = (await process.stderr.readline()).decode()
            assert line, "Chromium ended"
            address = line.partition("DevTools listening on ")[2].strip()
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(address, max_msg_size=0) as devtools,
        ):
            browser = Browser(devtools)
            yield browser
            await browser.ask("Browser.close")
            await browser.close()
        await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
