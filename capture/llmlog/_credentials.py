"""What a client proves itself with: it enters no record, under no policy, wherever it stands."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeGuard, cast

from llmlog._sdk.fields import pick, told_by

if TYPE_CHECKING:
    from llmlog._sdk.fields import Foreign

_SECRET: Final = frozenset(
    [
        "auth",
        "authorization",
        "authentication",
        "authtoken",
        "token",
        "accesstoken",
        "secret",
        "password",
        "passwd",
        "cookie",
        "credential",
        "credentials",
        "apikey",
        "accesskey",
        "subscriptionkey",
    ]
)
_WHOSE_KEY: Final = frozenset(
    ["api", "subscription", "access", "auth", "secret", "private", "functions"]
)
_COOKIE: Final = ("sess", "sid", "auth", "token", "jwt", "secret", "key")


def of_client(client: Foreign) -> Iterator[object]:
    """The keys of `client`, and those in the headers and the query it sends with each request."""
    yield client.api_key
    yield getattr(client, "admin_api_key", None)
    yield getattr(client, "_azure_ad_token", None)
    yield from of_headers(getattr(client, "_custom_headers", None))
    url = client.base_url
    yield url.password
    query: Foreign = dict(url.params)
    query.update(getattr(client, "_custom_query", None) or {})
    for name, value in query.items():
        if name == "key" or _is_telling(name):
            yield value


def of_headers(headers: Foreign) -> Iterator[object]:
    """The credentials among the headers of a request, whole and without what says their kind."""
    if not isinstance(headers, Mapping):
        return
    for name, value in cast("Mapping[str, object]", headers).items():
        if isinstance(value, str) and _is_telling(name):
            yield value
            if name.lower() == "cookie":
                yield from _of_cookies(value)
            else:
                yield value.rpartition(" ")[2]


def _of_cookies(header: str) -> Iterator[str]:
    """The values that are random: a cookie may also say in a word how the page is to look."""
    for cookie in header.split("; "):
        name, _, value = cookie.partition("=")
        if len(value) >= _SHORTEST_COOKIE and any(word in name.lower() for word in _COOKIE):
            yield value


def sent_with(error: object) -> Iterator[object]:
    """The credentials in the headers of the request that raised `error`, if there was one."""
    return of_headers(pick(told_by(error, "request"), "headers"))


def is_one(credential: object) -> TypeGuard[str]:
    """Whether `credential` is long enough to be one.

    Servers without keys are given words such as `none` or `EMPTY`, which stand in other words.
    """
    return isinstance(credential, str) and len(credential) >= _SHORTEST


_SHORTEST: Final = 8
_SHORTEST_COOKIE: Final = 16


@functools.lru_cache(maxsize=256)
def _is_telling(name: str) -> bool:
    words = re.sub(r"([a-z])([A-Z])", r"\1-\2", name).lower().replace("_", "-").split("-")
    if not _SECRET.isdisjoint(words):
        return True
    return any(word == "key" and whose in _WHOSE_KEY for whose, word in pairwise(words))
