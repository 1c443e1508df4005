"""Exports and gateway logs as tables of field names, one record a row.

A source has its own file with a FieldTable (where it keeps the fields of the record), a predicate
that knows its rows by their keys, and, where its names are not enough, one small function.

Paths are names with slashes between them; a number is an index into a list. JSON inside text is
decoded on the way: `attributes/mlflow.chat.tokenUsage/input_tokens`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from llmlog.record import timestamp
from llmlog_tui.formats import Found, Item, LogState, Record
from llmlog_tui.formats.providers import model_host, served_by
from llmlog_tui.formats.shared_state import claim
from llmlog_tui.formats.times import NS_PER_MS, nanoseconds
from llmlog_tui.formats.vocabulary import (
    boolean,
    decoded,
    error_class,
    error_message,
    error_status,
    finish_reason,
    integer,
    known,
    number,
    prompt_tokens,
    text,
    texts,
    tokens_per_sec,
    usage,
)

Paths = tuple[str, ...]
Row = Mapping[str, Any]

_MS_PER_S: Final = 1_000
_MAX_HELD: Final = 32
"""Maximum number of rows held because a newer version of them may follow."""

CALL_EVENTS: Final = ("chat_completion", "response", "completion", "embedding")
_FAILED: Final = frozenset({"error", "failure", "failed", "status_code_error", "false"})
_MIN_FAILED_STATUS: Final = 400


@dataclass(frozen=True)
class FieldTable:
    """Paths of the record's fields in a source's rows; the first value counts."""

    fields: Mapping[str, Paths]
    """Fields of the record with values of the record's own kind and unit."""
    start: Paths = ()
    end: Paths = ()
    first_token: Paths = ()
    """Moments: any RFC 3339 text (without a zone: UTC) or epoch."""
    latency_s: Paths = ()
    usage: Paths = ()
    """Usage objects of any provider's shape; they go before token counts in `fields`."""
    status: Paths = ()
    """Words such as success, failure, ERROR; true and false."""
    error: Paths = ()
    """Paths where any value but an empty one is an error.

    It may be an object, a text or a class.
    """
    api_base: Paths = ()
    provider: Paths = ()
    tool_calls: Paths = ()
    input: Paths = ()
    output: Paths = ()
    error_message: Paths = ()
    extra: Mapping[str, Paths] = field(default_factory=dict)


def value_at(row: Row, paths: Paths) -> Any:  # noqa: ANN401 - any JSON
    """Return the first value at one of the paths; empty text is none."""
    for path in paths:
        found = _at(row, path)
        if found is not None and found != "":
            return found
    return None


def _at(row: Row, path: str) -> Any:  # noqa: ANN401 - any JSON
    found: Any = row
    for name in path.split("/"):
        found = decoded(found)
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and _INDEX.fullmatch(name):
            index = int(name)
            found = found[index] if -len(found) <= index < len(found) else None
        else:
            return None
    return decoded(found)


_INDEX: Final = re.compile(r"-?\d{1,6}")

_COERCIONS: Final[Mapping[str, Callable[[object], object]]] = {
    **dict.fromkeys(
        (
            "step",
            "latency_ms",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "reasoning_tokens",
            "cached_tokens",
            "cache_write_tokens",
            "max_tokens",
            "seed",
            "ttft_ms",
            "server_ms",
            "retries",
        ),
        integer,
    ),
    **dict.fromkeys(("temperature", "top_p", "reported_cost_usd"), number),
    "error_status": error_status,
    "error_type": error_class,
    "finish_reason": finish_reason,
    "stream": boolean,
}
"""By field; all other fields are text."""


def record_of(row: Row, table: FieldTable, event: str) -> Record:
    """Return the record of a row, without content."""
    found = {
        name: _COERCIONS.get(name, text)(value_at(row, paths))
        for name, paths in table.fields.items()
    }
    record: Record = {"event": event, **known(found)}
    _set_times(record, row, table)
    _set_status(record, row, table)
    if event in CALL_EVENTS:
        _set_call(record, row, table)
    if extra := known({name: value_at(row, paths) for name, paths in table.extra.items()}):
        record["extra"] = extra
    return record


