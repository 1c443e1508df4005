"""Remaining rate limits, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from llmlog_tui import humanize
from llmlog_tui.analysis.alerts.rate_limit import LimitStatus
from llmlog_tui.commands.text_tables import table

_SHOWN: Final = 10
_NUMBERS: Final = ("left", "of", "share", "a second", "429 in")


def as_objects(limits: Sequence[LimitStatus]) -> list[dict[str, Any]]:
    """Return the limits for `alerts --json`, in their order."""
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
            "ts": humanize.rfc3339(limit.ts),
        }
        for limit in limits
    ]


def as_text(limits: Sequence[LimitStatus]) -> Iterator[str]:
    """Yield a table of the lowest limits, with burn rate and time left."""
    if not limits:
        return
    yield ""
    titles = ("rate limit", "provider", "model", *_NUMBERS)
    yield from table(titles, map(_cells, limits[:_SHOWN]), right=_NUMBERS)
    if len(limits) > _SHOWN:
        yield f"and {len(limits) - _SHOWN:,} others with more left"


def _cells(limit: LimitStatus) -> list[str | None]:
    burn, seconds = limit.burn_per_s, limit.seconds_left
    return [
        limit.kind,
        limit.provider,
        limit.model,
        humanize.count(limit.remaining),
        humanize.count(limit.limit),
        humanize.percent(limit.share),
        None if burn is None else humanize.rate(burn),
        None if seconds is None else humanize.duration(seconds * 1_000),
    ]
