"""`logged_chat`: one chat completion with one record on stdout, under ids of the caller's."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

from llmlog._core import Core
from llmlog._optional import import_optional
from llmlog._session import Session
from llmlog._writer import Writer, open_writer

if TYPE_CHECKING:
    from openai import OpenAI

    from llmlog._foreign import Foreign


def logged_chat(session_id: str, trace_id: str, step: int, **kwargs: Foreign) -> Foreign:
    """Call `client.chat.completions.create(**kwargs)`, and print its record to stdout.

    The client is created once, from OPENAI_API_KEY and OPENAI_BASE_URL. Returns the completion;
    raises what the SDK raises.
    """
    trace = Session(Core(_stdout(), session_id)).trace(trace_id, first_step=step)
    client: Foreign = trace.wrap(_client())
    return client.chat.completions.create(**kwargs)


@functools.cache
def _client() -> OpenAI:
    client: OpenAI = import_optional("openai", "llmlog[openai]").OpenAI()
    return client


@functools.cache
def _stdout() -> Writer:
    return open_writer(_print)


def _print(line: bytes) -> None:
    # Looked up each time: the application may redirect sys.stdout.
    sys.stdout.write(line.decode())
    sys.stdout.flush()