def _set_times(record: Record, row: Row, table: FieldTable) -> None:
    start, end = value_at(row, table.start), value_at(row, table.end)
    begin = nanoseconds(start)
    if begin is not None:
        record["ts"] = timestamp(begin)
    latency = elapsed_ms(start, end)
    if latency is None and (seconds := number(value_at(row, table.latency_s))) is not None:
        latency = round(seconds * _MS_PER_S)
    first = elapsed_ms(start, value_at(row, table.first_token))
    for name, value in (("latency_ms", latency), ("ttft_ms", first)):
        if value is not None:
            record.setdefault(name, value)


def elapsed_ms(start: object, end: object) -> int | None:
    """Return the ms between two moments; None if unknown or out of order."""
    if isinstance(start, float) and isinstance(end, float):
        # Epochs in seconds: their difference is more exact than their moments in ns.
        return round((end - start) * _MS_PER_S) if 0 <= end - start < _MAX_SECONDS else None
    begin, finish = nanoseconds(start), nanoseconds(end)
    if begin is None or finish is None or finish < begin:
        return None
    return round((finish - begin) / NS_PER_MS)


_MAX_SECONDS: Final = 10_000_000.0


def _set_status(record: Record, row: Row, table: FieldTable) -> None:
    word = value_at(row, table.status)
    error = value_at(row, table.error)
    status = record.get("error_status")
    if status is not None and status < _MIN_FAILED_STATUS:
        del record["error_status"]
        status = None
    failed = bool(error) or status is not None or str(word).lower() in _FAILED
    record["status"] = "error" if failed else "ok"
    if not failed:
        record.pop("error_type", None)
        record.pop("error_code", None)
        return
    words = error if isinstance(error, str) else value_at(row, table.error_message)
    if "error_type" not in record and (kind := _exception_class(words)) is not None:
        record["error_type"] = kind
    if status is None and (named := error_status(words)) is not None:
        record["error_status"] = named


def _exception_class(words: object) -> str | None:
    """Return the class that a message such as `openai.RateLimitError: …` begins with."""
    found = _EXCEPTION.match(words) if isinstance(words, str) else None
    return error_class(found[1]) if found else None


_EXCEPTION: Final = re.compile(r"([A-Za-z_][\w.]{0,200}(?:Error|Exception|Timeout))\b")


def _set_call(record: Record, row: Row, table: FieldTable) -> None:
    used = usage(value_at(row, table.usage))
    record.update(known({name: integer(value) for name, value in used.items()}))
    total = prompt_tokens(
        record.get("prompt_tokens"), record.get("cached_tokens"), record.get("cache_write_tokens")
    )
    if total is not None:
        record["prompt_tokens"] = integer(total)
    if "provider" not in record:
        host = served_by(value_at(row, table.api_base), value_at(row, table.provider))
        host = host or model_host(record.get("model") or record.get("requested_model"))
        if host is not None:
            record["provider"] = host
    record.update(_tool_calls(value_at(row, table.tool_calls)))


def _tool_calls(value: object) -> Record:
    """Return the names of a list of tool calls or content blocks, of any provider."""
    calls = [call for call in value if isinstance(call, dict)] if isinstance(value, list) else []
    named = [(call, name) for call in calls if (name := _call_name(call)) is not None]
    if not named:
        return {}
    return {
        "tool_calls": texts([name for _, name in named]),
        "tool_args_ok": all(_has_valid_arguments(call) for call, _ in named),
    }


def _call_name(call: Mapping[str, Any]) -> str | None:
    if str(call.get("type")).endswith(("_output", "_result")):
        return None
    function = call.get("function", call.get("toolUse", call))
    return text(function.get("name") if isinstance(function, dict) else function)


def _has_valid_arguments(call: Mapping[str, Any]) -> bool:
    function = call.get("function")
    arguments = (function if isinstance(function, dict) else call).get("arguments")
    if not isinstance(arguments, str):
        return True
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return False
    return True


