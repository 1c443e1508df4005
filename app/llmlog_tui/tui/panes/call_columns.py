"""Columns of Calls: heading, width and renderer of each field of a call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from llmlog.record import FIELDS, Field
from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.render.cells import flags
from llmlog_tui.tui.widgets.column_layout import leading_items
from llmlog_tui.tui.widgets.row_source import Cell, Column, Tone, cell

Call = Mapping[str, Any]
"""A row of Overview.call_rows()."""

CellRenderer = Callable[[Call, int, datetime | None], Cell]
"""(call, width of the cell, newest time of the log) -> cell."""

_ID, _TEXT = 20, 14
"""Widths of ids, which often differ only at their ends, and other text."""

_SHORT_REASONS: Final = {"tool_calls": "tools", "tool_use": "tools", "content_filter": "filter"}
"""finish_reason -> shown in a narrow column, which would cut it."""

_REASON_PARTS: Final = (" of ", " at ", " usually ", " waiting", ", ")
"""Where a narrow column may end a reason, instead of cutting a word."""

_MAX_PARTS: Final = 100
"""Maximum values of a list, and characters of each, that a cell gets."""


class CallColumn(NamedTuple):
    """A column, its renderer, and its width in the compact layout (0: the same)."""

    column: Column
    draw: CellRenderer
    narrow: int = 0

    def in_layout(self, *, compact: bool) -> Column:
        """Return the column with its width in the wide or compact layout."""
        width = self.narrow if compact and self.narrow else self.column.width
        return self.column._replace(width=width)


def _time(call: Call, width: int, newest: datetime | None) -> Cell:
    return cell(humanize.time_label(call["ts"], newest, width), "muted")


def _step(call: Call, *_: object) -> Cell:
    return cell(humanize.step_number(call["step"]), "muted")


def _model(call: Call, *_: object) -> Cell:
    shown = call["model"] or call["requested_model"] or humanize.UNKNOWN
    return cell(shown, "secondary" if call["event"] == "embedding" else "")


def _latency(call: Call, width: int, _: datetime | None) -> Cell:
    tone: Tone = "worst" if call["worst"] else "warning" if call["slow"] else ""
    return cell(humanize.fit_number(call["latency_ms"], width), tone)


def _reasoning(call: Call, *_: object) -> Cell:
    return _tokens(call["reasoning_tokens"], "strong" if call["slow"] else "muted")


def _finish(call: Call, width: int, _: datetime | None) -> Cell:
    if call["failed"]:
        status, kind = call["error_status"], call["error_type"] or ""
        is_cut = len(kind) > width
        return cell(str((status if is_cut else kind) or status or kind or "failed"), "error")
    reason = call["finish_reason"] or humanize.UNKNOWN
    shown = _SHORT_REASONS.get(reason, reason) if len(reason) > width else reason
    return cell(shown, "worst" if call["cut_off"] else "")


def _why(call: Call, width: int, _: datetime | None) -> Cell:
    return cell(leading_items(call["why"] or "", width, _REASON_PARTS))


def _fingerprint(call: Call, *_: object) -> Cell:
    shown = call["system_fingerprint"] or humanize.UNKNOWN
    return cell(shown, "accent" if call["changed"] else "muted")


def _tokens(number: int | None, tone: Tone = "") -> Cell:
    return cell(humanize.count(number), tone if number else "muted")


def _counted(name: str, tone: Tone = "") -> CellRenderer:
    return lambda call, _width, _newest: _tokens(call[name], tone)


def _number(name: str, tone: Tone = "") -> CellRenderer:
    return lambda call, width, _newest: cell(humanize.fit_number(call[name], width), tone)


def _dollars(name: str) -> CellRenderer:
    return lambda call, width, _newest: cell(humanize.dollars(call[name], width))


def _id(name: str) -> CellRenderer:
    return lambda call, _width, _newest: cell(humanize.short_id(call[name]))


def _as_text(name: str) -> CellRenderer:
    return lambda call, _width, _newest: cell(
        _text(call[name]), "muted" if call[name] in (None, "", []) else ""
    )


def _text(value: object) -> str:
    if value is None:
        return humanize.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each)[:_MAX_PARTS] for each in value[:_MAX_PARTS])
    return str(value)


def _right(title: str, width: int, field: str, draw: CellRenderer) -> CallColumn:
    return CallColumn(Column(title, width, "right", field=field), draw)


def _left(title: str, width: int, field: str, draw: CellRenderer, narrow: int = 0) -> CallColumn:
    return CallColumn(Column(title, width, field=field), draw, narrow)


_DRAWN: Final = {
    "ts": _left("time", 12, "ts", _time, narrow=8),
    "trace_id": _left("trace", 8, "trace_id", _id("trace_id")),
    "session_id": _left("session", 8, "session_id", _id("session_id")),
    "span_id": _left("span", 8, "span_id", _id("span_id")),
    "parent_span_id": _left("parent", 8, "parent_span_id", _id("parent_span_id")),
    "step": _right("st", 3, "step", _step),
    "model": _left("model", 17, "model", _model, narrow=14),
    "latency_ms": _right("ms", 7, "latency_ms", _latency),
    "reasoning_tokens": _right("rsn", 5, "reasoning_tokens", _reasoning),
    "tokens_per_sec": _right("tok/s", 5, "tokens_per_sec", _number("tokens_per_sec", "muted")),
    "prompt_tokens": _right("in", 6, "prompt_tokens", _counted("prompt_tokens")),
    "completion_tokens": _right("out", 6, "completion_tokens", _counted("completion_tokens")),
    "cached_tokens": _right("cached", 6, "cached_tokens", _counted("cached_tokens", "success")),
    "finish_reason": _left("finish", 10, "finish_reason", _finish, narrow=6),
    "system_fingerprint": _left("fingerprint", 11, "system_fingerprint", _fingerprint),
    "id": _left("id", _ID, "id", _as_text("id")),
    "request_id": _left("request id", _ID, "request_id", _as_text("request_id")),
    "requested_model": _left("asked for", 17, "requested_model", _as_text("requested_model")),
}
"""Field -> column, for fields with a renderer of their own."""

_TITLES: Final = {
    "total_tokens": "total tok",
    "max_tokens": "max tok",
    "ratelimit_limit_requests": "limit req",
    "ratelimit_limit_tokens": "limit tok",
    "ratelimit_remaining_requests": "left req",
    "ratelimit_remaining_tokens": "left tok",
    "ratelimit_reset_requests_ms": "reset req ms",
    "ratelimit_reset_tokens_ms": "reset tok ms",
    "tool_args_ok": "args ok",
    "error_type": "error",
    "error_status": "http status",
}
"""Field -> heading of other fields, if not the field's name."""


