"""A fault in capture is counted and warned about once, and never raised to the call."""

from __future__ import annotations

import subprocess
import sys
import warnings

import httpx2
import pytest
from tests.capture.conftest import QUESTION, client_of, completion

import llmlog
from llmlog import testing


def broken(_: bytes) -> None:
    raise OSError(28, "No space left on device")


def test_a_sink_that_fails_does_not_reach_the_caller() -> None:
    session = llmlog.session(broken)
    client = session.wrap(client_of(httpx2.Response(200, json=completion())))
    with pytest.warns(llmlog.CaptureWarning, match="OSError"):
        client.chat.completions.create(model="m", messages=QUESTION)
    answer = client.chat.completions.create(model="m", messages=QUESTION)
    assert answer.choices[0].message.content == "hi"
    assert session.faults == 2


def test_warnings_turned_into_errors_do_not_reach_the_caller() -> None:
    session = llmlog.session(broken)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.trace().record(event="embedding")
    assert session.faults == 1


def test_under_llmlog_testing_a_fault_is_raised() -> None:
    session = testing.session(broken)
    with pytest.raises(OSError, match="No space"):
        session.trace().record(event="embedding")


def test_importing_llmlog_imports_nothing_but_the_standard_library() -> None:
    code = """
import sys
import llmlog, llmlog.testing, llmlog.__main__
names = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(sorted(n for n in names if not n.startswith("_") and "-" not in n and n != "llmlog"))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("broken_stderr", ["sys.stderr.close()", "warnings.showwarning = broken"])
def test_a_warning_that_cannot_be_shown_does_not_reach_the_caller(broken_stderr: str) -> None:
    code = f"""
import sys, warnings
import llmlog

def broken(*_):
    raise OSError

{broken_stderr}
session = llmlog.session(broken)
session.trace().record(event="embedding")
print(session.faults)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
