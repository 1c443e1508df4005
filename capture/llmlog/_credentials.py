"""Find the credentials of clients, and strip them from every record under every policy."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, TypeGuard, cast

from llmlog._foreign import Foreign, get_path, safe_getattr
from llmlog.record import dump


class CredentialFilter:
    """The credentials of a session's clients and requests, stripped from its lines."""

    def __init__(self) -> None:
        # Tuples that are replaced, never changed: other threads iterate over them.
        self._of_clients: _Credentials = ()
        self._of_requests: _Credentials = ()

    def add(self, credential: object, *, per_request: bool = False) -> None:
        """Add a credential; of those given `per_request`, only the latest are kept."""
        if not is_credential(credential):
            return
        if per_request:
            self._of_requests = _with(self._of_requests, credential)[-_MAX_PER_REQUEST:]
        else:
            self._of_clients = _with(self._of_clients, credential)

    def strip(self, line: bytes) -> bytes:
        """Return a record's line with each known credential replaced where it occurs."""
        for credential, encoded in self._of_clients + self._of_requests:
            if encoded in line:
                record: dict[str, object] = json.loads(line)
                # Field by field, because the names of fields are not the application's.
                line = dump({name: _replace(credential, value) for name, value in record.items()})
        return line


_Credentials: TypeAlias = tuple[tuple[str, bytes], ...]
"""Each credential as text, and as encoded in a line."""

_MAX_PER_REQUEST: Final = 64
"""Maximum credentials remembered that came with one request only."""


def _with(known: _Credentials, credential: str) -> _Credentials:
    encoded = json.dumps(credential, ensure_ascii=False)[1:-1].encode()
    return (*(pair for pair in known if pair[0] != credential), (credential, encoded))


def _replace(credential: str, value: object) -> object:
    if isinstance(value, str):
        return value.replace(credential, "[redacted:api_key]")
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {name.replace(credential, ""): _replace(credential, item) for name, item in pairs}
    if isinstance(value, list):
        return [_replace(credential, item) for item in cast("list[object]", value)]
    return value


def credentials_of(client: Foreign) -> Iterator[object]:
    """Yield a client's keys, and those in its default headers and query."""
    for name in _ATTRIBUTES:
        yield getattr(client, name, None)
    yield from credentials_in(getattr(client, "_custom_headers", None))
    url = client.base_url
    yield url.password
    query: Foreign = dict(url.params)
    query.update(getattr(client, "_custom_query", None) or {})
    for name, value in query.items():
        if name == "key" or _is_sensitive_name(name):
            yield value


_ATTRIBUTES: Final = (
    "api_key",
    "admin_api_key",
    "_azure_ad_token",
    "auth_token",
    "access_token",
    "aws_secret_key",
    "aws_session_token",
)
"""Attributes of clients that hold a credential."""


def credentials_in(headers: Foreign) -> Iterator[object]:
    """Yield the credentials in a request's headers, with and without their scheme."""
    if not isinstance(headers, Mapping):
        return
    for name, value in cast("Mapping[str, object]", headers).items():
        if isinstance(value, str) and _is_sensitive_name(name):
            yield value
            if name.lower() == "cookie":
                yield from _of_cookies(value)
            else:
                yield value.rpartition(" ")[2]


def _of_cookies(header: str) -> Iterator[str]:
    # Other cookies hold settings such as a theme, which are words of ordinary text.
    for cookie in header.split("; "):
        name, _, value = cookie.partition("=")
        if len(value) >= _MIN_COOKIE and re.search(_SENSITIVE_IN_COOKIES, name.lower()):
            yield value


def from_exception(error: object) -> Iterator[object]:
    """Yield the credentials in the headers of the request that raised `error`, if any."""
    return credentials_in(get_path(safe_getattr(error, "request"), "headers"))


def is_credential(value: object) -> TypeGuard[str]:
    """Return whether `value` is text long enough to be a credential."""
    # Servers without keys are given words such as `none` or `EMPTY`: part of ordinary words.
    return isinstance(value, str) and len(value) >= _MIN_CREDENTIAL


_MIN_CREDENTIAL: Final = 8
"""Minimum characters of a credential."""

_MIN_COOKIE: Final = 16
"""Minimum characters of a cookie's value that counts as a credential."""

_SENSITIVE_WORDS: Final = (
    r"(?:^|-)(?:auth(?:orization|entication|token)?|(?:access)?token|secret|passwd|password|cookie"
    r"|credentials?|(?:api|access|subscription)key"
    r"|(?:api|subscription|access|auth|secret|private|functions)-key)(?:-|$)"
)
_SENSITIVE_IN_COOKIES: Final = r"sess|sid|auth|token|jwt|secret|key"


@functools.lru_cache(maxsize=256)
def _is_sensitive_name(name: str) -> bool:
    # `X-Api-Key`, `apiKey` and `api_key` are the same words.
    words = re.sub(r"([a-z])([A-Z])", r"\1-\2", name).lower().replace("_", "-")
    return re.search(_SENSITIVE_WORDS, words) is not None
