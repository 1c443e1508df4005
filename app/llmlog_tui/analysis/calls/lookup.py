"""Look up records by an id, complete or its first characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from llmlog_tui.analysis.calls.calls import FAILED
from llmlog_tui.errors import UserError
from llmlog_tui.log.schema import ALL_IDS, MIN_ID_PREFIX
from llmlog_tui.log.starts import RunningStep


class NoIdError(UserError):
    """An id without a match, or with several; the message is one line."""


@dataclass(frozen=True)
class IdMatch:
    """A way to compare ids with `wanted`: whole or by prefix, with or without case."""

    wanted: str
    is_prefix: bool
    is_caseless: bool

    def expr(self, id_: pl.Expr) -> pl.Expr:
        """Return whether each value of a column is the wanted id."""
        if not (self.is_prefix or self.is_caseless):
            return id_ == self.wanted  # of categoricals, too
        text = id_.cast(pl.String)
        text = text.str.to_lowercase() if self.is_caseless else text
        return text.str.starts_with(self._text) if self.is_prefix else text == self._text

    def matches(self, id_: str) -> bool:
        """Return whether one id is the wanted one."""
        text = id_.lower() if self.is_caseless else id_
        return text.startswith(self._text) if self.is_prefix else text == self._text

    @property
    def _text(self) -> str:
        return self.wanted.lower() if self.is_caseless else self.wanted


def matches_of(wanted: str) -> Iterator[IdMatch]:
    """Yield the ways to compare ids, the best first: as written, then in any case."""
    for is_caseless in (False, True):
        yield IdMatch(wanted, is_prefix=False, is_caseless=is_caseless)
        if len(wanted) >= MIN_ID_PREFIX:
            yield IdMatch(wanted, is_prefix=True, is_caseless=is_caseless)


def find_by_id(
    frame: pl.DataFrame, wanted: str, begun: Sequence[RunningStep] = ()
) -> tuple[pl.DataFrame, tuple[RunningStep, ...]]:
    """Return the records and steps of `begun` with this id, by the first of matches_of().

    `begun` are the steps without a record. Raises NoIdError if there are none.
    """
    _check(wanted)
    for match in matches_of(wanted):
        found = frame.filter(pl.any_horizontal(match.expr(pl.col(name)) for name in ALL_IDS))
        steps = tuple(step for step in begun if any(map(match.matches, step.ids)))
        if found.height or steps:
            return found, steps
    raise NoIdError(f"no {', '.join(ALL_IDS[:-1])} or {ALL_IDS[-1]} {_wish(wanted)}")


def resolve_id(
    frame: pl.DataFrame, name: str, wanted: str, begun: Iterable[str | None] = ()
) -> str:
    """Return the id in column `name` that `wanted` equals, or uniquely abbreviates.

    `begun` are further ids, of steps without a record. Raises NoIdError, whose message lists the
    ids.
    """
    _check(wanted)
    ids = pl.concat([frame[name].cast(pl.String), pl.Series(name, list(begun), pl.String)])
    ids = ids.drop_nulls().unique(maintain_order=True)
    for match in matches_of(wanted):
        found = ids.to_frame(name).filter(match.expr(pl.col(name)))[name]
        if len(found) == 1:
            return str(found[0])
        if len(found):
            how = "begins" if match.is_prefix else "is, in another case,"
            raise NoIdError(f"'{wanted}' {how} {len(found):,} {name}s: {_some(found)}")
    known = f"there are {_some(ids)}" if len(ids) else "there are none at all"
    raise NoIdError(f"no {name} {_wish(wanted)}; {known}")


LATEST: Final = "latest"
"""Word for the trace of the newest record, or of a step begun since."""

FAILED_WORD: Final = "failed"
"""Word for the newest trace that failed, or has a step without an end."""


def given_ids(*wanted: str) -> list[str]:
    """Return the ids among what resolve_trace() takes."""
    return [each for each in wanted if each not in {LATEST, FAILED_WORD}]


def resolve_trace(
    frame: pl.DataFrame,
    wanted: str,
    begun: Sequence[RunningStep] = (),
    now: datetime | None = None,
) -> str:
    """Return the trace_id that `wanted` equals or uniquely abbreviates; or LATEST, FAILED_WORD.

    `begun` are the steps without a record, which either word takes into account. Raises NoIdError.
    """
    if wanted not in {LATEST, FAILED_WORD}:
        return resolve_id(frame, "trace_id", wanted, [step.trace_id for step in begun])
    if wanted == FAILED_WORD:
        now = now or datetime.now(UTC)
        gone = [step for step in begun if step.is_gone(now)]
        found = _newest_trace(frame.filter(FAILED), gone)
        more = f"; {len(begun):,} begun and not ended: see {LATEST}" if begun else ""
        why = f"no run failed{more}"
    else:
        found, why = _newest_trace(frame, begun), "no record has a trace_id"
    if found is None:
        raise NoIdError(why)
    return found


def _newest_trace(frame: pl.DataFrame, begun: Sequence[RunningStep]) -> str | None:
    """Return the trace of the last record, or of a step begun since its end."""
    timed = [(step.ts, step.trace_id) for step in begun if step.ts and step.trace_id]
    since, newest = max(timed, default=(None, None))
    last = frame.filter(pl.col("trace_id").is_not_null()).tail(1)
    if not last.height:
        return newest
    ts, latency_ms, trace_id = last.select("ts", "latency_ms", "trace_id").row(0)
    is_later = since and ts and (since - ts).total_seconds() * 1_000 > (latency_ms or 0)
    return newest if is_later else str(trace_id)


def _check(wanted: str) -> None:
    if not wanted:
        raise NoIdError("an empty id: is a variable empty?")


def _wish(wanted: str) -> str:
    if len(wanted) >= MIN_ID_PREFIX:
        return f"is or begins with '{wanted}'"
    return f"is '{wanted}' (give {MIN_ID_PREFIX} characters or more of a longer one)"


_SHOWN: Final = 3


def _some(ids: pl.Series) -> str:
    shown = ", ".join(str(each) for each in ids.tail(_SHOWN))
    return shown if len(ids) <= _SHOWN else f"{len(ids):,}, the last {shown}"
