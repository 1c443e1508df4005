"""What a server did while a call ran, as text."""

from __future__ import annotations

from llmlog_tui import humanize
from llmlog_tui.server.metrics import ServerMoment


def server_load(server: ServerMoment | None) -> str:
    """Return `11 waiting, 8 running, cache 97%, 2 preemptions`; empty if nothing is known."""
    if server is None:
        return ""
    preemptions = round(server.preemptions or 0)
    parts = (
        (server.waiting, f"{humanize.integer(server.waiting)} waiting"),
        (server.running, f"{humanize.integer(server.running)} running"),
        (server.kv_cache, f"cache {humanize.percent(server.kv_cache)}"),
        (preemptions or None, humanize.plural(preemptions, "preemption")),
        (server.queue_ms, f"queue {humanize.duration(server.queue_ms)}"),
    )
    return ", ".join(text for value, text in parts if value is not None)
