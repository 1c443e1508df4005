"""Detect an object's format by its keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from llmlog_tui.formats import Format, FormatWithoutCalls, Item
from llmlog_tui.formats.json_text import load, without_bom
from llmlog_tui.formats.llmlog import LLMLOG, has_own_keys, is_own, is_record
from llmlog_tui.formats.nesting import Nested, nested

HEAD_OBJECTS: Final = 20
"""Maximum objects, or lines, at a file's start that detection looks at."""

HEAD_BYTES: Final = 64 * 2**10
"""Maximum bytes of a block's first lines; a longer first line counts whole."""

_OWN_BEGINNING: Final = b'{"v": 1, "ts": '


class Detected(NamedTuple):
    """A format, and the object that has it: the given or a nested one."""

    format: Format
    item: Item


class Detector:
    """State of one file: its format so far, and its first objects."""

    def __init__(self, formats: Collection[Format]) -> None:
        self._formats = formats
        self._head: list[Item] = []
        self._keys: set[str] = set()
        self._is_nested = False
        self.current: Format | None = None
        """The format of another tool that the file has, or had last."""
        self.is_open = True
        """Whether the next objects may still tell the format of those before them."""

    def see(self, item: Item) -> Detected | None:
        """Return the format of the file's next object; None for a foreign one."""
        if self.is_open:
            self._head.append(item)
            self.is_open = len(self._head) < HEAD_OBJECTS
        detected = self.tell(item)
        if detected is not None:
            self._note(detected, item)
        return detected

    def like_last(self, item: Item) -> Format | None:
        """Return the file's format if see() finds it in an object itself; else None, unseen."""
        current = self.current
        if current is None or not current.calls or not current.detect((item,)):
            return None
        if "event" in item and is_own(item):
            return None
        self._is_nested = False
        self._note_keys(item)
        return current

    def tell(self, item: Item) -> Detected | None:
        """Return the format of any object of the file; None for a foreign one."""
        if is_own(item):
            return Detected(LLMLOG, item)
        if detected := self._by_format(item):
            return Detected(detected, item)
        inside = list(nested(item))
        for each in inside:
            if is_own(each.item):
                return Detected(LLMLOG, each.item)
        # Later objects of a format may be less distinctive than its first: a common key is enough.
        if self.current and not self._is_nested and self._keys & item.keys():
            return Detected(self.current, item)
        if not has_own_keys(item):
            for each in inside:
                if detected := self._nested(each):
                    return Detected(detected, each.item)
        return Detected(LLMLOG, item) if is_record(item) else None

    def _by_format(self, item: Item) -> Format | None:
        if self.current is not None and self.current.detect([item]):
            return self.current
        heads = [[item]] if len(self._head) < 2 or not self.is_open else [[item], self._head]  # noqa: PLR2004 - one is the item
        for head in heads:
            for each in self._formats:
                if each.detect(head):
                    return each
        return None

    def _nested(self, inside: Nested) -> Format | None:
        if inside.is_named and has_own_keys(inside.item):
            return LLMLOG
        return next((each for each in self._formats if each.detect([inside.item])), None)

    def _note(self, detected: Detected, item: Item) -> None:
        if detected.format is LLMLOG:
            return
        self.is_open = False
        self._head.clear()
        if detected.format is not self.current:
            self.current = detected.format
            self._keys = set()
        self._is_nested = detected.item is not item
        self._note_keys(detected.item)

    def _note_keys(self, item: Item) -> None:
        keys = item.keys()
        if not keys <= self._keys and len(self._keys) < _MAX_KEYS:
            self._keys |= keys


_MAX_KEYS: Final = 256


def without_calls(formats: Collection[Format], lines: Sequence[bytes]) -> Format | None:
    """Return the known text log that begins with these lines, none of them JSON."""
    text = [line.decode(errors="replace") for line in lines]
    for each in formats:
        if isinstance(each, FormatWithoutCalls) and each.detect_text(text):
            return each
    return None


class Head(NamedTuple):
    """Kind of a block's first lines: mostly plain llmlog records, all with an event."""

    is_plain: bool
    has_events: bool


def head_of(block: bytes, formats: Collection[Format]) -> Head:
    """Look at the first lines of a block. One that begins with nothing is plain."""
    start = block[:HEAD_BYTES]
    if b"\n" not in start and not start.startswith(_OWN_BEGINNING):
        start = block[: block.find(b"\n") + 1 or len(block)]  # an object that is cut tells nothing
    lines = [line for line in start.split(b"\n") if line.strip()]
    if len(lines) > 1 and len(block) > HEAD_BYTES:
        del lines[-1]  # perhaps cut
    lines = lines[:HEAD_OBJECTS]
    own = flat = 0
    for number, line in enumerate(lines):
        text = without_bom(line) if number == 0 else line
        if text.startswith(_OWN_BEGINNING):
            own += 1
            continue
        item = load(text) if text[:1] == b"{" else None
        if not isinstance(item, dict):
            continue
        if is_own(item):
            own += 1
        elif any(each.detect([item]) for each in formats):
            return Head(is_plain=False, has_events=False)
        else:
            flat += is_record(item)
    return Head(is_plain=2 * (own + flat) >= len(lines), has_events=not flat)
