"""Whatever objects a log has, and in whatever order: a format never raises, and gives records."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats import test_claude_code, test_codex, test_gemini_cli
from tests.formats.otlp import CHAT, envelope, span
from tests.formats.test_driver import accounted
from tests.formats.test_exports import CONTENT, OTHERS, SAMPLES, sample
from tests.formats.test_otlp_logs import COUNTS, REQUEST, attempt, claude, completed
from tests.formats.wrappers import NESTING, WRAPPERS
from tests.searches import examples

from llmlog.record import EVENTS
from llmlog_tui.formats import Format, Found, Item, SpreadsContent
from llmlog_tui.formats.claude_code import CLAUDE_CODE
from llmlog_tui.formats.driver import Decoder
from llmlog_tui.formats.json_text import dump
from llmlog_tui.formats.otlp_logs import LOGS
from llmlog_tui.formats.otlp_traces import TRACES
from llmlog_tui.formats.shared_state import LIVE, LOADING

FORMATS: tuple[Format, ...] = (*SAMPLES.values(), *OTHERS, TRACES, LOGS)
VALID: list[Item] = [
    *(item for name in SAMPLES for item in sample(name)),
    *(*test_claude_code.TURN, *test_claude_code.AGENT, *test_claude_code.FORK),
    *(*test_codex.NEW, *test_codex.OLD),
    *(test_gemini_cli.HEAD, *test_gemini_cli.MESSAGES),
    {**test_gemini_cli.HEAD, "messages": test_gemini_cli.MESSAGES},
    envelope(span(CHAT), span(CHAT, 1, 2, spanId="c" * 16)),
    *(attempt(1), completed(2, **COUNTS), claude("api_request", **REQUEST)),
]


def names_in(value: object) -> set[str]:
    """All names and short texts inside a value: what a format may look for."""
    if isinstance(value, dict):
        return set(value) | {name for each in value.values() for name in names_in(each)}
    if isinstance(value, list):
        return {name for each in value for name in names_in(each)}
    return {value} if isinstance(value, str) and len(value) < 40 else set()


NAMES = sorted(names_in(VALID))
NUMBERS = (
    st.integers() | st.floats() | st.sampled_from([0, -1, 2**62, 2**63 - 1, 2**63, 9e18, 1e308])
)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | st.sampled_from(NAMES)
JSON: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        | inner.map(lambda value: json.dumps(value, default=str))
    ),
    max_leaves=12,
)
OBJECT = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8)


@st.composite
def broken(draw: st.DrawFn) -> Item:
    """A valid object in which some values, at any depth, were replaced."""
    item: Item = json.loads(json.dumps(draw(st.sampled_from(VALID))))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = item
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            if not keys:
                break
            key = draw(st.sampled_from(list(keys)))
            inner = place[key]
            if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
                place = inner
                continue
            place[key] = draw(JSON)
            break
    return item


def assert_converts(format_: Format, items: list[Item], log: dict[str, Any]) -> None:
    converter = format_.converter(log)
    found: list[Found] = []
    for line, item in enumerate(items):
        assert isinstance(format_.detect([item]), bool)
        found += converter.feed(line, item)
        if line % 3 == 2:
            found += converter.flush()
    found += converter.flush()
    log.clear()
    found += converter.flush()
    for each in found:
        assert each.record["event"] in (*EVENTS, "completion", "image", "audio", "moderation")
        assert not CONTENT & each.record.keys()
        assert format_.content(items[each.line], each.record).keys() <= CONTENT
        if isinstance(format_, SpreadsContent):
            assert format_.spread_content(items[each.line :], each.record).keys() <= CONTENT
        orjson.dumps(each.record)  # raises for integers over 64 bits and lone surrogates


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
@given(
    items=st.lists(broken() | OBJECT | st.sampled_from(VALID), max_size=12),
    state=st.sampled_from([{}, {LOADING: True}, {LIVE: True}]),
)
@settings(max_examples=examples(30), deadline=None)
def test_odd_objects_never_raise(format_: Format, items: list[Item], state: dict[str, Any]) -> None:
    assert_converts(format_, items, dict(state))


@given(files=st.lists(st.lists(broken() | st.sampled_from(VALID), max_size=6), max_size=3))
@settings(max_examples=examples(30), deadline=None)
def test_odd_files_that_begin_alike_never_raise(files: list[list[Item]]) -> None:
    log: dict[str, Any] = {LOADING: True}
    for items in files:
        CLAUDE_CODE.peek(log, items)
    converters = [CLAUDE_CODE.converter(log) for _ in files]
    for converter, items in zip(converters, files, strict=True):
        for line, item in enumerate(items):
            converter.feed(line, item)
        converter.flush()
    del log[LOADING]
    found = [each.record for converter in converters for each in converter.flush()]
    keys = [(each["event"], each["span_id"]) for each in found if "span_id" in each]
    assert len(set(keys)) == len(keys)


@st.composite
def wrapped(draw: st.DrawFn) -> list[bytes]:
    """Lines of objects of any formats, each in a wrapper of its own."""
    items = draw(st.lists(broken() | OBJECT | st.sampled_from(VALID), max_size=8))
    wrap = st.sampled_from([*WRAPPERS.values(), *NESTING.values()])
    return [line for item in items for line in draw(wrap)(dump(item))]


@given(lines=wrapped(), cut=st.integers(0, 20))
@settings(max_examples=examples(60), deadline=None)
def test_in_any_wrapper_every_line_gave_records_or_was_skipped_and_none_raises(
    lines: list[bytes], cut: int
) -> None:
    decoder = Decoder({})
    numbered = list(enumerate(lines))
    parts = [decoder.decode(numbered[:cut]), decoder.flush(), decoder.decode(numbered[cut:])]
    parts.append(decoder.finish())
    assert sum(map(accounted, parts)) == len(lines)
    for part in parts:
        for line, record in zip(part.lines, part.records, strict=True):
            decoder.read_back(lines[line:], orjson.loads(record))
