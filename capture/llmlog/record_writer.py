"""Writer of finished records, for programs that receive them from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from llmlog._content import Content, ContentPolicy
from llmlog._guard import Guard
from llmlog._writer import open_writer
from llmlog.record import EVENTS, dump, to_line

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["ContentPolicy", "RecordWriter"]


class RecordWriter:
    """Appends records as a session does: its content policy, one write a record."""

    def __init__(self, path: str | os.PathLike[str], content: ContentPolicy = "none") -> None:
        self._content = Content(content, (), Guard())
        self._writer = open_writer(path)

    @property
    def keeps_content(self) -> bool:
        """Whether the policy writes input, output and error texts."""
        return self._content.keeps_content

    def line(self, fields: Mapping[str, object]) -> bytes:
        """Return the line of a record, its content as the policy has it."""
        record = dict(fields)
        if (messages := record.get("input")) is not None:
            record["prefix_hashes"] = self._content.prefix_hashes(messages)
        record = self._content.apply(record)
        # Fields of an event that is none of llmlog's are not known.
        return to_line(record) if cast("str", record["event"]) in EVENTS else dump(record)

    def write(self, line: bytes) -> None:
        """Append a line; raises OSError."""
        self._writer.write(line)
