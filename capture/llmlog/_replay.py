"""Answer an SDK client's requests from a recorded log, without key or network."""

from __future__ import annotations

import json
import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmlog._foreign import Fields, Foreign, as_int, as_list, as_object, as_str
from llmlog._jsonable import jsonable
from llmlog._optional import import_optional
from llmlog._replayed_answers import answer_of, events_of
from llmlog._sdk.endpoints import body_of, endpoint_of, event_of_body
from llmlog._sdk.fields import request_messages
from llmlog.record import CALL_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY: Final = "replayed"
"""API key of clients that reach no server."""


def client_of(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    client: Foreign,
    *,
    in_order: bool,
    options: dict[str, Any],
) -> Foreign:
    """Return a client of the class `client` whose server is the log."""
    each = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    recorded = _Recorded(_records(each), in_order=in_order)
    return _with_transport(client, recorded, options)


def _with_transport(client: Foreign, recorded: _Recorded, options: dict[str, Any]) -> Foreign:
    httpx2 = import_optional("httpx2", "llmlog[openai]")

    def respond(request: Foreign) -> Foreign:
        status, content = recorded.respond(request.method, str(request.url.path), request.content)
        if status is None:
            # The client raises its own exception, of a timeout or of the connection.
            kind = httpx2.ReadTimeout if "Timeout" in content.decode() else httpx2.ConnectError
            raise kind(content.decode(), request=request)
        is_stream = content.startswith((b"data:", b"event:"))
        content_type = "text/event-stream" if is_stream else "application/json"
        return httpx2.Response(status, content=content, headers={"content-type": content_type})

    transport = httpx2.MockTransport(respond)
    is_async = client.__name__.startswith("Async")
    http_client = (httpx2.AsyncClient if is_async else httpx2.Client)(transport=transport)
    return client(**{"api_key": _KEY, "max_retries": 0, **options}, http_client=http_client)


def _records(paths: Iterable[str | os.PathLike[str]]) -> list[Fields]:
    """Return the model calls of the files that can be replayed.

    Raises ValueError if there are none.
    """
    found: list[Fields] = []
    calls = 0
    for path in paths:
        for line in Path(path).read_bytes().splitlines():
            record = _record_in(line)
            if record.get("event") in CALL_EVENTS:
                calls += 1
                has_error = record.get("status") == "error"
                if record.get("input") is not None and (has_error or record.get("output")):
                    found.append(record)
    if not found:
        files = ", ".join(str(path) for path in paths)
        known = f"its {calls} calls are without content" if calls else "it holds no calls"
        raise ValueError(f'{files} cannot be replayed: {known}; record with content="full"')
    return found


def _record_in(line: bytes) -> Fields:
    try:
        return as_object(json.loads(line)) or {}
    except (ValueError, RecursionError):
        return {}


class _Recorded:
    """Recorded calls, each answering one request; the last of equal ones any that follow."""

    def __init__(self, records: list[Fields], *, in_order: bool) -> None:
        self._in_order = in_order
        self._waiting: dict[str, deque[Fields]] = {}
        for record in records:
            self._waiting.setdefault(self._key(record["event"], record["input"]), deque()).append(
                record
            )

    def _key(self, event: object, messages: object) -> str:
        if self._in_order:
            return str(event)
        return json.dumps([event, jsonable(messages)], sort_keys=True)

    def respond(self, method: str, path: str, content: bytes) -> tuple[int | None, bytes]:
        """Return HTTP status and body; None and the exception's name for a lost connection."""
        body = body_of({"content": content})
        endpoint = endpoint_of(method, path)
        event = (endpoint and endpoint.event) or event_of_body(body)
        if endpoint is None or event is None:
            return 404, _error(f"{method} {path} is no call that can be replayed")
        waiting = self._waiting.get(self._key(event, request_messages(event, body)))
        if not waiting:
            hint = "no call is left" if self._in_order else "its input was not recorded"
            return 400, _error(f"{event} cannot be replayed: {hint}")
        # The last one is kept for repetitions of a request, unless the order tells calls apart.
        repeats = len(waiting) == 1 and not self._in_order
        record = waiting[0] if repeats else waiting.popleft()
        return _response(record, body, is_messages=endpoint.is_messages)


def _error(message: str, **known: object) -> bytes:
    return json.dumps(
        {
            "type": "error",
            "error": {"type": "replay_error", "message": f"llmlog: {message}", **known},
        }
    ).encode()


def _response(record: Fields, body: Foreign, *, is_messages: bool) -> tuple[int | None, bytes]:
    if record.get("status") == "error":
        status = as_int(record.get("error_status"))
        kind = as_str(record.get("error_type")) or "error"
        if status is None and not record.get("output"):
            return None, kind.encode()
        if status is not None:
            message = as_str(record.get("error_message")) or kind
            code = record.get("error_code")
            return status, json.dumps(
                {"type": "error", "error": {"message": message, "type": kind, "code": code}}
            ).encode()
    answer = answer_of(record, is_messages=is_messages)
    if answer is None:
        return 400, _error(f"answers of {record['event']} are not in the log")
    if body.get("stream") is not True:
        return 200, json.dumps(answer).encode()
    include_usage = (as_object(body.get("stream_options")) or {}).get("include_usage") is True
    events = events_of(record, answer, include_usage=include_usage)
    return 200, b"".join(_sse(event) for event in as_list(events))


def _sse(event: Foreign) -> bytes:
    if not isinstance(event, dict):
        return b"data: [DONE]\n\n"
    name: Foreign = event.get("type")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()
