"""All log formats, imported on first use: llmlog's own records need none of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from llmlog_tui import formats
from llmlog_tui.formats import Format


class _AllFormats(Collection[Format]):
    """The formats of the registry, in order of detection."""

    def __iter__(self) -> Iterator[Format]:
        return iter(formats.registry.FORMATS)

    def __len__(self) -> int:
        return len(formats.registry.FORMATS)

    def __contains__(self, item: object) -> bool:
        return item in formats.registry.FORMATS


ALL_FORMATS: Final = _AllFormats()
