"""A step's content: conversation, text as written, raw line, or fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

import orjson
from textual.binding import BindingType

from llmlog_tui import humanize
from llmlog_tui.log.decoded_line import DecodedLine
from llmlog_tui.tui.keys.panes import CONTENT_BINDINGS
from llmlog_tui.tui.panes.pane import READING, Pane
from llmlog_tui.tui.render import record_text
from llmlog_tui.tui.render.conversation_rows import (
    GROUP,
    ConversationRows,
    LineRows,
    Look,
    RowKey,
    TextRows,
    lines_of,
    opened_at_first,
)
from llmlog_tui.tui.render.replay_text import MODES
from llmlog_tui.tui.render.search_text import MarkedRows
from llmlog_tui.tui.widgets.bindings import TABLE_BINDINGS
from llmlog_tui.tui.widgets.folded_text import Line, find_words
from llmlog_tui.tui.widgets.row_source import RowSource

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.conversation import Message
    from llmlog_tui.tui.queries import StepContent

_KEYS: Final = "J/K message  Enter fold  a answer  y copy  v as written", "Enter fold  v as written"
KEYS_OF_A_HIT: Final = "J/K message  Enter fold  v as written", _KEYS[1]


class ContentPane(Pane):
    """Messages folded to a line each; the newest is open."""

    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_BINDINGS, *CONTENT_BINDINGS]

    def __init__(self) -> None:
        super().__init__(heading=False, id="content")
        self.following = False
        self.empty = READING
        self.is_zoomed = False
        self._mode = 0
        self._name = ""
        self._content: StepContent | None = None
        self._look = Look(0)
        self._bodies: dict[tuple[int, int, bool], Sequence[Line]] = {}
        self._marked = ""
        self._has_keys = (False, False)  # of messages, of an answer
        self.keys = _KEYS
        """Texts of the subtitle, the longest first."""

    def update(self, name: str, content: StepContent, answer_note: str) -> None:
        """Show the content of a step called `name`; its answer, or newest message, is open."""
        if content is self._content:
            return
        before, self._content, self._name = self._content, content, name
        if before is not None and before.line is content.line:  # compared since
            self.redraw()
            return
        self._bodies = {}
        total = len(content.conversation.messages)
        newest = content.conversation.answer
        newest = total - 1 if newest is None else newest
        opened = opened_at_first(content.conversation.messages, newest)
        self._look = Look(self.room, opened, answer_note=answer_note)
        self.redraw()
        self._go_to_message(newest)

    def update_empty(self, text: str) -> None:
        """Show a text in place of content."""
        self._content, self._bodies = None, {}
        self.empty = text
        self.redraw()

    @property
    def mode(self) -> str:
        return MODES[self._mode]

    def set_mode(self, mode: int) -> None:
        """Show the step in another of MODES."""
        before, self._mode = self.mode, mode % len(MODES)
        message = self.message
        self.redraw()
        if before != self.mode:
            self._go_to_message(message or 0)

    @property
    def message(self) -> int | None:
        """Index of the message under the cursor; None without one."""
        if not isinstance(self.cursor_key, RowKey) or not self._shows_messages:
            return None
        return max(0, self.cursor_key.message)

    @property
    def _shows_messages(self) -> bool:
        content = self._content
        has_any = content is not None and bool(content.conversation.messages)
        return has_any and self._mode < MODES.index("raw line")

    @property
    def has_answer(self) -> bool:
        """Whether there is an answer to go to, among messages that are shown."""
        content = self._content
        return (
            content is not None and self._shows_messages and content.conversation.answer is not None
        )

    def redraw(self) -> None:
        self.following = False
        has_keys = self._shows_messages, self.has_answer
        if has_keys != self._has_keys:
            self._has_keys = has_keys
            self.refresh_bindings()
        if self._content is None:
            self.set_source(LineRows(()))
            self.set_title("Content")
            return
        is_written = self.mode == "as written"
        self._look = replace(self._look, width=self.room, as_written=is_written)
        rows = self._rows_of(self._content)
        self.set_source(MarkedRows(rows, self._marked) if self._marked else rows)
        self.following = False
        self.set_title(self._title(self._content), *self._subtitles(self._content))

    def _rows_of(self, content: StepContent) -> RowSource:
        width = max(1, self._look.width)
        if self._shows_messages:
            return ConversationRows(content.conversation, self._look, self._bodies)
        read = DecodedLine(content.line, content.record)
        if self.mode == "raw line" and content.record is not None:
            return TextRows(_indented(content), width, is_json=True)
        texts = record_text.fields if self.mode == "fields" else record_text.without_content
        return LineRows(tuple(lines_of(texts(read, content.location[0], width), width)))

    def _title(self, content: StepContent) -> str:
        if not self._shows_messages:
            return f"{self.mode.capitalize() if self._mode > 1 else 'Content'} · {self._name}"
        found = content.conversation
        new = f", {found.new:,} new" if found.new else ""
        count = humanize.plural(len(found.messages), "message")
        mode = "As written" if self._look.as_written else "Conversation"
        return f"{mode} · {self._name} · {count}{new}"

    def _subtitles(self, content: StepContent) -> Sequence[str]:
        following = f"v {MODES[(self._mode + 1) % len(MODES)]}"
        keys = [following]
        if self._shows_messages:
            keys = [text.replace("v as written", following) for text in self.keys]
        redacted = content.conversation.redacted
        if not redacted:
            return (*keys, "")
        note = f"redacted, {humanize.plural(redacted, 'value')} replaced"
        return (f"{note} · {keys[0]}", note, "")

    # -- words that were found

    def mark(self, words: str) -> None:
        """Mark all occurrences of words; without any, none."""
        if words != self._marked:
            self._marked = words
            self.redraw()

    def go_to_marked(self) -> None:
        """Go to the first marked words, in the first mode that shows them."""
        content, words = self._content, self._marked
        if content is None or not words:
            return
        texts = enumerate(content.conversation.messages)
        found = next((n for n, each in texts if has_words(each, words)), None)
        if found is not None:
            opened = self._look.opened | {found}
            self._look = replace(self._look, opened=opened, is_group_open=True)
        shown = self._mode
        for mode in (shown, MODES.index("as written"), MODES.index("raw line")):
            self._mode = mode
            self.redraw()
            if self._go_to_words(words):
                return
        self._mode = shown
        self.redraw()
        self._go_to_message(found or 0)

    def _go_to_words(self, words: str) -> bool:
        rows = self.source.rows_below if isinstance(self.source, MarkedRows) else self.source
        if not isinstance(rows, ConversationRows | TextRows):
            return False
        key = rows.find(words)
        if key is None or not self.move_to(key):
            return False
        self.following = False
        self._scroll(self._cursor - self._height // 3)
        self.repaint()
        return True

    # -- what the user does

    def _go_to_message(self, message: int) -> None:
        """Put the cursor on a message's head, and show as much of it as fits."""
        key = RowKey(message)
        if not self.move_to(key) and not self.move_to(GROUP):
            self.action_first()
        self.following = False
        end = self.source.index(RowKey(message, len(self.source)))
        if end is not None and self._cursor >= 0:
            below = min(end, self._cursor + self._height - 1)
            if below >= self._top + self._height:
                self._scroll(below - self._height + 1)
                self.repaint()

    def action_select(self) -> None:
        """Fold or unfold the message under the cursor."""
        key = self.cursor_key
        if not isinstance(key, RowKey) or not self._shows_messages:
            return
        if key == GROUP:
            self._look = replace(self._look, is_group_open=True)
            self.redraw()
            return
        self._look = replace(self._look, opened=self._look.opened ^ {key.message})
        self.redraw()
        self._go_to_message(key.message)

    def action_message(self, direction: int) -> None:
        """Go to the next message, or with -1 to the previous one."""
        if not isinstance(self.cursor_key, RowKey) or not self._shows_messages:
            return
        at, line = self._cursor, self.cursor_key.line
        if direction < 0 and line:
            self._go(at - line)
            return
        rows = range(at + 1, len(self.source)) if direction > 0 else range(at - 1, -1, -1)
        found = next((n for n in rows if self._is_head(n)), None)
        if found is not None:
            key = self.source.key(found)
            if isinstance(key, RowKey):
                self._go_to_message(key.message)

    def _is_head(self, index: int) -> bool:
        key = self.source.key(index)
        return isinstance(key, RowKey) and key.line == 0

    def action_answer(self) -> None:
        """Go to the answer, open, if there is one."""
        found = None if self._content is None else self._content.conversation.answer
        if found is None or not self._shows_messages:
            return
        self._look = replace(self._look, opened=self._look.opened | {found})
        self.redraw()
        self._go_to_message(found)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable keys of messages where none is shown, and Tab where there is another pane."""
        if action in ("select", "message", "tab_message") and not self._shows_messages:
            return False
        if action == "tab_message":
            return self.is_zoomed
        return super().check_action(action, parameters)

    def action_tab_message(self, direction: int) -> None:
        self.action_message(direction)


def has_words(message: Message, words: str) -> bool:
    """Return whether any part of a message has the words, in any case."""
    return any(find_words(part.text, words) is not None for part in message.parts)


def _indented(content: StepContent) -> str:
    line = b"" if content.line is None else content.line
    try:
        return orjson.dumps(orjson.loads(line), option=orjson.OPT_INDENT_2).decode()
    except (TypeError, orjson.JSONDecodeError):
        return line.decode(errors="replace")
