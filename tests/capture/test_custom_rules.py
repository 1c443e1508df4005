"""An application's own patterns of redaction cannot hold it up, and leave nothing unsearched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmlog
from llmlog import testing
from llmlog._redaction.ambiguity import TooLargeError, is_ambiguous
from llmlog._redaction.custom import PatternSearch, custom_rule

EXPLODING = [
    r"(a+)+b",
    r"(a*)*b",
    r"(?:a|aa)+b",
    r"(ab|a|b)*c",
    r"(abc|a|b|c)*d",
    r"(\w+\s?)+!",
    r"(\w+\s?)+$",
    r"(.*,)*x",
    r"(\d{1,3})*x",
    r"\w+\s*\w+!",
    r".*ab.*c",
    r"(?:a?){30}a{30}",
    "a?" * 30 + "a" * 30,
    r"(?=(a+)+b)x",
    r"(?>(a+)+b)",
    r"(?i)(?:é|É|É)+x|(?:[a-z]+-?)+!",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
]
FINE = [
    r"EMP-\d+",
    r".*secret.*",
    r"(?s)<a>.*?</a>",
    r"\w+\s\w+!",
    r"(?:[A-Z]+-)+\d+",
    r"\w{1,64}\s*\w{1,64}!",
    r"(?i)password\s*[:=]\s*\S+",
    r"[\w.+-]+@[\w-]+\.[\w.-]+",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"(?:\d{4})*x",
    r'"(?:[^"\\]|\\.)*"',
    r"(?:(?!END).)*END",
    r"(a++)+b",
    r"(\w++\s?)+!",
    r"(\w+) \1",
    r"(a)?(?(1)b|c)d*",
    r"[A-Z]{500}",
    "|".join(f"Name{number}" for number in range(2_000)),
    rf"(?i)(?:{'|'.join(f'Name{number}' for number in range(300))})\s+\w+",
]


@pytest.mark.parametrize("pattern", EXPLODING)
def test_a_pattern_that_can_take_exponential_time_is_refused_when_it_is_given(
    memory: testing.Memory, pattern: str
) -> None:
    with pytest.raises(ValueError, match=r"redaction pattern .* can take exponential time"):
        llmlog.session(memory, content="redacted", redact=[pattern])


@pytest.mark.parametrize("pattern", FINE, ids=range(len(FINE)))
def test_a_pattern_that_cannot_is_taken(pattern: str) -> None:
    assert not is_ambiguous(re.compile(pattern))


def test_a_pattern_that_is_too_large_to_be_checked_is_refused() -> None:
    with pytest.raises(ValueError, match="too large to be checked"):
        custom_rule(r"(?:\w{1,64}\s?){1,64}!")
    with pytest.raises(TooLargeError):
        is_ambiguous(re.compile(r"(?:\w{1,64}\s?){1,64}!"))


TEXTS = st.text("aAbEMP-1 <>/.@\n", max_size=60).map(lambda text: text * 30)


@given(TEXTS, st.sampled_from([r"EMP-\d+", r"(?s)<a>.*?</a>", r"^a+|b$", r"\ba|(?<=b)E", r"1\Z"]))
def test_long_texts_lose_the_same_matches_as_short_ones(text: str, pattern: str) -> None:
    assert custom_rule(pattern)(text) == re.sub(pattern, "[redacted:custom]", text)


def ticking(seconds: float) -> Callable[[], float]:
    """Return a clock that advances at each look."""
    ticks: Iterator[int] = count()
    return lambda: next(ticks) * seconds


def test_a_text_that_takes_too_long_is_replaced_as_a_whole_and_said_once() -> None:
    said: dict[str, str] = {}
    search = PatternSearch(re.compile(r"EMP-\d+"), said.__setitem__, ticking(1.0))
    assert search("EMP-1 " * 1_000) == "[redacted:unsearched]"
    (message,) = said.values()
    assert "'EMP-\\\\d+' took too long for 6,000 characters" in message
    assert search("EMP-1 is short") == "[redacted:custom] is short"


def test_after_three_such_texts_long_ones_are_no_longer_searched() -> None:
    looks: list[float] = []
    clock = ticking(1.0)

    def watched() -> float:
        looks.append(clock())
        return looks[-1]

    search = PatternSearch(re.compile("x+y"), lambda *_: None, watched)
    for _ in range(3):
        search("x" * 1_000)
    before = len(looks)
    assert search("harmless " * 1_000) == "[redacted:unsearched]"
    assert len(looks) == before
    assert search("a short xxy") == "a short [redacted:custom]"


def test_the_clock_is_looked_at_between_starts_even_if_nothing_matches() -> None:
    looks = count()
    search = PatternSearch(re.compile("x+y"), lambda *_: None, lambda: float(next(looks)) * 0)
    assert search("x" * 6_400) == "x" * 6_400
    assert next(looks) >= 100


def test_the_application_is_warned_and_its_record_is_written(
    memory: testing.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog._redaction.custom._BUDGET_S", -1.0)
    session = llmlog.session(memory, content="redacted", redact=[r"EMP-\d+"])
    trace: Any = session.trace()
    with pytest.warns(llmlog.CaptureWarning, match=r"'EMP-\\\\d\+' took too long"):
        trace.record(event="embedding", input="EMP-123 asks " * 100)
    assert memory.records()[0]["input"] == "[redacted:unsearched]"
    assert session.faults == 0
