"""Credentials of a client enter no record, even if the server sends them back."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING

import httpx2
import openai
import pytest
from tests.capture.conftest import KEY, QUESTION, Anything, Blocks, completion, events

from llmlog import testing
from llmlog._credentials import credentials_in

if TYPE_CHECKING:
    from collections.abc import Callable

MINE = "zq81-mauve-otter-kettle"
BASIC = base64.b64encode(f"u:{MINE}".encode()).decode()


def echo(request: httpx2.Request) -> str:
    return f"{request.url} {' '.join(request.headers.values())}".replace("Bearer ", "")


def refuse(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(400, json={"error": {"message": echo(request), "code": "c"}})


def break_off(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, stream=Blocks(*events({"error": {"message": echo(request)}})))


def azure(transport: httpx2.MockTransport, **options: Anything) -> openai.OpenAI:
    return openai.AzureOpenAI(
        api_version="2026-01-01",
        azure_endpoint="https://example.openai.azure.com",
        http_client=httpx2.Client(transport=transport),
        max_retries=0,
        **options,
    )


def plain(transport: httpx2.MockTransport, **options: Anything) -> openai.OpenAI:
    cookies = options.pop("cookies", None)
    http = httpx2.Client(transport=transport, cookies=cookies)
    return openai.OpenAI(api_key=KEY, http_client=http, max_retries=0, **options)


CLIENTS: dict[str, Callable[[httpx2.MockTransport], openai.OpenAI]] = {
    "azure key": lambda to: azure(to, api_key=MINE),
    "azure token": lambda to: azure(to, azure_ad_token=MINE),
    "azure token provider": lambda to: azure(to, azure_ad_token_provider=lambda: MINE),
    "key provider": lambda to: plain(to).with_options(api_key=lambda: MINE),
    "header": lambda to: plain(to, default_headers={"Helicone-Auth": f"Token {MINE}"}),
    "proxy": lambda to: plain(to, default_headers={"Proxy-Authorization": f"Digest {MINE}"}),
    "cookie": lambda to: plain(to, cookies={"a": "b", "sid": MINE}),
    "user in the url": lambda to: plain(to, base_url=f"https://u:{MINE}@example.com/v1"),
    "key in the url": lambda to: plain(to, base_url=f"https://example.com/v1?key={MINE}"),
    "query": lambda to: plain(to, default_query={"api_key": MINE}),
}


@pytest.mark.parametrize("content", ["redacted", "full"])
@pytest.mark.parametrize("answer", [refuse, break_off])
@pytest.mark.parametrize("made", CLIENTS.values(), ids=CLIENTS)
def test_credentials_in_an_error_text_are_not_recorded(
    memory: testing.Memory, made: Anything, answer: Anything, content: Anything
) -> None:
    client = testing.session(memory, content=content).wrap(made(httpx2.MockTransport(answer)))
    with pytest.raises(openai.APIError, match=f"{MINE}|{BASIC}"):
        list(client.chat.completions.create(model="m", messages=QUESTION, stream=True))
    (record,) = memory.records()
    assert "[redacted:" in record["error_message"]
    assert MINE not in str(record)
    assert BASIC not in str(record)


def test_a_token_of_azure_in_an_answer_is_not_recorded(memory: testing.Memory) -> None:
    message = {"role": "assistant", "content": f"Your token is {MINE}."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    to = httpx2.MockTransport(lambda _: httpx2.Response(200, json=completion(choices=[choice])))
    client = testing.session(memory, content="full").wrap(azure(to, azure_ad_token=MINE))
    client.chat.completions.create(model="m", messages=QUESTION)
    assert memory.records()[0]["output"]["content"] == "Your token is [redacted:api_key]."


SECRET_NAMES = [
    "X-Auth-Token",
    "Authorization",
    "apikey",
    "Api-Key",
    "OpenAI-Api-Key",
    "X-AuthToken",
    "APIKey",
    "x_api_key",
    "Ocp-Apim-Subscription-Key",
    "X-Amz-Security-Token",
    "Client-Secret",
    "X-Password",
    "X-Access-Key",
]
ORDINARY_NAMES = [
    "X-Original-Authority",
    "X-Author",
    "X-Authored-By",
    "X-Tokenizer",
    "Max-Tokens",
    "Idempotency-Key",
    "X-Sort-Key",
    "X-Secretary",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_header_with_a_sensitive_name_holds_a_credential(name: str) -> None:
    assert list(credentials_in({name: f"Kind {MINE}"})) == [f"Kind {MINE}", MINE]


@pytest.mark.parametrize("name", ORDINARY_NAMES)
def test_a_header_with_an_ordinary_name_holds_none(name: str) -> None:
    assert not list(credentials_in({name: "api.openai.com"}))


def test_of_the_cookies_those_of_sessions_are_secret() -> None:
    cookies = f"tier=production; JSESSIONID={MINE}; theme=high-contrast-dark; token=off"
    assert list(credentials_in({"Cookie": cookies})) == [cookies, MINE]


def test_of_keys_given_with_requests_the_latest_are_remembered_and_the_client_s_own_always(
    memory: testing.Memory,
) -> None:
    session = testing.session(memory)
    to = httpx2.MockTransport(lambda _: httpx2.Response(200, json=completion()))
    client = session.wrap(plain(to, default_headers={"Helicone-Auth": MINE}))
    for number in range(100):
        token = {"X-Request-Token": f"request-{number:03}"}
        client.chat.completions.create(model="m", messages=QUESTION, extra_headers=token)
    session.trace().record(event="span", extra={"a": f"{MINE} request-099"})
    session.trace().record(event="span", extra={"a": "request-000"})
    latest, first = (record["extra"]["a"] for record in memory.records()[100:])
    assert latest == "[redacted:api_key] [redacted:api_key]"
    assert first == "request-000"


class OddError(BaseException):
    """An exception whose properties raise, such as an HTTP error without a request."""

    @property
    def request(self) -> object:
        raise RuntimeError

    response = status_code = code = request


@pytest.mark.parametrize("content", ["none", "full"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_exception_that_cannot_be_looked_at_is_recorded_by_its_class(
    memory: testing.Memory, content: Anything, *, stream: bool
) -> None:
    def fail(_: object = None) -> httpx2.Response:
        raise OddError

    broken = httpx2.Response(200, stream=Blocks(fail))
    to = httpx2.MockTransport((lambda _: broken) if stream else fail)
    client = testing.session(memory, content=content).wrap(plain(to))
    with contextlib.suppress(OddError):
        list(client.chat.completions.create(model="m", messages=QUESTION, stream=stream))
    (record,) = memory.records()
    assert (record["status"], record["error_type"]) == ("error", "OddError")
