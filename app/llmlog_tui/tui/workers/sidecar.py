"""Samples of inference servers in the file beside a log."""

from llmlog_tui.server.sidecar import Sidecar, read

__all__ = ["Sidecar", "read"]