def _default(field: Field) -> CallColumn:
    """Return a column for a field without a renderer of its own."""
    title = _TITLES.get(field.name, field.name.replace("_", " "))
    if field.type in {"int", "float"}:
        return _right(title, max(7, len(title) + 1), field.name, _number(field.name))
    min_width = len(title) + 1 if field.type == "bool" else _TEXT
    return _left(title, max(min_width, len(title) + 1), field.name, _as_text(field.name))


ALL: Final[dict[str, CallColumn]] = {
    **{
        field.name: _DRAWN.get(field.name) or _default(field)
        for field in FIELDS
        if field.name != "v" and field.section in {"core", "model", "ratelimit", "error"}
    },
    "trace_name": _left("run", 20, "trace_name", _as_text("trace_name")),
    "why": CallColumn(Column("why slow", 29, flex=True), _why, narrow=12),
    "cost_usd": _right("cost $", 7, "cost_usd", _dollars("cost_usd")),
    "saved_usd": _right("saved $", 8, "saved_usd", _dollars("saved_usd")),
    "flags": CallColumn(Column("flag", 4), lambda call, *_: flags(call)),
}
"""Field -> column, for all columns; `why`, costs and `flags` are derived from records."""

_TAG: Final = "extra."
_MAX_TITLE: Final = 20


def tag_names(tags: Iterable[str]) -> list[str]:
    """Return the names of a log's tag columns for a ColumnChoice, each with `extra.`."""
    return [tag if tag.startswith(_TAG) else _TAG + tag for tag in tags]


def column_of(name: str, tags: Collection[str]) -> CallColumn | None:
    """Return the column of this name; None for a tag of another log."""
    if name in ALL:
        return ALL[name]
    field = name if name in tags else name.removeprefix(_TAG)
    if field not in tags:
        return None
    title = sanitize(field.removeprefix(_TAG), _MAX_TITLE)
    return _left(title, max(_TEXT, len(title) + 1), field, _as_text(field))


COMPACT: Final = (
    *("ts", "trace_id", "step", "model", "latency_ms", "why", "finish_reason", "flags"),
)
WIDE: Final = (
    *("ts", "trace_id", "step", "model", "latency_ms", "reasoning_tokens", "why"),
    *("tokens_per_sec", "prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd"),
    *("finish_reason", "system_fingerprint", "flags"),
)


