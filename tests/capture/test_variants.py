"""Variants of clients and resources: subclasses, custom copy methods, beta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import openai
from tests.capture.conftest import KEY, QUESTION, Anything, client_of, completion

if TYPE_CHECKING:
    from llmlog import Session, testing


class Tenants(openai.OpenAI):
    """A client whose copies take an additional option."""

    tenant: str | None = None

    def with_options(self, *, tenant: str | None = None, **options: Anything) -> Any:  # noqa: ANN401
        client = super().with_options(**options)
        client.tenant = tenant
        return client


def test_a_client_with_its_own_copy_method_keeps_it(
    session: Session, memory: testing.Memory
) -> None:
    to = httpx2.MockTransport(lambda _: httpx2.Response(200, json=completion()))
    client = session.wrap(Tenants(api_key=KEY, http_client=httpx2.Client(transport=to)))
    copy = client.with_options(tenant="Bern", timeout=3)
    assert (copy.tenant, copy.timeout) == ("Bern", 3)
    copy.chat.completions.create(model="m", messages=QUESTION)
    assert len(memory.records()) == 1


def test_the_responses_of_the_beta_resource_are_recorded(
    session: Session, memory: testing.Memory
) -> None:
    answer = {"id": "resp_1", "model": "m-2026", "status": "completed", "output": []}
    client = session.wrap(client_of(httpx2.Response(200, json=answer)))
    client.beta.responses.create(model="m", input="Say hi.")
    (record,) = memory.records()
    assert (record["event"], record["id"]) == ("response", "resp_1")


def test_a_legacy_function_call_is_a_tool_call(session: Session, memory: testing.Memory) -> None:
    message = {"role": "assistant", "function_call": {"name": "look", "arguments": "{"}}
    choice = {"index": 0, "message": message, "finish_reason": "function_call"}
    client = session.wrap(client_of(httpx2.Response(200, json=completion(choices=[choice]))))
    client.chat.completions.create(model="m", messages=QUESTION)
    (record,) = memory.records()
    assert (record["tool_calls"], record["tool_args_ok"]) == (["look"], False)
