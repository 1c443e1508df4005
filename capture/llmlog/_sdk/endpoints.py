"""Tell model calls from a client's other requests, by method, path and body."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from llmlog._foreign import Foreign

_EVENT_OF_LAST: Final = {
    "completions": "completion",
    "embeddings": "embedding",
    "moderations": "moderation",
    "responses": "response",
}
_EVENT_OF_LAST_TWO: Final = {
    ("chat", "completions"): "chat_completion",
    ("v1", "messages"): "chat_completion",
    ("responses", "compact"): "response",
    ("images", "generations"): "image",
    ("images", "edits"): "image",
    ("images", "variations"): "image",
    ("audio", "speech"): "audio",
    ("audio", "transcriptions"): "audio",
    ("audio", "translations"): "audio",
}

_RUNS_A_MODEL: Final = frozenset({"runs", "batches", "videos", "realtime", "live", "sessions"})
"""Segments of paths behind which a model runs without being named in the body."""

_NO_MODEL_CALL: Final = frozenset(
    {
        "admin",
        "assistants",
        "client_secrets",
        "containers",
        "conversations",
        "count_tokens",
        "detokenize",
        "evals",
        "files",
        "fine_tuning",
        "input_tokens",
        "models",
        "organization",
        "tokenize",
        "uploads",
        "vector_stores",
        "webhooks",
    }
)
"""Path segments of endpoints that manage something or count tokens.

They call no model, even with one in the body.
"""


class Endpoint(NamedTuple):
    """Properties of a request, derived from its method and path."""

    name: str
    """Method and path, without the ids in it."""
    event: str | None = None
    """Event of its record; None if the body is to tell."""
    response_id: str | None = None
    """Id of the response that it fetches or cancels, if that is its purpose."""
    host: str | None = None
    """Host of an absolute URL."""

    @property
    def is_messages(self) -> bool:
        """Whether it is Anthropic's Messages API."""
        return self.name.endswith("/messages")


@functools.lru_cache(maxsize=512)
def endpoint_of(method: str, url: str) -> Endpoint | None:
    """Return a request's endpoint; None if it calls no model.

    Its path may have any form.
    """
    host, path = _split(url)
    segments = [segment for segment in path.split("/") if segment]
    method = method.upper()
    name = f"{method} /{'/'.join(map(_without_id, segments))}"
    last, last_two = tuple(segments[-1:]), tuple(segments[-2:])
    if method == "GET" and len(last_two) == 2 and last_two[0] == "responses":  # noqa: PLR2004
        return Endpoint(name, "response", last_two[1], host)
    if method != "POST" or not segments:
        return None
    if last == ("cancel",) and segments[-3:-2] == ["responses"]:
        return Endpoint(name, "response", segments[-2], host)
    event = _EVENT_OF_LAST_TWO.get(cast("Any", last_two)) or _EVENT_OF_LAST.get(last[0])
    if event is None and not _NO_MODEL_CALL.isdisjoint(segments):
        return None
    return Endpoint(name, event, None, host)


def _split(url: str) -> tuple[str | None, str]:
    """Return the host of an absolute URL, and the path without query and fragment."""
    found = re.match(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//(?:[^/?#@]*@)?([^/?#:]*)[^/?#]*", url)
    path = url[found.end() :] if found else url
    return (found.group(1) or None if found else None), re.split(r"[?#]", path, maxsplit=1)[0]


def _without_id(segment: str) -> str:
    is_id = re.search(r"[0-9]", segment) and not re.fullmatch(r"v[0-9]+[a-z0-9]*", segment)
    return "*" if is_id or len(segment) > _MAX_NAME else segment


_MAX_NAME: Final = 32
"""Maximum characters of a path's segment that is no id."""


def event_of_body(body: Mapping[str, object]) -> str | None:
    """Return the event of a request to an unknown path, by its body's shape.

    None for an unknown shape.
    """
    if "model" in body and isinstance(body.get("messages"), list):
        return "chat_completion"
    return None


def runs_a_model(endpoint: Endpoint, body: Mapping[str, object]) -> bool:
    """Return whether a request to an unknown path makes a model run."""
    return "model" in body or not _RUNS_A_MODEL.isdisjoint(endpoint.name.split("/"))


def body_of(request: Mapping[str, Foreign]) -> Mapping[str, object]:
    """Return the JSON object that a request sends, given the SDK's options by name."""
    body: Foreign = request.get("json_data")
    if body is None and isinstance(content := request.get("content"), (bytes, bytearray)):
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            return {}
    members: Mapping[str, object] = {}
    if isinstance(body, Mapping):
        members = cast("Mapping[str, object]", body)
    extra = request.get("extra_json")
    return {**members, **extra} if extra else members
