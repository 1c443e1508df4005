"""Serve the dashboard to browsers of this machine that know the token.

Each viewer has a dashboard of its own: a process of `llmlog-tui` with the same arguments.
"""

from __future__ import annotations

import logging
import os
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from textual_serve.server import Server

from llmlog_tui.errors import UserError, reason
from llmlog_tui.web import VIEWER
from llmlog_tui.web.page import POLICY, page

_HOST: Final = "127.0.0.1"
_SOCKET: Final = "/ws"
_MAX_VIEWERS: Final = 8
_MAX_CELLS: Final = 1_000
"""Maximum columns and rows of a viewer's terminal."""
_TOKEN_BYTES: Final = 24
_PROGRAM: Final = "import sys; from llmlog_tui.cli import dashboard; sys.exit(dashboard())"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebError(UserError):
    """The port cannot be listened on; the message is one line."""


class DashboardServer(Server):
    """Answers requests to /TOKEN/ of this machine alone; all others get 403."""

    def __init__(self, command: str, title: str, port: int, token: str) -> None:
        super().__init__(command, host=_HOST, port=port, title=title)
        self._token = token
        self._viewers = 0
        self._hosts = {f"{name}:{port}" for name in (_HOST, "localhost")}

    async def make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._only_allowed])
        root = f"/{self._token}"
        app.add_routes(
            [
                web.get(f"{root}/", self.handle_index),
                web.get(f"{root}{_SOCKET}", self.handle_websocket),
                web.static(f"{root}/static", self.statics_path),
            ]
        )
        return app

    @web.middleware
    async def _only_allowed(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other hosts' pages, rebound names, and requests without the token."""
        token = request.path.split("/", 2)[1].encode(errors="replace")
        if (
            request.host not in self._hosts
            or not self._is_from_here(request)
            or not secrets.compare_digest(token, self._token.encode())
        ):
            raise web.HTTPForbidden(text="403: open the URL that llmlog-tui printed\n")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(self._headers())
        return response

    def _is_from_here(self, request: web.Request) -> bool:
        """Return whether no other site's page sends a request; a socket must name its page."""
        origin = request.headers.get("Origin")
        if origin is None:
            return not request.path.endswith(_SOCKET)
        return origin.removeprefix("http://") in self._hosts

    def _headers(self) -> dict[str, str]:
        sockets = " ".join(f"ws://{host}" for host in sorted(self._hosts))
        return {
            "Content-Security-Policy": POLICY.format(websocket=sockets),
            "Referrer-Policy": "no-referrer",  # the URL has the token
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }

    async def handle_index(self, request: web.Request) -> web.Response:
        websocket = f"ws://{request.host}/{self._token}{_SOCKET}"
        return web.Response(text=page(self.title, websocket), content_type="text/html")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a dashboard for one viewer, until either ends."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise web.HTTPBadRequest(text="not a WebSocket\n")
        for side in ("width", "height"):
            text = request.query.get(side, "80")
            if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MAX_CELLS):
                raise web.HTTPBadRequest(text=f"{side}: not a number of cells\n")
        if self._viewers >= _MAX_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"at most {_MAX_VIEWERS} viewers\n")
        self._viewers += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._viewers -= 1


def serve(
    arguments: Sequence[str], title: str, port: int, announce: Callable[[str], object]
) -> None:
    """Serve dashboards with these arguments until Ctrl-C; raises WebError.

    `announce` is called with the URL; port 0 is any free one.
    """
    logging.getLogger("textual-serve").addHandler(logging.NullHandler())
    os.environ[VIEWER] = "1"
    command = shlex.join([sys.executable, "-c", _PROGRAM, *arguments])
    with _listening(port) as listening:
        token, port = secrets.token_urlsafe(_TOKEN_BYTES), listening.getsockname()[1]
        server = DashboardServer(command, title, port, token)
        announce(f"http://{_HOST}:{port}/{token}/")
        web.run_app(server.make_app(), sock=listening, print=None, access_log=None)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise WebError(f"port {port}: {reason(error)}") from None
