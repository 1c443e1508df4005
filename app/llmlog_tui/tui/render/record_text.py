"""A record's line as readable text: its fields, the line itself, or its content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from textual.content import Content

from llmlog.record import CALL_EVENTS
from llmlog_tui.log.decoded_line import DecodedLine, parsed
from llmlog_tui.sanitize import grep, sanitize

_MAX_VALUE: Final = 4_000
_MAX_LINE: Final = 20_000
_NAME_WIDTH, _NARROW_NAME_WIDTH = 30, 20
_NARROW_BELOW: Final = 70
"""Columns below which values begin further left, and longer names push theirs."""
_TAGS: Final = 200
_GONE: Final = "The file this record was read from is gone: rotated away or replaced."
CONTENT_HINT: Final = (
    'session(…, content="redacted") logs messages and answers, secrets replaced at the source.'
)
_NO_CONTENT: Final = f"This record has no content: only metadata was logged.\n\n{CONTENT_HINT}"
_WITH_CONTENT: Final = (*CALL_EVENTS, "tool_call")
"""Events whose content llmlog logs on request."""


def without_content(read: DecodedLine, file: str, width: int) -> Iterator[Content]:
    """Yield that a record has no content, and the fields it does have."""
    record = read.record
    if record is not None and "v" in record and record.get("event") in _WITH_CONTENT:
        yield from (Content.styled(text, "$text-muted") for text in _NO_CONTENT.splitlines())
        yield Content("")
    yield from fields(read, file, width)


def fields(read: DecodedLine, file: str, width: int) -> Iterator[Content]:
    """Yield all fields in the line's order, then the greps; for `width` columns."""
    line, record = read
    if record is None:
        yield from _unparsed(line)
        return
    names = _NARROW_NAME_WIDTH if width < _NARROW_BELOW else _NAME_WIDTH
    for name, value in record.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield Content.assemble(
            (f"{sanitize(name, _NAME_WIDTH):<{names}} ", "$text-muted"),
            (_bounded(text), "$text-muted" if value is None else ""),
        )
    yield Content("")
    yield from greps(read, file)


def greps(read: DecodedLine, file: str) -> Iterator[Content]:
    """Yield the shell commands that find this record's run, and the record, in its file."""
    line, record = read
    for name in ("trace_id", "request_id"):
        if record is not None and line is not None and isinstance(record.get(name), str):
            yield Content(sanitize(grep(name, record[name], line, file)))


def note(text: str) -> Iterator[Content]:
    """Yield a line with the note on the record's bookmark; none without a note."""
    if text:
        marked = (f"◆ {sanitize(text, _TAGS)}", "$text-accent")
        yield Content.assemble((f"{'note':<12}", "$text-muted"), marked)


def tags(read: DecodedLine) -> Iterator[Content]:
    """Yield a line with the application's own tags; none without tags."""
    found = None if read.record is None else read.record.get("extra")
    if isinstance(found, dict) and found:
        pairs = "  ".join(f"{name}={value}" for name, value in found.items())
        yield Content.assemble((f"{'extra':<12}", "$text-muted"), sanitize(pairs, _TAGS))


def raw(read: DecodedLine) -> Iterator[Content]:
    """Yield the raw line as indented JSON, names and values coloured; other text unchanged."""
    found = parsed(read.line)
    if found is None:
        yield from _unparsed(read.line)
        return
    shown = json.dumps(found, ensure_ascii=False, indent=2)
    for row in shown[:_MAX_LINE].splitlines():
        name, colon, value = row.partition('": ')
        if colon and name.lstrip().startswith('"'):
            yield Content.assemble(
                (sanitize(name + '"'), "$text-primary"), ": ", (sanitize(value), _tone(value))
            )
        else:
            yield Content.styled(sanitize(row), _tone(row.strip()))
    if len(shown) > _MAX_LINE:
        yield Content.styled(f"… {len(shown) - _MAX_LINE:,} more characters", "$text-muted")


def _tone(value: str) -> str:
    if value.startswith("null"):
        return "$text-muted"
    return "$text-success" if value.startswith('"') else "$text-accent"


def _unparsed(line: bytes | None) -> Iterator[Content]:
    yield Content(_GONE if line is None else _bounded(line.decode(errors="replace")))


def _bounded(text: str) -> str:
    more = len(text) - _MAX_VALUE
    return sanitize(text, _MAX_VALUE) + (f" … {more:,} more characters" if more > 0 else "")
