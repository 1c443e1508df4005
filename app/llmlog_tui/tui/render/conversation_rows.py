"""A conversation as rows: a head per message, and lines of open ones."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from rich.cells import cell_len, set_cell_size
from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.render.line_sequences import ChainedLines, FoldedLines, find_line
from llmlog_tui.tui.widgets.folded_text import FoldedText, Line, printable_lines, wrap_spans
from llmlog_tui.tui.widgets.markdown_lines import markdown_lines
from llmlog_tui.tui.widgets.row_source import (
    UNMARKED,
    CellSpan,
    Column,
    Row,
    RowSource,
    Tone,
    cell,
)

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.conversation import Conversation, Message
    from llmlog_tui.analysis.traces.message_shapes import Part

MAX_MARKDOWN: Final = 24_000
"""Maximum characters of a message that are rendered as Markdown: more would delay the key."""
_MAX_WRAPPED: Final = 40_000
"""Maximum characters of a message that are rendered, or broken between words."""
_ROLE: Final = 10
"""Cells of a message's role."""
_INDENT: Final = CellSpan("    ")
_PREVIEW: Final = 400
"""Maximum characters of a message that its head is made from."""
_MIN_GROUP: Final = 3
"""Minimum messages that are shown as one line, `as in step 5`."""
_SHOWN_BEFORE: Final = 2
"""Messages shown before that line: mostly the system's and the first of the user."""
NEW: Final = CellSpan("+", "success")
ROLE_TONES: Final[dict[str, Tone]] = {
    "system": "muted",
    "developer": "muted",
    "user": "primary",
    "assistant": "strong",
    "tool": "secondary",
    "call": "secondary",
    "result": "secondary",
    "error": "error",
}


class RowKey(NamedTuple):
    """Line of a message, 0 is its head; message -1 groups shared ones."""

    message: int
    line: int = 0


GROUP: Final = RowKey(-1)


@dataclass(frozen=True)
class Look:
    """How a conversation is shown: width, Markdown or text as written, which messages are open.

    `answer_note` is shown beside the answer.
    """

    width: int
    opened: frozenset[int] = frozenset()
    is_group_open: bool = False
    as_written: bool = False
    answer_note: str = ""


class ConversationRows(RowSource):
    """Rows of a conversation; `bodies` caches the lines of open messages."""

    columns = (Column("", 0, flex=True),)

    def __init__(
        self,
        conversation: Conversation,
        look: Look,
        bodies: dict[tuple[int, int, bool], Sequence[Line]],
    ) -> None:
        self._conversation = conversation
        self._look = look
        self._bodies = bodies
        self._entries = self._visible()
        self._ends = list(accumulate(1 + len(self._body(n)) for n in self._entries))

    def _visible(self) -> list[int]:
        """Return the indexes of the messages that are shown, -1 for the group."""
        total, shared = len(self._conversation.messages), self._conversation.shared
        last_shown = min(_SHOWN_BEFORE, shared)
        hidden = range(last_shown, shared)
        if self._look.is_group_open or len(hidden) < _MIN_GROUP:
            return list(range(total))
        return [*range(last_shown), GROUP.message, *range(shared, total)]

    def _body(self, message: int) -> Sequence[Line]:
        look = self._look
        if message not in look.opened:
            return ()
        key = (message, look.width, look.as_written)
        if key not in self._bodies:
            self._bodies[key] = body(
                self._conversation.messages[message],
                self._conversation.results,
                look.width,
                as_written=look.as_written,
            )
        return self._bodies[key]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def key(self, index: int) -> RowKey:
        at = bisect_right(self._ends, index)
        return RowKey(self._entries[at], index - (self._ends[at - 1] if at else 0))

    def index(self, key: Hashable) -> int | None:
        if not isinstance(key, RowKey) or key.message not in self._entries:
            return None
        at = self._entries.index(key.message)
        start = self._ends[at - 1] if at else 0
        return min(start + key.line, self._ends[at] - 1)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        return [self._row(self.key(n)) for n in range(start, stop)]

    def _row(self, key: RowKey) -> Row:
        if key == GROUP:
            return Row([cell(self._group_line(), "muted")])
        if key.line:
            line = self._body(key.message)[key.line - 1]
            return Row([[_INDENT, *line]])
        shared = self._conversation.shared
        mark = NEW if shared and key.message >= shared else UNMARKED
        return Row([self._head(key.message)], mark)

    def find(self, words: str) -> RowKey | None:
        """Return the first line of an open message with words; None without one."""
        for message in self._entries:
            if message in self._look.opened and message >= 0:
                line = find_line(self._body(message), words)
                if line is not None:
                    return RowKey(message, line + 1)
        return None

    def _group_line(self) -> str:
        shared, step = self._conversation.shared, self._conversation.shared_with
        count = shared - min(_SHOWN_BEFORE, shared)
        where = "the call before" if step is None else f"step {step}"
        return f"  ⋮ {humanize.plural(count, 'message')} as in {where}"

    def _head(self, n: int) -> Line:
        """Return a message's line: its role, how it begins, and its size."""
        message, look = self._conversation.messages[n], self._look
        is_open = n in look.opened
        role = sanitize(message.role, _ROLE)
        tone = ROLE_TONES.get(message.role, "accent")
        note = size_of(message)
        if message.is_answer and look.answer_note and n == self._conversation.answer:
            note = look.answer_note
        label = f"{'▾' if is_open else '▸'} {role:<{_ROLE}} "
        room = max(0, look.width - cell_len(label) - len(note) - 2)
        text = "" if is_open else preview(message, self._conversation.calls)
        shown = text if cell_len(text) <= room else set_cell_size(text, max(0, room - 1)) + "…"
        padding = " " * (look.width - cell_len(label) - cell_len(shown) - len(note))
        preview_tone: Tone = "error" if message.role == "error" else ""
        return [
            CellSpan(label, tone),
            CellSpan(shown, preview_tone),
            CellSpan(padding + note, "muted"),
        ]


