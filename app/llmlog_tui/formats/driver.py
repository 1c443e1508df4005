"""Decode a file's lines into records, whatever its format, accounting for every line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple

from llmlog_tui.formats import (
    Converter,
    Format,
    Found,
    Item,
    Key,
    LogState,
    Record,
    SpreadsContent,
)
from llmlog_tui.formats.all_formats import ALL_FORMATS
from llmlog_tui.formats.detect import HEAD_OBJECTS, Detected, Detector, without_calls
from llmlog_tui.formats.json_text import dump, without_bom
from llmlog_tui.formats.llmlog import LLMLOG, TIME_KEYS
from llmlog_tui.formats.nesting import time_of
from llmlog_tui.formats.unwrap import Outcome, Structural, Unwrapped, Unwrapper


@dataclass
class Decoded:
    """What became of lines, those just given and those kept before.

    `records` are lines of JSON, `lines` the number of the line that each is best read back from.
    Each line is in exactly one of: `unread` (no object; with its bytes), `foreign` (an object that
    is no call), `failed` (an object its converter could not take), `taken` (how many gave records,
    alone or with others), `blanks`, or kept for the next time. `lost` are broken parts of objects,
    by kind; `corrections` are fields of records that were given out before.
    """

    records: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unread: list[tuple[int, bytes]] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    taken: int = 0
    blanks: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    corrections: dict[Key, Record] = field(default_factory=dict)

    def add(self, line: int, record: bytes) -> None:
        """Add a record."""
        self.records.append(record)
        self.lines.append(line)

    def extend(self, other: Decoded) -> None:
        """Add all that became of other lines."""
        self.records += other.records
        self.lines += other.lines
        self.unread += other.unread
        self.foreign += other.foreign
        self.failed += other.failed
        self.taken += other.taken
        self.blanks += other.blanks
        self.lost += other.lost
        self.corrections |= other.corrections

    def __bool__(self) -> bool:
        """Whether anything became of any line."""
        return bool(
            self.records or self.unread or self.foreign or self.failed or self.taken or self.lost
        )


class ReadBack(NamedTuple):
    """A record's source: its `content`, or the `line` of llmlog's own record."""

    format: Format
    content: Record
    line: bytes | None = None


_KEYS_OF_A_RECORD: Final = ("trace_id", "step", "span_id")


class Decoder:
    """State of one file of a log.

    `states` belongs to the log: what converters of one format share, by the format's name. Lines
    are numbered by the caller, upwards from 0 for the first line of the file.
    """

    def __init__(
        self, states: dict[str, LogState], formats: Collection[Format] = ALL_FORMATS
    ) -> None:
        self._states = states
        self._formats = formats
        self._detector = Detector(formats)
        self._unwrapper = Unwrapper()
        self._converters: dict[str, Converter] = {}
        self._lost: dict[str, Counter[str]] = {}  # loss messages reported, by format
        self._kept: dict[int, bytes] = {}  # lines that are a part of something incomplete
        self._held: list[tuple[Sequence[int], Item]] = []  # foreign, unless a format is detected
        self._texts: list[bytes] = []  # the first lines, until an object comes
        self.objects: Counter[str] = Counter()
        """Number of objects of each format, by its name."""
        self.no_calls: Format | None = None
        """A format that was detected and holds no calls."""

    @property
    def format(self) -> Format | None:
        """The format of another tool that the file has, or had last."""
        return self._detector.current

    @property
    def has_state(self) -> bool:
        """Whether flush() may give anything."""
        return bool(self._converters or self._held)

    def decode(self, lines: Iterable[tuple[int, bytes]]) -> Decoded:
        """Take the next lines."""
        decoded = Decoded()
        for line, data in lines:
            if self._detector.current is not None and self._decode_like_last(line, data, decoded):
                continue
            if not data.strip() and not self._unwrapper.is_inside_line:
                decoded.blanks += 1
                continue
            outcomes = self._unwrapper.feed(line, data)
            if len(outcomes) == 1 and outcomes[0].lines == (line,):
                self._add(outcomes[0], decoded, data)
            else:
                self._kept[line] = data
                for outcome in outcomes:
                    self._add(outcome, decoded)
            if not self.objects and not self.no_calls and len(self._texts) < HEAD_OBJECTS:
                self._texts.append(data)
                self.no_calls = without_calls(self._formats, self._texts)
        self._count_lost(decoded)
        return decoded

    def _decode_like_last(self, line: int, data: bytes, decoded: Decoded) -> bool:
        """Decode a line with one object of the file's format; False for any other.

        It does what decode() would do with the line, in a few calls: nearly all lines of a log of
        a gigabyte are of this kind.
        """
        item = self._unwrapper.plain(data)
        if item is None or (known := self._detector.like_last(item)) is None:
            return False
        self.objects[known.name] += 1
        converter = self._converters.get(known.name) or self._new_converter(known)
        try:
            for at, record in converter.feed(line, item):
                decoded.add(at, dump(record))
        except Exception:  # noqa: BLE001 - as in _collect()
            decoded.failed.append(line)
        else:
            decoded.taken += 1
        return True

    def flush(self) -> Decoded:
        """Return records that are complete only because nothing follows for now."""
        decoded = Decoded()
        self._release(decoded)
        self._flush_converters(decoded)
        return decoded

    def finish(self) -> Decoded:
        """Return the remainder at the end of the file."""
        decoded = self.restart()
        self._release(decoded)
        self._flush_converters(decoded)
        return decoded

    def restart(self) -> Decoded:
        """Give up incomplete lines, as the next lines do not follow the last."""
        decoded = Decoded()
        for outcome in self._unwrapper.flush():
            self._add(outcome, decoded)
        return decoded

    def read_back(self, lines: Iterable[bytes], record: Record) -> ReadBack | None:
        """Return a record's source; `lines` are its own line and the following ones.

        Of the objects in the line, the one that `record` was made from is chosen. None if the lines
        hold no object that gives records.
        """
        objects = self._unwrapped(lines)
        unwrapped = next(objects, None)
        if unwrapped is None:
            return None
        found = None
        for item in unwrapped.items:
            detected = self._detector.tell(item)
            if detected is None:
                continue
            if detected.format is LLMLOG:
                text = _own(detected.item, unwrapped)
                found = ReadBack(LLMLOG, {}, text)
                if all(detected.item.get(key) == record.get(key) for key in _KEYS_OF_A_RECORD):
                    return found
            elif content := self._content(detected, objects, record):
                return ReadBack(detected.format, content)
            else:
                found = found or ReadBack(detected.format, {})
        return found

    def _content(self, detected: Detected, later: Iterable[Unwrapped], record: Record) -> Record:
        """Return a record's content, from later objects too if it is spread."""
        if not isinstance(detected.format, SpreadsContent):
            return detected.format.content(detected.item, record)
        told = (self._detector.tell(item) for each in later for item in each.items)
        same = (each.item for each in told if each and each.format is detected.format)
        return detected.format.spread_content(chain([detected.item], same), record)

    def _unwrapped(self, lines: Iterable[bytes]) -> Iterator[Unwrapped]:
        """Yield the first line's object and later ones; nothing without the first."""
        unwrapper = self._unwrapper.for_single_objects()
        fed = (
            unwrapper.feed(line, without_bom(data))
            for line, data in enumerate(lines)
            if data.strip()
        )
        has_begun = False
        for outcome in chain.from_iterable(chain(fed, map(Unwrapper.flush, (unwrapper,)))):
            is_object = isinstance(outcome, Unwrapped)
            if not has_begun and outcome.lines[0] == 0 and not is_object:
                return
            has_begun = has_begun or outcome.lines[0] == 0
            if has_begun and isinstance(outcome, Unwrapped):
                yield outcome

    def _add(self, outcome: Outcome, decoded: Decoded, data: bytes | None = None) -> None:
        """Account for an outcome's lines (`data` is the only one), and convert its objects."""
        if isinstance(outcome, Unwrapped):
            if data is None:
                self._texts_of(outcome)
            self._objects(outcome, decoded)
            return
        texts = self._texts_of(outcome) if data is None else [(outcome.lines[0], data)]
        if isinstance(outcome, Structural):
            decoded.taken += len(texts)
        elif outcome.is_object:
            decoded.foreign.extend(outcome.lines)
        else:
            decoded.unread.extend(texts)

    def _texts_of(self, outcome: Outcome) -> list[tuple[int, bytes]]:
        """Return the lines of an outcome, which need not be kept any longer."""
        return [(line, self._kept.pop(line, b"")) for line in outcome.lines]

    def _objects(self, unwrapped: Unwrapped, decoded: Decoded) -> None:
        lines, items, _, _ = unwrapped
        found = [self._detector.see(item) for item in items]
        if self._held and not self._detector.is_open:
            self._release(decoded)
        if not any(found):
            if self._detector.is_open:
                self._held.extend((lines, item) for item in items[:1])
            else:
                decoded.foreign.extend(lines)
            return
        taken = [self._convert(each, unwrapped, decoded) for each in found if each is not None]
        if any(taken):
            decoded.taken += len(lines)
        else:
            decoded.failed.extend(lines)

    def _convert(self, detected: Detected, unwrapped: Unwrapped, decoded: Decoded) -> bool:
        """Add the records that are complete with an object; False if its converter failed."""
        name, item = detected.format.name, detected.item
        self.objects[name] += 1
        if detected.format is LLMLOG:
            decoded.add(unwrapped.lines[0], _own(item, unwrapped))
            return True
        if not detected.format.calls:
            self.no_calls = detected.format
        converter = self._converters.get(name) or self._new_converter(detected.format)
        return _collect(lambda: converter.feed(unwrapped.lines[0], item), decoded)

    def _new_converter(self, of: Format) -> Converter:
        converter = of.converter(self._states.setdefault(of.name, {}))
        self._converters[of.name] = converter
        return converter

    def _release(self, decoded: Decoded) -> None:
        """Decide on the first objects, none of which revealed the file's format."""
        self._detector.is_open = False
        held, self._held = self._held, []
        for lines, item in held:
            detected = self._detector.tell(item)
            if detected is None:
                decoded.foreign.extend(lines)
            elif self._convert(detected, Unwrapped(lines, [item]), decoded):
                decoded.taken += len(lines)
            else:
                decoded.failed.extend(lines)

    def _flush_converters(self, decoded: Decoded) -> None:
        for converter in self._converters.values():
            _collect(converter.flush, decoded)
        self._count_lost(decoded)

    def _count_lost(self, decoded: Decoded) -> None:
        """Add what converters lost, and corrected, since the last time."""
        for name, converter in self._converters.items():
            corrections: dict[Key, Record] | None = getattr(converter, "corrections", None)
            if corrections:
                decoded.corrections |= corrections
                corrections.clear()
            lost: Counter[str] | None = getattr(converter, "lost", None)
            if lost:
                decoded.lost += lost - self._lost.get(name, Counter())
                self._lost[name] = Counter(lost)


def _own(item: Item, unwrapped: Unwrapped) -> bytes:
    """Return llmlog's own record as a line; a missing time is the wrapping's."""
    is_whole = unwrapped.items[0] is item
    if item.get("ts") is None and not any(key in item for key in TIME_KEYS):
        outer = None if is_whole else time_of(unwrapped.items[0])
        time = unwrapped.time if outer is None else outer
        if time is not None:
            return dump({**item, "ts": time})
    return unwrapped.text if is_whole and unwrapped.text is not None else dump(item)


def _collect(feed: Callable[[], Iterable[Found]], decoded: Decoded) -> bool:
    """Add a converter's records; False if it failed."""
    try:
        for line, record in feed():
            decoded.add(line, dump(record))
    except Exception:  # noqa: BLE001 - whatever it is, it costs the object only, and is counted
        return False
    return True
