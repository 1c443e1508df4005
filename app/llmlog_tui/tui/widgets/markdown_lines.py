"""Markdown as lines of spans for virtual rows.

Textual's Markdown is parsed here as in its widget, which makes a widget of each block: a long
answer takes seconds there. Nothing of a text is loaded, opened or linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len

from llmlog_tui.tui.widgets.folded_text import Line, printable_lines, wrap_spans
from llmlog_tui.tui.widgets.row_source import CellSpan, Tone

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAX_CODE: Final = 10_000
"""Maximum characters of a code block that is coloured."""
_MIN_ROOM: Final = 12
"""Minimum cells of a text, however deep its list is."""
_LANGUAGES: Final = frozenset(
    {
        *("python", "py", "json", "javascript", "js", "typescript", "ts", "bash", "sh", "shell"),
        *("sql", "html", "xml", "css", "yaml", "toml", "go", "rust", "java", "c", "cpp", "diff"),
    }
)
"""Languages whose code is coloured."""
_TONES: Final[tuple[tuple[str, Tone], ...]] = (
    ("Comment", "muted"),
    ("Keyword", "primary"),
    ("Literal.String", "success"),
    ("Literal.Number", "accent"),
    ("Name.Function", "secondary"),
    ("Name.Class", "secondary"),
    ("Name.Tag", "primary"),
    ("Generic.Deleted", "error"),
    ("Generic.Inserted", "success"),
)
"""Prefix of a token's type -> its tone."""
_INLINE: Final[dict[str, Tone]] = {
    "strong_open": "strong",
    "em_open": "emphasis",
    "s_open": "muted",
    "link_open": "primary",
}


def markdown_lines(text: str, width: int) -> list[Line]:
    """Return a Markdown text in lines of at most `width` cells."""
    printable = "\n".join(printable_lines(text))
    lines = list(_Renderer(width).render(_parser().parse(printable)))
    while lines and not lines[-1]:
        lines.pop()
    return lines


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - 200 ms, for the first Markdown only

    return MarkdownIt("gfm-like", {"linkify": False})


@dataclass
class _Renderer:
    """Turns a flat list of tokens into lines; `indents` are what precedes a line's text."""

    width: int
    indents: list[CellSpan] = field(default_factory=list)
    marker: CellSpan | None = None
    """Marker of a list item whose first line is yet to come."""
    counters: list[int | None] = field(default_factory=list)
    """Next number of each open list; None for bullets."""
    tone: Tone = ""
    table: list[list[str]] = field(default_factory=list)
    is_in_table: bool = False

    def render(self, tokens: Sequence[Token]) -> Iterator[Line]:
        for token in tokens:
            handler = getattr(self, f"_{token.type}", None)
            if handler is not None:
                yield from handler(token) or ()

    # -- blocks of text

    def _inline(self, token: Token) -> Iterator[Line]:
        if self.is_in_table:
            self.table[-1].append("".join(span.text for span in _spans(token, "")))
            return
        for spans in _split_at_breaks(_spans(token, self.tone)):
            yield from self._wrapped(spans)

    def _paragraph_close(self, token: Token) -> Iterator[Line]:
        if not token.hidden:
            yield from self._gap()

    def _heading_open(self, token: Token) -> None:
        self.tone = "title" if token.tag in ("h1", "h2") else "strong"

    def _heading_close(self, token: Token) -> Iterator[Line]:
        del token
        self.tone = ""
        yield from self._gap()

    def _html_block(self, token: Token) -> Iterator[Line]:
        for line in token.content.splitlines():
            yield from self._wrapped([CellSpan(line, "muted")])
        yield from self._gap()

    def _hr(self, token: Token) -> Iterator[Line]:
        del token
        yield self._line([CellSpan("─" * self._room, "muted")])
        yield from self._gap()

    # -- lists and quotes

    def _bullet_list_open(self, token: Token) -> None:
        del token
        self.counters.append(None)

    def _ordered_list_open(self, token: Token) -> None:
        start = token.attrs.get("start", 1)
        self.counters.append(int(start) if str(start).isdecimal() else 1)

    def _list_item_open(self, token: Token) -> None:
        del token
        number = self.counters[-1]
        text = "• " if number is None else f"{number}. "
        if number is not None:
            self.counters[-1] = number + 1
        self.marker = CellSpan(text, "muted")
        self.indents.append(CellSpan(" " * len(text)))

    def _list_item_close(self, token: Token) -> None:
        del token
        self.indents.pop()
        self.marker = None

    def _bullet_list_close(self, token: Token) -> Iterator[Line]:
        del token
        self.counters.pop()
        if not self.counters:
            yield from self._gap()

    _ordered_list_close = _bullet_list_close

    def _blockquote_open(self, token: Token) -> None:
        del token
        self.indents.append(CellSpan("│ ", "muted"))

    def _blockquote_close(self, token: Token) -> None:
        del token
        self.indents.pop()

    # -- code and tables

    def _fence(self, token: Token) -> Iterator[Line]:
        for line in _code(token.content, token.info.strip().partition(" ")[0].lower()):
            room = max(_MIN_ROOM, self._room - 2)
            for part in wrap_spans(line, room) if line else [[]]:
                yield self._line([CellSpan("┊ ", "muted"), *part])
        yield from self._gap()

    _code_block = _fence

    def _table_open(self, token: Token) -> None:
        del token
        self.table, self.is_in_table = [], True

    def _tr_open(self, token: Token) -> None:
        del token
        self.table.append([])

    def _table_close(self, token: Token) -> Iterator[Line]:
        del token
        self.is_in_table = False
        rows, self.table = self.table, []
        columns = max((len(row) for row in rows), default=0)
        widths = [
            max(cell_len(row[n]) if n < len(row) else 0 for row in rows) for n in range(columns)
        ]
        for nth, row in enumerate(rows):
            cells = (text + " " * (widths[n] - cell_len(text)) for n, text in enumerate(row))
            tone: Tone = "" if nth else "strong"
            yield from self._wrapped([CellSpan(" │ ".join(cells).rstrip(), tone)])
        yield from self._gap()

    # -- lines

    @property
    def _room(self) -> int:
        return max(_MIN_ROOM, self.width - sum(cell_len(each.text) for each in self.indents))

    def _wrapped(self, spans: Sequence[CellSpan]) -> Iterator[Line]:
        for line in wrap_spans(spans, self._room):
            yield self._line(line)

    def _line(self, spans: Iterable[CellSpan]) -> Line:
        marker, self.marker = self.marker, None
        before = self.indents if marker is None else [*self.indents[:-1], marker]
        return [*before, *spans]

    def _gap(self) -> Iterator[Line]:
        self.marker = None
        yield [each for each in self.indents if each.text.strip()]