def opened_at_first(messages: Sequence[Message], first: int) -> frozenset[int]:
    """Return the message at `first`, and later ones while there is room."""
    left = _MAX_WRAPPED
    opened: list[int] = []
    for n in range(max(0, first), len(messages)):
        left -= sum(len(part.text) for part in messages[n].parts)
        if opened and left < 0:
            break
        opened.append(n)
    return frozenset(opened)


def preview(message: Message, calls: Mapping[str, Part]) -> str:
    """Return how a message begins, in one printable line."""
    shown: list[str] = []
    for part in message.parts[:20]:
        if part.kind == "call":
            shown.append(f"→ {call_line(part)}")
        elif part.kind == "result":
            asked = calls.get(part.call_id)
            name = part.name if asked is None else call_line(asked, 80)
            shown.append(f"{name} → {part.text[:_PREVIEW]}" if name else part.text[:_PREVIEW])
        elif part.kind == "media":
            shown.append(f"[{media_line(part)}]")
        elif part.kind == "reasoning":
            shown.append(f"[reasoning, {len(part.text):,} chars]")
        else:
            shown.append(part.text[:_PREVIEW])
    return sanitize(" ".join(" ".join(shown).split()), _PREVIEW)


def size_of(message: Message) -> str:
    """Return the size of a message: characters, or its number of tool calls."""
    calls = sum(part.kind == "call" for part in message.parts)
    characters = sum(len(part.text) for part in message.parts if part.kind != "call")
    sizes = [humanize.plural(calls, "tool call")] if calls else []
    if characters:
        sizes.append(f"{characters:,} chars")
    return " · ".join(sizes)


def body(
    message: Message, results: Mapping[str, Part], width: int, *, as_written: bool
) -> Sequence[Line]:
    """Return the lines of a message below its head."""
    room = max(8, width - len(_INDENT.text))
    chunks: list[Sequence[Line]] = []
    left, markdown_left = _MAX_WRAPPED, MAX_MARKDOWN
    for part in message.parts:
        if chunks:
            chunks.append([[]])
        markdown_left -= len(part.text) if part.kind == "text" else 0
        is_plain = as_written or (part.kind == "text" and markdown_left < 0)
        is_one_line = part.kind == "media" or (part.kind == "reasoning" and not as_written)
        left -= 0 if is_one_line else len(part.text)
        if left < 0 and not is_one_line:
            text = f"→ {part.name}({part.text})" if part.kind == "call" else part.text
            chunks.append(FoldedLines(FoldedText(text, room), _text_tone(message, part)))
        else:
            lines = _part_lines(message, part, results, room, as_written=is_plain)
            chunks.append(list(lines))
    return chunks[0] if len(chunks) == 1 else ChainedLines(chunks)


def _text_tone(message: Message, part: Part) -> Tone:
    if message.role == "error":
        return "error"
    return "emphasis" if part.kind == "reasoning" else ""


def _part_lines(
    message: Message, part: Part, results: Mapping[str, Part], width: int, *, as_written: bool
) -> Iterator[Line]:
    if part.kind == "media":
        yield [CellSpan(media_line(part), "accent")]
    elif part.kind == "call":
        yield from _call_lines(part, results.get(part.call_id), width)
    elif part.kind == "reasoning" and not as_written:
        beginning = sanitize(" ".join(part.text[:_PREVIEW].split()), _PREVIEW)
        size = f"reasoning  {len(part.text):,} chars  "
        yield [CellSpan(size, "accent"), CellSpan(_cut(beginning, width - len(size)), "emphasis")]
    elif part.kind == "text" and not as_written:
        yield from markdown_lines(part.text, width)
    else:
        text = _pretty_json(part.text) if part.kind in ("data", "result") else part.text
        yield from text_lines(text, width, _text_tone(message, part))


