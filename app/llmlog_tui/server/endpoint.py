"""Address of a metrics endpoint, and which host it is."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from llmlog_tui.errors import UserError


class EndpointError(UserError):
    """A text that is no address of an endpoint; the message is one line."""


@dataclass(frozen=True)
class Endpoint:
    """An address to poll: `url` is shown and kept, and has no credentials."""

    url: str
    host: str
    port: int | None
    path: str
    is_tls: bool
    authorization: str = ""

    @classmethod
    def of(cls, text: str) -> Endpoint:
        """Return the endpoint of `http://host:port/path`; raises EndpointError.

        Without a scheme it is http, without a path `/metrics`.
        """
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise EndpointError(f"{text}: {error}") from None
        is_plain = text.isascii() and text.isprintable() and " " not in text
        if parts.scheme not in {"http", "https"} or not host or not is_plain:
            raise EndpointError(f"{text}: not a URL such as http://127.0.0.1:8000/metrics")
        path = (parts.path or "/metrics") + (f"?{parts.query}" if parts.query else "")
        shown_host = f"[{host}]" if ":" in host else host
        shown = f"{parts.scheme}://{shown_host}{f':{port}' if port else ''}{path}"
        authorization = ""
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return cls(shown, host, port, path, parts.scheme == "https", authorization)


def host_of(url: str) -> str:
    """Return the host of a URL, as in a record's provider; empty without one."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_local(host: str) -> bool:
    """Return whether a host is on this machine or its network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))
    return address.is_private or address.is_loopback
