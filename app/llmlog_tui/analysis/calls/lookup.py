"""Records by an id from a ticket, a screen or a log line: whole, or its first characters."""

from __future__ import annotations

from typing import Final

import polars as pl

IDS: Final = ("id", "request_id", "trace_id", "session_id")
"""The fields an id is looked for in."""

MIN_PREFIX: Final = 6
"""So many characters are enough to stand for a whole id."""


class NoIdError(Exception):
    """An id that stands for nothing in the log, or for too much; its text is one line."""


def find_by_id(frame: pl.DataFrame, wanted: str) -> pl.DataFrame:
    """The records with this id in one of IDS, in their order; without any, those it begins.

    Raises NoIdError if there are none.
    """
    _check(wanted)
    found = frame.filter(pl.any_horizontal(pl.col(name) == wanted for name in IDS))
    if not found.height and len(wanted) >= MIN_PREFIX:
        found = frame.filter(
            pl.any_horizontal(pl.col(name).cast(pl.String).str.starts_with(wanted) for name in IDS)
        )
    if not found.height:
        raise NoIdError(f"no {', '.join(IDS[:-1])} or {IDS[-1]} {_wish(wanted)}")
    return found


def resolve_id(frame: pl.DataFrame, name: str, wanted: str) -> str:
    """The id in column `name` that `wanted` is, or begins. Raises NoIdError if it is not just one.

    The text of the error says which ids there are.
    """
    _check(wanted)
    ids = frame[name].cast(pl.String).drop_nulls().unique(maintain_order=True)
    if ids.index_of(wanted) is not None:
        return wanted
    begun = ids.filter(ids.str.starts_with(wanted)) if len(wanted) >= MIN_PREFIX else ids.clear()
    if len(begun) == 1:
        return str(begun[0])
    if len(begun):
        raise NoIdError(f"{wanted} begins {len(begun):,} {name}s: {_some(begun)}")
    there = f"there are {_some(ids)}" if len(ids) else "there are none at all"
    raise NoIdError(f"no {name} {_wish(wanted)}; {there}")


def _check(wanted: str) -> None:
    if not wanted:
        raise NoIdError("an empty id: is a variable empty?")


def _wish(wanted: str) -> str:
    if len(wanted) >= MIN_PREFIX:
        return f"is or begins with {wanted}"
    return f"is {wanted} (give {MIN_PREFIX} characters or more of a longer one)"


_SHOWN: Final = 3


def _some(ids: pl.Series) -> str:
    shown = ", ".join(str(each) for each in ids.tail(_SHOWN))
    return shown if len(ids) <= _SHOWN else f"{len(ids):,}, the last {shown}"