def _call_lines(part: Part, result: Part | None, width: int) -> Iterator[Line]:
    """Yield `name(arguments)`, over several lines if it is long, and its result below."""
    line = call_line(part, 4 * width)
    name = sanitize(part.name, 80)
    if cell_len(line) <= width - 2:
        yield [CellSpan("→ ", "muted"), CellSpan(name, "secondary"), CellSpan(line[len(name) :])]
    else:
        yield [CellSpan("→ ", "muted"), CellSpan(name, "secondary"), CellSpan("(")]
        for inner in text_lines(_pretty_json(part.text), width - 4):
            yield [CellSpan("    "), *inner]
        yield [CellSpan("  )")]
    if result is not None:
        shown = sanitize(" ".join(result.text[:_PREVIEW].split()), _PREVIEW)
        yield [CellSpan("  ← ", "muted"), CellSpan(_cut(shown, width - 4), "muted")]


def call_line(part: Part, limit: int = _PREVIEW) -> str:
    """Return a call as `name(key="value", ...)`, in at most `limit` characters."""
    try:
        arguments = orjson.loads(part.text) if len(part.text) <= _MAX_WRAPPED else None
    except orjson.JSONDecodeError:
        arguments = None
    if isinstance(arguments, dict):
        inner = ", ".join(f"{name}={_compact(value)}" for name, value in arguments.items())
    else:
        inner = part.text[:limit]
    return sanitize(" ".join(f"{part.name}({inner})".split()), limit)


def _compact(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return str(value)


def media_line(part: Part) -> str:
    """Return media by type and size, or where it is."""
    size = "" if part.size is None else f"  {_bytes(part.size)}"
    return sanitize(f"{part.name}{size}  {part.text}".rstrip(), 160)


def _bytes(size: int) -> str:
    kilo = 1_000
    if size < kilo:
        return f"{size} B"
    return f"{size / kilo:,.1f} kB" if size < kilo * kilo else f"{size / kilo / kilo:,.1f} MB"


def _pretty_json(text: str) -> str:
    """Return JSON text indented; other text unchanged."""
    if not text[:1] or text[0] not in "{[" or len(text) > _MAX_WRAPPED:
        return text
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, TypeError):
        return text


def text_lines(text: str, width: int, tone: Tone = "") -> Iterator[Line]:
    """Yield a text as it is written, in lines of at most `width` cells."""
    if len(text) > _MAX_WRAPPED:
        yield from ([CellSpan(row, tone)] for row in FoldedText(text, width))
        return
    for line in printable_lines(text):
        yield from wrap_spans([CellSpan(line, tone)], width) if line else [[]]


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"


def lines_of(contents: Iterable[Content], width: int) -> Iterator[Line]:
    """Yield styled texts as lines of at most `width` cells, continued below their values."""
    for content in contents:
        spans, at = [], 0
        for start, end, style in sorted(content.spans):
            spans += [CellSpan(content.plain[at:start]), _span(content.plain[start:end], style)]
            at = end
        spans.append(CellSpan(content.plain[at:]))
        yield from wrap_spans(spans, width) if content.plain else [[]]


def _span(text: str, style: object) -> CellSpan:
    name = str(style).removeprefix("$text-")
    tones: dict[str, Tone] = {"muted": "muted", "accent": "accent", "warning": "warning"}
    return CellSpan(text, tones.get(name, ""))


class NumberedRows(RowSource):
    """Rows of one column, each with its position as its key."""

    columns = (Column("", 0, flex=True),)

    def key(self, index: int) -> Hashable:
        return RowKey(0, index)

    def index(self, key: Hashable) -> int | None:
        is_here = isinstance(key, RowKey) and key.line < len(self)
        return key.line if is_here and isinstance(key, RowKey) else None


class TextRows(NumberedRows):
    """Rows of one long text; with `is_json`, names and values are coloured."""

    def __init__(self, text: str, width: int, *, is_json: bool = False) -> None:
        self._text = FoldedText(text, width)
        self._is_json = is_json

    def __len__(self) -> int:
        return len(self._text)

    def find(self, words: str) -> RowKey | None:
        """Return the first row with words; None without one."""
        row = self._text.find(words)
        return None if row is None else RowKey(0, row)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        return [Row([self._line(n)]) for n in range(start, stop)]

    def _line(self, index: int) -> Line:
        row = self._text[index]
        if self._is_json and self._text.is_continued(index):  # only texts are as long
            return [CellSpan(row, "success")]
        found = _NAME.match(row) if self._is_json else None
        if found is None:
            return [CellSpan(row, _value_tone(row) if self._is_json else "")]
        name, value = row[: found.end()], row[found.end() :]
        return [CellSpan(name, "primary"), CellSpan(value, _value_tone(value))]


_NAME: Final = re.compile(r'\s*"(?:[^"\\]|\\.)*":(?= |$)')


def _value_tone(value: str) -> Tone:
    value = value.strip()
    if value.startswith("null"):
        return "muted"
    return "success" if value.startswith('"') else "accent" if value[:1].isalnum() else ""


class LineRows(NumberedRows):
    """Rows of lines that were made before."""

    def __init__(self, lines: Sequence[Line], marks: Sequence[CellSpan] = ()) -> None:
        self._lines, self._marks = lines, marks

    def __len__(self) -> int:
        return len(self._lines)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        marks = self._marks or [UNMARKED] * len(self._lines)
        return [Row([self._lines[n]], marks[n]) for n in range(start, stop)]
