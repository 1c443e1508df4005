"""Polling of inference servers; needs the extra `server`."""

from llmlog_tui.server.poller import Poller

__all__ = ["Poller"]
