"""Unwrap a file's objects from the output of shippers, runtimes and printers.

Undone are: text in front of an object (a logger's prefix, compose, CloudWatch, syslog, kubectl),
docker's json-file and the CRI format with lines they split, journald's JSON, UTF-16, objects
printed over many lines, arrays, and the rows of a CSV file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import orjson

from llmlog_tui.formats import Item
from llmlog_tui.formats.csv_rows import CsvRows
from llmlog_tui.formats.json_text import Utf16, load, object_behind_text, without_bom
from llmlog_tui.formats.pretty import Ended, PrettyPrinted

MAX_PART_BYTES: Final = 64 * 2**20
"""Maximum size of a line that comes in parts; a longer one is given up."""

MAX_LANES: Final = 64
"""Maximum number of streams of which a line is incomplete."""

_MAX_DEPTH: Final = 4
"""Maximum number of wrappings inside one another: journald in docker in a logger's text."""

_CRI: Final = re.compile(rb"(\S+) (stdout|stderr) ([FP])(?::\S*)?(?: (.*))?", re.DOTALL)


class Unwrapped(NamedTuple):
    """Objects and the lines they are made of.

    More than one object comes from an array on one line.
    `text` is the JSON of a single one where it is at hand, `time` the wrapping's own time.
    """

    lines: Sequence[int]
    items: Sequence[Item]
    text: bytes | None = None
    time: object = None


class Unread(NamedTuple):
    """Lines without an object; `is_object`: they are JSON objects that wrap plain text."""

    lines: Sequence[int]
    is_object: bool = False


class Structural(NamedTuple):
    """Lines of the file's syntax: brackets of an array, the header of a CSV file."""

    lines: Sequence[int]


Outcome = Unwrapped | Unread | Structural


@dataclass(frozen=True)
class _Text:
    """A line to look into.

    `lane` tells streams apart whose lines interleave, `time` is that of the wrapping around it,
    `is_object` whether that is a JSON object, `depth` how many wrappings there are. With `is_part`
    the rest of the line comes with the next one of its lane.
    """

    lines: Sequence[int]
    text: bytes
    lane: str = ""
    time: object = None
    is_object: bool = False
    depth: int = 0
    is_part: bool = False

    def unread(self) -> Unread:
        return Unread(self.lines, self.is_object)


@dataclass
class _Parts:
    """A line of one stream that a runtime has split."""

    last: _Text
    lines: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, part: _Text) -> None:
        self.last = part
        self.lines += part.lines
        self.texts.append(part.text)
        self.size += len(part.text)

    def whole(self) -> _Text:
        return replace(self.last, lines=self.lines, text=b"".join(self.texts), is_part=False)


