"""The public face: completion in an editor offers an application's names, and no others."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import pytest

import llmlog
from llmlog import testing

if TYPE_CHECKING:
    from llmlog import Session


def public(value: object) -> set[str]:
    return {name for name in dir(value) if not name.startswith("_")}


def test_the_package_shows_its_api_and_its_public_modules() -> None:
    modules = {name for name in public(llmlog) if isinstance(getattr(llmlog, name), ModuleType)}
    assert modules <= {"litellm", "pytest", "record", "record_writer", "redaction", "testing"}
    assert public(llmlog) - modules == set(llmlog.__all__)


def test_a_session_a_trace_and_a_span_show_their_api(session: Session) -> None:
    trace = session.trace()
    assert public(session) == {"enabled", "faults", "session_id", "trace", "wrap"}
    assert public(trace) == {"record", "span", "tagged", "tool", "trace_id", "wrap"}
    assert public(trace.tool("look")) == {"arguments", "result", "tags"}


@pytest.mark.parametrize("value", ["1", "yes"])
def test_the_environment_turns_recording_off_and_the_session_turns_it_on(
    monkeypatch: pytest.MonkeyPatch, memory: testing.Memory, value: str
) -> None:
    monkeypatch.setenv("LLMLOG_DISABLED", value)
    session = testing.session(memory)
    session.trace().record(event="embedding")
    session.enabled = True
    session.trace().record(event="embedding")
    assert len(memory.records()) == 1