_GROWN: Final = (
    {"why slow": 25, "finish": 6},
    {"model": 22},
    {"why slow": 29, "finish": 10},
    {"model": 28, "finish": 22, "why slow": 40, "asked for": 28},
)
"""Title of a column -> its minimum width, then wider ones while there is room."""
_MORE: Final = ("ttft_ms", "server_ms", "session_id", "requested_model", "provider", "request_id")
"""Columns that a wide screen has, too, unless the user chose the columns."""
_FEWER: Final = (
    *("system_fingerprint", "cached_tokens", "cost_usd", "prompt_tokens", "tokens_per_sec"),
    *("completion_tokens", "reasoning_tokens"),
)
_FEWER_COMPACT: Final = ("trace_id", "why", "step")
"""Columns that a narrower pane goes without, unless the user chose the columns."""


def fitting(columns: Sequence[CallColumn], room: int, *, compact: bool) -> list[CallColumn]:
    """Return the columns for `room` cells.

    Others go before finish and flag, although those are at the right; then some get narrower.
    """
    left = [each._replace(column=each.in_layout(compact=compact)) for each in columns]
    for name in _FEWER_COMPACT if compact else _FEWER:
        if _spare(left, room) >= 0:
            break
        left = [each for each in left if each.column.title != ALL[name].column.title]
    for n, each in enumerate(left):
        if _spare(left, room) < 0:
            left[n] = each._replace(column=each.in_layout(compact=True))
    return left


def _spare(columns: Sequence[CallColumn], room: int) -> int:
    """Return the cells beside the columns; negative if they do not fit."""
    return room + 1 - sum(column.column.width + 1 for column in columns)


def grown(columns: Sequence[CallColumn], room: int, *, more: bool) -> list[CallColumn]:
    """Return the columns of a wide screen.

    Its spare cells go to cut texts first, then to `more` columns.
    """
    titles = [each.column.title for each in columns]
    least, *goals = _GROWN
    widths = [min(each.column.width, least.get(each.column.title, room)) for each in columns]
    spare = max(0, room + 1 - sum(width + 1 for width in widths))
    for goal in goals:
        for n, title in enumerate(titles):
            by = max(0, min(spare, goal.get(title, 0) - widths[n]))
            widths[n] += by
            spare -= by
    wider = [
        each._replace(column=each.column._replace(width=width))
        for each, width in zip(columns, widths, strict=True)
    ]
    for name in _MORE if more else ():
        column = ALL[name]
        width = goals[-1].get(column.column.title, column.column.width)
        if column not in columns and width + 1 <= spare:
            column = column._replace(column=column.column._replace(width=width))
            spare -= width + 1
            wider.insert(len(wider) - 1, column)  # flags are the last ones
    return wider


@dataclass(frozen=True)
class ColumnChoice:
    """Names of the columns of Calls, in order, in its wide and its compact layout."""

    wide: tuple[str, ...] = WIDE
    compact: tuple[str, ...] = COMPACT

    @classmethod
    def from_object(cls, stored: object) -> ColumnChoice:
        """Return the inverse of as_object(); default columns in place of invalid ones."""
        found = stored if isinstance(stored, dict) else {}
        return cls(
            wide=_known(found.get("wide")) or WIDE, compact=_known(found.get("compact")) or COMPACT
        )

    def as_object(self) -> dict[str, list[str]]:
        """Return a JSON object."""
        return {"wide": list(self.wide), "compact": list(self.compact)}

    def names(self, *, compact: bool) -> tuple[str, ...]:
        """Return the columns of a layout."""
        return self.compact if compact else self.wide

    def with_columns(self, names: Iterable[str], *, compact: bool) -> ColumnChoice:
        """Return a choice with these columns in a layout."""
        chosen = tuple(names)
        return replace(self, compact=chosen) if compact else replace(self, wide=chosen)


@lru_cache(maxsize=16)
def laid_out(
    choice: ColumnChoice, tags: tuple[str, ...], room: int, *, compact: bool
) -> Sequence[CallColumn]:
    """Return the columns with their widths; tags that are not in `tags` are left out."""
    names = choice.names(compact=compact)
    chosen = [column for name in names if (column := column_of(name, tags)) is not None]
    if names != ColumnChoice().names(compact=compact):  # the user's, in the user's order
        known = [each._replace(column=each.in_layout(compact=compact)) for each in chosen]
        return known if compact else grown(known, room, more=False)
    known = fitting(chosen, room, compact=compact)
    if any(each.column.flex for each in known) and compact:
        return known  # it takes the spare cells
    return grown(known, room, more=not compact)


def _known(names: object) -> tuple[str, ...]:
    listed = names if isinstance(names, list) else []
    return tuple(dict.fromkeys(name for name in listed if isinstance(name, str) and _is_name(name)))


def _is_name(name: str) -> bool:
    return name in ALL or name.startswith(_TAG)
