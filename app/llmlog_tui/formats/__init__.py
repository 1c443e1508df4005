"""Log formats: records of other tools, converted to llmlog's own.

How to add a format
-------------------
1. Write `formats/<tool>.py`: a class with `name`, `calls`, `detect`, `converter` and `content`
   (`Format`), and a class for the state of one file with `feed` and `flush` (`Converter`).
2. Add a row to `FORMATS` in `formats/registry.py`.
3. Add a small file of the format and its expected records under `tests/formats/`.

What a format is given
----------------------
Decoded JSON objects, one after the other, in the order of the file. Decompression, encodings,
whatever a shipper wrapped around a line (docker, CRI, journald, a logger's text), objects printed
over many lines, arrays and CSV rows (an object of texts by column name) are undone before, and
lines are accounted for by `formats.driver`. A format is pure Python: no files, no polars, no UI.

`detect` is asked about the first objects of a file, at most 20, and later about single objects,
because a file may change its format. It looks at keys and never at a file's name, must be cheap,
and must be false for an object that another format or llmlog could have written: a record of
llmlog's own has an `event` of `llmlog.record.EVENTS`.

What a format gives
-------------------
Records: fields of `llmlog.record.FIELDS` by name. Unknown is left out: never 0, never a guess. `ts`
is RFC 3339 text, the start of the call. A latency made from timestamps has `timing: "derived"`.
Prompts, answers, arguments and error texts (`input`, `output`, `error_message`) never go into a
record of `feed`: `content` returns them when one record is looked at.

An object that yields nothing yet (a line of many that make one call) is kept as state. Nothing in
an object may raise: a broken part costs itself. A converter may count such parts by kind in an
attribute `lost: Counter[str]`; they are reported with the log's other faults.

Records are given out live, before a trace is complete. If a later object changes an earlier record
(a span that comes late may have begun first: steps change), a converter puts the changed fields
into an attribute `corrections: dict[Key, Record]`, which the reader takes and clears.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from llmlog_tui.lazy import lazy_submodules

if TYPE_CHECKING:
    from llmlog_tui.formats import registry as registry

__getattr__ = lazy_submodules(__name__, "registry")

Item = dict[str, Any]
"""One decoded JSON object of a file."""

Record = dict[str, Any]
"""Fields of llmlog.record by name; unknown ones are left out."""

LogState = dict[str, Any]
"""State shared by one format's converters across the files of a log.

The reader owns it.
"""


Key = tuple[str, str]
"""trace_id and span_id of a record that was given out."""


class Found(NamedTuple):
    """A record and the `line` of feed() whose object it is read back from."""

    line: int
    record: Record


class Converter(Protocol):
    """State of one file."""

    def feed(self, line: int, item: Item) -> Iterable[Found]:
        """Take the next object; return the records that are complete now. Never raises."""
        ...

    def flush(self) -> Iterable[Found]:
        """Return records that are complete only because nothing follows.

        Called at the end of a file, and when a followed file has been quiet for a while; more
        objects may be fed afterwards.
        """
        ...


class Format(Protocol):
    """One log format.

    With `calls` False it is recognised only; `hint` names the alternative.
    """

    @property
    def name(self) -> str:
        """Name on screen and in --json: "OTLP traces", "Claude Code"."""
        ...

    @property
    def calls(self) -> bool:
        """Whether such a log holds model calls at all."""
        ...

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether these first objects of a file are of this format."""
        ...

    def converter(self, log: LogState) -> Converter:
        """Return the converter for one more file of a log."""
        ...

    def content(self, item: Item, record: Record) -> Record:
        """Return a record's content from `item`, read back from the record's line.

        Fields `input`, `output`, `error_message`, `prefix_hashes`, `extra`; {} if there are none.
        """
        ...


@runtime_checkable
class SpreadsContent(Protocol):
    """A format whose records have their content on several lines, from their own on."""

    def spread_content(self, items: Iterable[Item], record: Record) -> Record:
        """Return a record's content from the objects of its line and of later ones.

        There may be many: take no more than needed.
        """
        ...


@runtime_checkable
class Peeks(Protocol):
    """A format with files that begin alike: shared lines count for one of them."""

    def peek(self, log: LogState, items: Iterable[Item]) -> Hashable | None:
        """Note how a file begins; return what only files that begin alike have in common.

        None if it is of another format. Objects are decoded as they are taken: take no more than
        needed.
        """
        ...


class FormatWithoutCalls:
    """Base of a format that is recognised only to be refused.

    `hint` names the alternative.
    """

    name: str = ""
    calls: bool = False
    hint: str = ""

    def detect(self, items: Sequence[Item]) -> bool:
        """Return False: text logs are recognised by detect_text()."""
        del items
        return False

    def detect_text(self, lines: Sequence[str]) -> bool:
        """Return whether a file's first lines, none of them JSON, have this format."""
        del lines
        return False

    def converter(self, log: LogState) -> Converter:
        """Return a converter that finds nothing."""
        del log
        return _NoRecords()

    def content(self, item: Item, record: Record) -> Record:
        """Return nothing."""
        del item, record
        return {}


class _NoRecords:
    def feed(self, line: int, item: Item) -> Iterable[Found]:
        del line, item
        return ()

    def flush(self) -> Iterable[Found]:
        return ()
