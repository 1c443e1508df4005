"""Inserts of lines: a broken connection neither loses a line nor inserts one twice."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from llmlog_tui.clickhouse.client import Client, Limits
from llmlog_tui.clickhouse.errors import ClickHouseError, ServerGoneError
from llmlog_tui.clickhouse.url import Login, TableUrl
from llmlog_tui.formats.json_text import replace_lone_surrogates
from llmlog_tui.shipping.schema import LINE

Pause = Callable[[float], object]
"""Function that waits for this number of seconds."""

_PAUSES_S: Final = (0.5, 1, 2, 4, 8, 15, 15, 15)
"""Seconds before each repetition of an insert: time for a server to restart."""

_BUSY: Final = frozenset({202, 209, 241, 242, 252, 319, 425})
"""Codes of a server that is too busy, and may take the same insert later."""

_INSERT_SECONDS: Final = 300
_SETTINGS: Final[dict[str, str]] = {
    # The token has to reach the table behind the view; an asynchronous insert has none.
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "insert_deduplicate": "1",
    "async_insert": "0",
    "materialized_views_ignore_errors": "0",
    # The lines of an old log may be of more months than the hundred that are usual.
    "max_partitions_per_insert_block": "0",
}


class Shipper:
    """Sends lines to a table of lines (see shipping.schema), batch by batch, from one thread.

    Each batch has a token, the same whenever it is sent: a table that remembers its last inserts
    takes it once, be it that the answer was lost or that the whole export is run again.
    """

    def __init__(self, url: TableUrl, login: Login, pause: Pause = time.sleep) -> None:
        self.url = url
        self._client = Client(url, login, Limits(seconds=_INSERT_SECONDS), settings={})
        self._pause = pause

    def check(self) -> None:
        """Raise ClickHouseError unless the table is there, and one for lines."""
        engines = self._client.frame(
            "SELECT engine FROM system.tables WHERE database = {database:String}"
            " AND name = {table:String}",
            {"database": self.url.database, "table": self.url.table},
        )["engine"].to_list()
        if not engines:
            raise ClickHouseError(
                f"{self.url.server}: no table {self.url.name}; llmlog schema clickhouse has its DDL"
            )
        if engines != ["Null"]:
            raise ClickHouseError(
                f"{self.url.name} keeps its rows; lines go to the table lines of its database"
            )

    def remembers_inserts(self) -> bool:
        """Return whether a table of the database takes a repeated batch once.

        True if the user may see none of them: a shipper needs no rights to the records.
        """
        tables = self._client.frame(
            "SELECT engine, engine_full FROM system.tables WHERE database = {database:String}"
            " AND engine LIKE '%MergeTree'",
            {"database": self.url.database},
        )
        return not tables.height or any(
            engine.startswith(("Replicated", "Shared")) or "deduplication_window" in full
            for engine, full in tables.iter_rows()
        )

    def send(self, lines: Sequence[bytes], place: int) -> None:
        """Insert lines, again and again while the server is away.

        `place` is where they begin in their log: equal lines at another place are not the same.
        Raises ClickHouseError once it was away for a minute, or for an insert that it refuses.
        """
        # ClickHouse drops a line with half a surrogate pair.
        body = b"".join(replace_lone_surrogates(line) + b"\n" for line in lines)
        token = hashlib.sha256(b"%d\n%b" % (place, body)).hexdigest()
        for pause in _PAUSES_S:
            try:
                self._insert(body, token)
            except ClickHouseError as error:
                if not isinstance(error, ServerGoneError) and error.code not in _BUSY:
                    raise
            else:
                return
            self._pause(pause)
        self._insert(body, token)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _insert(self, body: bytes, token: str) -> None:
        settings = {**_SETTINGS, "insert_deduplication_token": token}
        self._client.insert(self.url.quoted, LINE, body, "LineAsString", settings)
