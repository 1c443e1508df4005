"""Reproduction of a logged call with curl or in Python, without a key."""

from __future__ import annotations

import json
import pprint
import re
import shlex
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

_MAX_PRETTY: Final = 200_000
"""Maximum characters of a request that is laid out for reading."""


class _Endpoint(NamedTuple):
    """Path, the SDK's method, and the request's field that the logged input was."""

    path: str
    method: str
    field: str


_ENDPOINTS: Final = {
    "chat_completion": _Endpoint("chat/completions", "chat.completions.create", "messages"),
    "response": _Endpoint("responses", "responses.create", "input"),
    "completion": _Endpoint("completions", "completions.create", "prompt"),
    "embedding": _Endpoint("embeddings", "embeddings.create", "input"),
    "moderation": _Endpoint("moderations", "moderations.create", "input"),
    "image": _Endpoint("images/generations", "images.generate", "prompt"),
}
_ANTHROPIC: Final = _Endpoint("messages", "messages.create", "messages")
_LIMITS: Final = {"chat_completion": "max_completion_tokens", "response": "max_output_tokens"}
_PARAMETERS: Final = ("temperature", "top_p", "seed")
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")
_MISSING: Final = "tools, response_format and other parameters are not in the log"


def reproduction(record: Mapping[str, Any], language: Literal["curl", "python"]) -> str | None:
    """Return a command or program that repeats a call; None without its input.

    Keys are named by their environment variables. All text is ASCII, other characters escaped.
    """
    is_anthropic = record.get("provider") == "api.anthropic.com"
    event = str(record.get("event"))
    endpoint = _ANTHROPIC if is_anthropic else _ENDPOINTS.get(event)
    given, model = record.get("input"), record.get("requested_model") or record.get("model")
    if endpoint is None or given is None or not isinstance(model, str):
        return None
    request = _request(record, endpoint, event, given, model)
    if language == "curl":
        return _curl(request, endpoint, record.get("provider"), is_anthropic=is_anthropic)
    return _python(request, endpoint, record.get("provider"), is_anthropic=is_anthropic)


def _request(
    record: Mapping[str, Any], endpoint: _Endpoint, event: str, given: object, model: str
) -> dict[str, Any]:
    named = given if isinstance(given, dict) and endpoint.field in given else None
    request: dict[str, Any] = {"model": model, **(named or {endpoint.field: given})}
    if endpoint is _ANTHROPIC:
        request |= _with_system_apart(request["messages"])
    if (limit := record.get("max_tokens")) is not None:
        is_ours = endpoint is not _ANTHROPIC
        request[_LIMITS.get(event, "max_tokens") if is_ours else "max_tokens"] = limit
    for name in _PARAMETERS:
        if record.get(name) is not None:
            request[name] = record[name]
    if (effort := record.get("reasoning_effort")) is not None:
        is_response = event == "response"
        request |= (
            {"reasoning": {"effort": effort}} if is_response else {"reasoning_effort": effort}
        )
    if record.get("stream") is True:
        request["stream"] = True
    return request


def _with_system_apart(messages: object) -> dict[str, Any]:
    """Return Anthropic's `system` and `messages` of messages that begin with a system message."""
    first = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(messages, list) or not isinstance(first, dict):
        return {}
    if first.get("role") != "system":
        return {}
    return {"system": first.get("content"), "messages": messages[1:]}


def _base_url(provider: object) -> str | None:
    """Return the base URL of a provider; None if it is no plain host name.

    None too for a local server without its port, which capture does not record.
    """
    if not isinstance(provider, str) or not _HOST.fullmatch(provider):
        return None
    name, _, port = provider.partition(":")
    is_local = name in ("localhost", "127.0.0.1") or name.startswith(("10.", "192.168."))
    if is_local:
        return f"http://{provider}/v1" if port else None
    return f"https://{provider}/v1"


def _curl(
    request: Mapping[str, Any], endpoint: _Endpoint, provider: object, *, is_anthropic: bool
) -> str:
    base = _base_url(provider) or "$OPENAI_BASE_URL"
    headers = ["Content-Type: application/json"]
    if is_anthropic:
        headers += ["x-api-key: $ANTHROPIC_API_KEY", "anthropic-version: 2023-06-01"]
    else:
        headers.append("Authorization: Bearer $OPENAI_API_KEY")
    body = json.dumps(request, indent=None if _is_large(request) else 2)
    lines = [
        f"# {_MISSING}",
        f'curl "{base}/{endpoint.path}" \\',
        *(f'  -H "{header}" \\' for header in headers),
        f"  --data-binary {shlex.quote(body)}",
    ]
    return "\n".join(lines)


def _python(
    request: Mapping[str, Any], endpoint: _Endpoint, provider: object, *, is_anthropic: bool
) -> str:
    sdk, client = ("anthropic", "Anthropic") if is_anthropic else ("openai", "OpenAI")
    base = _base_url(provider)
    is_default = base is None or provider in ("api.openai.com", "api.anthropic.com")
    if _is_large(request):
        literal = ascii(dict(request))
    else:
        literal = pprint.pformat(dict(request), width=88, sort_dicts=False)
        literal = literal if literal.isascii() else _escaped(literal)
    lines = [
        f"# {_MISSING}",
        f"from {sdk} import {client}",
        "",
        f"client = {client}({'' if is_default else f'base_url={base!r}'})",
        f"request = {literal}",
        f"result = client.{endpoint.method}(**request)",
        "print(result)" if not request.get("stream") else "for event in result:\n    print(event)",
    ]
    return "\n".join(lines)


def _escaped(literal: str) -> str:
    """Return a Python literal with characters beyond ASCII escaped in its strings."""
    return literal.encode("ascii", "backslashreplace").decode()


def _is_large(request: Mapping[str, Any]) -> bool:
    return len(str(request)) > _MAX_PRETTY
