"""Sidecar, settings, rules and state are tried like hostile logs: used, or refused in a line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.analysis.query.predicate import predicate_problem
from llmlog_tui.config.bookmarks import BookmarkStore
from llmlog_tui.config.rules import Rules, RulesError, read_rules
from llmlog_tui.config.settings import Memory, Settings, SettingsError
from llmlog_tui.config.settings_file import read_settings
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.overview_layout import OverviewLayout
from llmlog_tui.tui.panes.call_columns import ColumnChoice

TEXTS = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
SETTINGS = ("theme", "bell", "keys", "rows", "ascii", "nonsense")
SECTIONS = ("truncation", "latency", "rate_limit", "budget", "on_alert", "prices", "nonsense")
KEYS = (
    *("enabled", "window_calls", "level", "least_left", "usd_per_hour", "command", "webhook"),
    *("timeout_s", "per_minute", "input", "output", "cached", "where", "style", "app.freeze"),
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if value is None:
        return '""'
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")


def documents(names: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    tables = st.dictionaries(st.sampled_from(KEYS) | TEXTS, VALUES, max_size=3)
    each = st.dictionaries(st.sampled_from(names), tables | st.lists(tables) | VALUES, max_size=3)
    return each.map(
        lambda document: "\n".join(f"{name} = {toml(value)}" for name, value in document.items())
    ).map(lambda text: text.encode(errors="surrogatepass"))


def in_a_file(content: bytes) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="llmlog-test-"))
    path = folder / "calls.jsonl.bookmarks"
    path.write_bytes(content)
    return path


@settings(max_examples=examples(200), deadline=None)
@given(documents(SETTINGS) | st.binary(max_size=200))
@example(b"keys = {'app.freeze' = '\\u0000'}")
@example(b"#" * 2**21)
@example(b"[[rows]]\nwhere = 'x in (select 1)'\nstyle = 'error'")
def test_any_settings_are_used_or_refused(content: bytes) -> None:
    try:
        found = read_settings(in_a_file(content), ("app.freeze",), predicate_problem)
        assert isinstance(found, Settings)
    except SettingsError as error:
        assert sanitize(str(error))  # noqa: PT017 - some are fine


@settings(max_examples=examples(200), deadline=None)
@given(documents(SECTIONS) | st.binary(max_size=200))
@example(b"on_alert = {command = ['a\\u0000b']}")
@example(b"budget = {usd_per_hour = 1e999}")
@example(b"budget = {usd_per_hour = " + b"9" * 400 + b"}")
@example(b"truncation = {window_calls = " + b"9" * 5_000 + b"}")
def test_any_rules_are_used_or_refused(content: bytes) -> None:
    try:
        assert isinstance(read_rules(in_a_file(content)), Rules)
    except RulesError as error:
        assert sanitize(str(error))  # noqa: PT017 - some are fine


@settings(max_examples=examples(200), deadline=None)
@given(VALUES.map(lambda value: json.dumps({"overview": value, "calls": value})) | TEXTS)
@example("[" * 100_000)
@example('{"overview": {"top": ' + "9" * 5_000 + "}}")
def test_any_state_of_the_dashboard_is_a_layout(content: str) -> None:
    path = in_a_file(content.encode(errors="surrogatepass"))
    memory = Memory(path)
    layout = OverviewLayout.from_object(memory.get("overview"))
    columns = ColumnChoice.from_object(memory.get("calls"))
    assert OverviewLayout.from_object(layout.as_object()) == layout
    assert ColumnChoice.from_object(columns.as_object()) == columns
    memory.put("overview", layout.as_object())
    assert Memory(path).get("overview") == layout.as_object()


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(("record", "what", "note", "removed")) | TEXTS, VALUES)
        .map(json.dumps)
        .map(str.encode)
        | st.binary(max_size=40),
        max_size=5,
    ).map(b"\n".join)
)
@example(b"[" * 100_000)
@example(b'{"record": {"id": "x"}, "made": ' + b"9" * 5_000 + b"}")
def test_any_sidecar_gives_bookmarks_or_is_named(content: bytes) -> None:
    sidecar = in_a_file(content)
    bookmarks, problems = BookmarkStore().read([sidecar.with_suffix("")])
    assert len(bookmarks) <= content.count(b"\n") + 1
    assert all("\n" not in problem for problem in problems)
    assert sidecar.read_bytes() == content
