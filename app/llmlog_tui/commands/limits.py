"""What is left of each rate limit, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from llmlog_tui import units
from llmlog_tui.analysis.headroom import Headroom
from llmlog_tui.commands.shown import table

_SHOWN: Final = 10
_NUMBERS: Final = ("left", "of", "share", "a second", "429 in")


def as_objects(limits: Sequence[Headroom]) -> list[dict[str, Any]]:
    """As `alerts --json` has them, the shortest first."""
    return [
        {
            "provider": limit.provider,
            "model": limit.model,
            "kind": limit.kind,
            "limit": limit.limit,
            "remaining": limit.remaining,
            "share": limit.share,
            "burn_per_s": limit.burn_per_s,
            "seconds_left": limit.seconds_left,
            "ts": units.rfc3339(limit.ts),
        }
        for limit in limits
    ]


def as_text(limits: Sequence[Headroom]) -> Iterator[str]:
    """A table of the shortest, with how fast each goes and when it is gone; nothing without any."""
    if not limits:
        return
    yield ""
    titles = ("rate limit", "provider", "model", *_NUMBERS)
    yield from table(titles, map(_cells, limits[:_SHOWN]), right=_NUMBERS)
    if len(limits) > _SHOWN:
        yield f"and {len(limits) - _SHOWN:,} more, of which more is left"


def _cells(limit: Headroom) -> list[str | None]:
    burn, seconds = limit.burn_per_s, limit.seconds_left
    return [
        limit.kind,
        limit.provider,
        limit.model,
        units.count(limit.remaining),
        units.count(limit.limit),
        units.percent(limit.share),
        None if burn is None else units.rate(burn),
        None if seconds is None else units.duration(seconds * 1_000),
    ]
