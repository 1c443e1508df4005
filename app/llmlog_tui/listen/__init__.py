"""Receiver of OTLP over HTTP: an instrumented program's spans and log records.

They are written to a log.
"""

from typing import TYPE_CHECKING

from llmlog_tui.lazy import lazy_submodules

if TYPE_CHECKING:
    from llmlog_tui.listen import receiver as receiver

__getattr__ = lazy_submodules(__name__, "receiver")