def _spans(token: Token, tone: Tone) -> Iterator[CellSpan]:
    """Yield the spans of inline tokens; a line break is a span of a newline."""
    tones: list[Tone] = [tone]
    hrefs: list[str] = []
    for child in token.children or ():
        if child.type in _INLINE:
            tones.append(_INLINE[child.type])
            hrefs.append(str(child.attrs.get("href", "")))
        elif child.type.endswith("_close"):
            tones.pop()
            if href := hrefs.pop():
                yield CellSpan(f" ({href})", "muted")
        elif child.type in ("softbreak", "hardbreak"):
            yield CellSpan("\n")
        elif child.type == "code_inline":
            yield CellSpan(child.content, "code")
        elif child.type == "image":
            yield CellSpan(f"[image {child.content}] {child.attrs.get('src', '')}", "muted")
        else:
            yield CellSpan(child.content, tones[-1])


def _split_at_breaks(spans: Iterable[CellSpan]) -> Iterator[list[CellSpan]]:
    line: list[CellSpan] = []
    for span in spans:
        if span.text == "\n":
            yield line
            line = []
        else:
            line.append(span)
    yield line


def _code(text: str, language: str) -> Iterator[list[CellSpan]]:
    """Yield the lines of a code block, coloured if its language is known."""
    text = text.removesuffix("\n")
    if language not in _LANGUAGES or len(text) > _MAX_CODE:
        yield from ([CellSpan(line)] if line else [] for line in text.split("\n"))
        return
    yield from _split_at_breaks(_coloured(text, language))


def _coloured(text: str, language: str) -> Iterator[CellSpan]:
    lexers = import_module("pygments.lexers")  # 100 ms, for the first code only
    for kind, value in lexers.get_lexer_by_name(language, ensurenl=False).get_tokens(text):
        tone = _tone(kind)
        for n, line in enumerate(value.split("\n")):
            if n:
                yield CellSpan("\n")
            if line:
                yield CellSpan(line, tone)


def _tone(kind: Any) -> Tone:  # noqa: ANN401 - pygments has no types
    name = str(kind).removeprefix("Token.")
    return next((tone for prefix, tone in _TONES if name.startswith(prefix)), "")
