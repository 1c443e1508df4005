"""Metrics of inference servers: polled from Prometheus endpoints, kept beside the log."""

from typing import TYPE_CHECKING

from llmlog_tui.lazy import lazy_submodules

if TYPE_CHECKING:
    from llmlog_tui.server import endpoint as endpoint
    from llmlog_tui.server import metrics as metrics

__getattr__ = lazy_submodules(__name__, "endpoint", "metrics")