def named_by_event(record: Record) -> Record:
    """Drop the name of calls and tools, and the tool's name of all but tools."""
    event = record["event"]
    if event != "tool_call":
        record.pop("tool_name", None)
    if event in CALL_EVENTS or event == "tool_call":
        record.pop("name", None)
    return record


def _one_row(item: Item) -> Iterable[Row]:
    return (item,)


def _unchanged(row: Row, record: Record) -> Record:
    del row
    return record


def _never(row: Row) -> bool:
    del row
    return False


@dataclass(frozen=True)
class TableFormat:
    """A format (llmlog_tui.formats.Format) whose rows are described by a FieldTable."""

    name: str
    table: FieldTable
    is_item: Callable[[Item], bool]
    """Whether an object of a file is of this source."""
    event: Callable[[Row], str | None]
    """Event of a row; None if it makes no record."""
    rows: Callable[[Item], Iterable[Row]] = _one_row
    adjusted: Callable[[Row, Record], Record] = _unchanged
    """Return the record with what the table cannot say."""
    unique: Paths = ()
    """Key that rows of one call share; one is counted, if possible with an end."""
    may_repeat: Callable[[Row], bool] = _never
    """Whether a newer version of a row may follow, which replaces it."""
    csv_header: frozenset[str] = frozenset()
    """Columns that identify a CSV file of this source.

    Its rows are objects of texts.
    """
    calls: bool = True

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether one of the objects is of this source."""
        return any(map(self.is_item, items))

    def converter(self, log: LogState) -> _Rows:
        """Return the converter of one more file."""
        return _Rows(self, log)

    def records(self, item: Item) -> Iterable[tuple[Row, Record]]:
        """Return the rows of an object that make a record, with their records."""
        for row in self.rows(item):
            event = self.event(row)
            if event is not None:
                record = self.adjusted(row, record_of(row, self.table, event))
                yield row, known(_with_speed(record))

    def content(self, item: Item, record: Record) -> Record:
        """Return the content of the row that the record was made of."""
        for row, made in self.records(item):
            if all(made.get(name) == record.get(name) for name in _IDENTITY):
                return self._content(row)
        return {}

    def _content(self, row: Row) -> Record:
        message = value_at(row, self.table.error_message)
        found = {
            "input": value_at(row, self.table.input) or None,
            "output": value_at(row, self.table.output) or None,
            "error_message": error_message(message),
        }
        return known(found)


def _with_speed(record: Record) -> Record:
    speed = tokens_per_sec(record.get("completion_tokens"), record.get("latency_ms"))
    if speed:
        record["tokens_per_sec"] = speed
    return record


_IDENTITY: Final = ("event", "span_id", "id", "trace_id")


class _Rows:
    """Converter of one file."""

    def __init__(self, source: TableFormat, log: LogState) -> None:
        self.lost: Counter[str] = Counter()
        self._source = source
        self._log = log
        self._held: dict[str, Found] = {}

    def feed(self, line: int, item: Item) -> list[Found]:
        """Take the next object."""
        found: list[Found] = []
        for row, record in self._source.records(item):
            found += self._counted(row, Found(line, record))
        return found

    def flush(self) -> list[Found]:
        """Return rows that a newer version could have replaced."""
        return [found for key in list(self._held) for found in self._release(key)]

    def _counted(self, row: Row, found: Found) -> list[Found]:
        key = text(value_at(row, self._source.unique))
        if key is None:
            return [found]
        if self._source.may_repeat(row) or self._is_running(row):
            self._held[key] = found
            if len(self._held) <= _MAX_HELD:
                return []
            return self._release(next(iter(self._held)))
        self._held.pop(key, None)
        return [found] if claim(self._log, key) else []

    def _is_running(self, row: Row) -> bool:
        """Return whether a row has a beginning, and an end that may follow."""
        table = self._source.table
        has_begun = value_at(row, table.start) is not None
        return bool(table.end) and has_begun and value_at(row, table.end) is None

    def _release(self, key: str) -> list[Found]:
        found = self._held.pop(key)
        return [found] if claim(self._log, key) else []
