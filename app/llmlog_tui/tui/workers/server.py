"""Servers' metrics: those kept beside the logs, then those of the servers that are polled."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from llmlog_tui import tui
from llmlog_tui.log.sources import STDIN, Sources, make_folder_beside, metrics_of
from llmlog_tui.tui import workers

if TYPE_CHECKING:
    from llmlog_tui.server.endpoint import Endpoint
    from llmlog_tui.server.poller import Poller
    from llmlog_tui.tui.messages import Post

TASK: Final = "Server metrics"


class ServerWorker:
    """Posts ServerPolled if there are samples beside the logs, and after each poll.

    With `keep`, new samples are added to the file beside the first log.
    """

    def __init__(
        self,
        files: Sequence[Path] | Sources,
        post: Post,
        endpoints: Sequence[Endpoint] = (),
        *,
        keep: bool = True,
    ) -> None:
        self._files = files
        self._post = post
        self._endpoints = endpoints
        self._keep = keep
        self._poller: Poller | None = None
        self._is_stopped = False
        self._lock = Lock()

    def run(self) -> None:
        """Read the samples that were kept, then start polling in other threads."""
        files = self._files.files() if isinstance(self._files, Sources) else self._files
        paths = list(dict.fromkeys(metrics_of(path) for path in files if path != STDIN))
        metrics = workers.sidecar.read(paths)
        if metrics.samples:
            self._post(tui.messages.ServerPolled(metrics))
        if not self._endpoints:
            return
        if paths and self._keep:
            with contextlib.suppress(OSError):  # the reason is shown when it is written to
                make_folder_beside(next(path for path in files if path != STDIN))
        kept = workers.sidecar.Sidecar(paths[0]) if paths and self._keep else None
        polling = workers.polling.Poller(
            self._endpoints, metrics, lambda each: self._post(tui.messages.ServerPolled(each)), kept
        )
        with self._lock:
            if not self._is_stopped:
                self._poller = polling
                polling.start()

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._poller is not None:
                self._poller.stop()