class Unwrapper:
    """State of one file; each fed line is in exactly one outcome eventually."""

    def __init__(self, csv: CsvRows | None = None, *, big_endian: bool = False) -> None:
        self._parts: dict[str, _Parts] = {}
        self._printed = PrettyPrinted()
        self._utf16 = Utf16(big_endian=big_endian)
        self._csv = CsvRows() if csv is None else csv
        self._brackets: list[int] = []  # that may begin an array, of whose objects none came yet
        self._in_array = False
        self._has_newlines = False  # whether docker's lines were seen to end in newlines

    def for_single_objects(self) -> Unwrapper:
        """Return an unwrapper that reads single objects of this file back."""
        return Unwrapper(self._csv.for_single_rows(), big_endian=self._utf16.big_endian)

    @property
    def is_inside_line(self) -> bool:
        """Whether the next line, even a blank one, continues one that was split.

        An encoding splits lines, and a quoted newline of a CSV file.
        """
        return self._utf16.is_inside_line or self._csv.is_inside_row

    def feed(self, line: int, data: bytes) -> list[Outcome]:
        """Feed a non-blank line; return outcomes of it and of lines kept before."""
        if (plain := self._plain(line, data)) is not None:
            return [plain]
        if b"\0" not in data and not self._utf16.is_inside_line:
            text = data if line else without_bom(data)
            # A carriage return may be part of a quoted text in a CSV file.
            stripped = text if self._csv.has_header else text.strip(b"\r\n")
            return self._unwrap(_Text((line,), stripped))
        if not self._utf16.is_likely(data):
            kept = self._utf16.flush()
            before: list[Outcome] = [Unread(kept)] if kept else []
            return before + self._unwrap(_Text((line,), data))
        whole = self._utf16.feed(line, data)
        if whole is None:
            return []
        lines, text = whole
        if not text.strip() and self._utf16.has_objects:
            return [Structural(lines)]  # the second half of the file's last newline
        return self._unwrap(_Text(lines, text))

    def _plain(self, line: int, data: bytes) -> Unwrapped | None:
        """Return the object of a line that is nothing else, as most lines are."""
        item = self.plain(data)
        return None if item is None else Unwrapped((line,), (item,), data.rstrip(b"\r\n"))

    def plain(self, data: bytes) -> Item | None:
        """Return the object of the next line if it is nothing else; feed() it otherwise."""
        if data[:1] != b"{" or self._is_begun:
            return None
        try:
            item: Item = orjson.loads(data)
        except orjson.JSONDecodeError:
            return None
        if "log" in item or "MESSAGE" in item:
            return None
        self._csv.expects_header = False
        return item

    @property
    def _is_begun(self) -> bool:
        """Whether the next line may belong to something that earlier ones began."""
        begun = self._printed or self._brackets or self._csv.has_header
        return bool(begun) or self._utf16.is_inside_line

    def flush(self) -> list[Outcome]:
        """Give up incomplete parts at the end of the file."""
        out: list[Outcome] = []
        for parts in list(self._parts.values()):
            out += self._joined(parts)
        out += [Unread(ended.lines) for ended in self._printed.flush()]
        for lines in (self._utf16.flush(), self._csv.flush(), self._brackets):
            if lines:
                out.append(Unread(lines))
        self._brackets = []
        return out

    def _unwrap(self, line: _Text) -> list[Outcome]:
        out: list[Outcome] = []
        if self._printed:
            ended, is_part = self._printed.feed(line.lane, line.lines, line.text)
            for each in ended:
                out += self._ended(each, line)
            if is_part:
                return out
        item = load(line.text) if line.text[:1] == b"{" else None
        if isinstance(item, dict):
            return out + self._object(line, item)
        if line.depth < _MAX_DEPTH and (match := _CRI.fullmatch(line.text)):
            return out + self._part(_cri(line, match))
        return out + self._without_object(line)

    def _object(self, line: _Text, item: Item, *, has_text: bool = True) -> list[Outcome]:
        """Return an object, or what it wraps."""
        if line.depth < _MAX_DEPTH and (inner := self._transported(line, item)):
            return self._part(inner)
        return self._objects(line, [item], line.text if has_text else None)

    def _objects(
        self, line: _Text, items: Sequence[Item], text: bytes | None = None
    ) -> list[Outcome]:
        unwrapped = Unwrapped(line.lines, items, text, line.time)
        self._csv.expects_header = False
        if not self._brackets:
            return [unwrapped]
        brackets, self._brackets, self._in_array = self._brackets, [], True
        return [Structural(brackets), unwrapped]

    def _transported(self, line: _Text, item: Item) -> _Text | None:
        """Return the line that docker or journald made an object of."""
        log = item.get("log")
        if isinstance(log, str) and ("stream" in item or "time" in item or "kubernetes" in item):
            ends = log.endswith("\n")
            self._has_newlines = self._has_newlines or ends
            stream, time = item.get("stream"), item.get("time")
            return _inner(line, f"docker {stream}", log.encode(errors="replace"), time, not ends)
        if "MESSAGE" in item and ("__REALTIME_TIMESTAMP" in item or "__CURSOR" in item):
            unit, time = item.get("_SYSTEMD_UNIT"), item.get("__REALTIME_TIMESTAMP")
            return _inner(line, f"journal {unit}", _journal_text(item["MESSAGE"]), time)
        return None

    def _part(self, part: _Text) -> list[Outcome]:
        """Join the parts of a line, and look into it when it is whole."""
        out: list[Outcome] = []
        lacks_newline = part.is_object and part.is_part and not self._has_newlines
        if lacks_newline and _is_dict(load(part.text)):
            # A shipper may have cut all newlines off: an object that is whole is no part of one.
            part = replace(part, is_part=False)
            if given_up := self._parts.pop(part.lane, None):
                out.append(given_up.whole().unread())
        if part.lane not in self._parts and not part.is_part:
            return out + self._unwrap(replace(part, text=part.text.strip(b"\r\n")))
        parts = self._parts.setdefault(part.lane, _Parts(part))
        parts.add(part)
        if not part.is_part:
            return out + self._joined(parts)
        if parts.size > MAX_PART_BYTES or len(self._parts) > MAX_LANES:
            out.append(self._parts.pop(next(iter(self._parts))).whole().unread())
        return out

    def _joined(self, parts: _Parts) -> list[Outcome]:
        whole = parts.whole()
        del self._parts[whole.lane]
        return self._unwrap(replace(whole, text=whole.text.strip(b"\r\n")))

    def _ended(self, ended: Ended, line: _Text) -> list[Outcome]:
        """Return the object that was printed up to `line`."""
        printed = replace(line, lines=ended.lines)
        if isinstance(ended.value, dict):
            return self._object(printed, ended.value, has_text=False)
        return [printed.unread()]

    def _without_object(self, line: _Text) -> list[Outcome]:
        """Return what a line holds that is no object itself."""
        for look in (self._array, self._row, self._behind_text, self._begin_printed):
            found = look(line)
            if found is not None:
                return found
        return [line.unread()]

    def _array(self, line: _Text) -> list[Outcome] | None:
        """Look for a one-line array, or a line of a line-per-object array."""
        text = line.text.strip()
        if text == b"[":
            self._brackets += line.lines
            return []
        if text in (b"]", b"],") and self._in_array:
            self._in_array = False
            return [Structural(line.lines)]
        if text[:1] == b"{" and text[-2:] == b"},":
            item = load(text[:-1])
            return self._object(replace(line, text=text[:-1]), item) if _is_dict(item) else None
        if text[:1] == b"[":
            items = load(text)
            if isinstance(items, list) and items and all(map(_is_dict, items)):
                return self._objects(line, items)
        return None

    def _row(self, line: _Text) -> list[Outcome] | None:
        """Look for the header of a CSV file, or a row of it."""
        if line.depth or not self._csv:
            return None
        if self._csv.expects_header:
            return [Structural(line.lines)] if self._csv.begins(line.text) else None
        row = self._csv.feed(line.lines, line.text)
        if row is None:
            return []
        return self._objects(replace(line, lines=row[0]), [row[1]]) if row[1] else [Unread(row[0])]

    def _behind_text(self, line: _Text) -> list[Outcome] | None:
        """Look for an object that ends the line."""
        found = object_behind_text(line.text)
        if found is None:
            return None
        text, item = found
        return self._object(replace(line, text=text, depth=line.depth + 1), item)

    def _begin_printed(self, line: _Text) -> list[Outcome] | None:
        """Look for the first line of an object that is printed over many."""
        given_up, begins = self._printed.begin(line.lane, line.lines, line.text)
        out: list[Outcome] = [Unread(each.lines, line.is_object) for each in given_up]
        return out if begins else None


def _inner(
    line: _Text,
    lane: str,
    text: bytes,
    time: object,
    is_part: bool = False,  # noqa: FBT001, FBT002 - private
) -> _Text:
    """Return the line that an object wraps."""
    lane = f"{line.lane} {lane}"
    return _Text(
        line.lines, text, lane, time, is_object=True, depth=line.depth + 1, is_part=is_part
    )


def _cri(line: _Text, match: re.Match[bytes]) -> _Text:
    """Return the line without the Kubernetes runtime's time, stream and flag."""
    time, stream, flag, text = match.groups()
    return _Text(
        line.lines,
        text or b"",
        f"{line.lane} cri {stream.decode()}",
        time.decode(errors="replace"),
        line.is_object,
        line.depth + 1,
        is_part=flag == b"P",
    )


def _journal_text(message: object) -> bytes:
    """Return the text of journald's MESSAGE.

    It is text, a list of bytes if it is not UTF-8, or null if it is long.
    """
    if isinstance(message, str):
        return message.encode(errors="replace")
    if isinstance(message, list) and all(
        isinstance(each, int) and 0 <= each < _BYTE for each in message
    ):
        return bytes(message)
    return b""


_BYTE: Final = 256


def _is_dict(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, dict)
